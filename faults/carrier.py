"""The operator between phones and the service: Africa's Talking as documented, with its repeats and its patience."""

from __future__ import annotations

import http.client
import itertools
import random
import select
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode

from faults.journal import FINE, REFUSED, SILENCE, SORRY, Exchange, Journal

#: Seconds that the operator waits for an answer.
_WAITS = 15.0
#: Seconds between two tries of an SMS that was not acknowledged, and for how many seconds it is tried.
_AGAIN, _LONGEST = 1.0, 90.0
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Habits:
    """How badly the operator behaves: the chance that a request is sent twice or three times, and that an SMS is held back
    so that a later one overtakes it."""

    repeats: float = 0.02
    overtaken: float = 0.0


@dataclass
class Carrier:
    """Carries requests to the service at ``port``."""

    port: int
    secret: str
    journal: Journal
    chance: random.Random
    habits: Habits = field(default_factory=Habits)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _own: threading.local = field(default_factory=threading.local)
    _repeating: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))

    def place(self) -> tuple[str, int]:
        """Where the next request goes: host and port."""
        return "127.0.0.1", self.port

    def session(self) -> str:
        """A fresh session's id."""
        return f"ATUid_{next(self._numbers):08d}{self.chance.getrandbits(32):08x}"

    def hop(self, number: str, session: str, text: str, what: str = "ussd") -> str | None:
        """The screen that the phone shows; None where the line drops."""
        form = {
            "sessionId": session,
            "phoneNumber": number,
            "networkCode": "51010",
            "serviceCode": "*384*119#",
            "text": text,
        }
        for copy in range(self._repeats()):
            # The operator's other node sends it too, a moment later; nobody sees what that is answered.
            self._repeating.submit(self._later, "ussd", form, 0.02 * (copy + 1), "repeat")
        status, body = self._post("ussd", form, what)
        return body if status == 200 else None

    def text(self, number: str, text: str) -> str | None:
        """Deliver an SMS until it is acknowledged: its id, or None where that never happened."""
        message = f"msg-{next(self._numbers):07d}-{self.chance.getrandbits(32):08x}"
        form = {"id": message, "from": number, "to": "1199", "text": text, "date": "2021-01-13 03:00:00"}
        if self.chance.random() < self.habits.overtaken:
            time.sleep(self.chance.uniform(0.2, 1.0))
        for copy in range(self._repeats()):
            self._repeating.submit(self._later, "sms", form, 0.03 * (copy + 1), "repeat")
        until = time.monotonic() + _LONGEST
        while time.monotonic() < until:
            status, _ = self._post("sms", form, "sms")
            if status == 200:
                self.journal.note_acknowledged(message, time.monotonic())
                return message
            time.sleep(_AGAIN)
        return None

    def _repeats(self) -> int:
        return self.chance.choice((1, 2)) if self.chance.random() < self.habits.repeats else 0

    def _later(self, what: str, form: Mapping[str, str], after: float, noted_as: str) -> None:
        time.sleep(after)
        status, _ = self._post(what, form, noted_as)
        if what == "sms" and status == 200:
            self.journal.note_acknowledged(form["id"], time.monotonic())

    def _post(self, what: str, form: Mapping[str, str], noted_as: str) -> tuple[int, str]:
        """Post a form on this thread's connection: (status, body), (0, "") where nothing came back."""
        began = time.monotonic()
        status, body = 0, ""
        place = self.place()
        if not hasattr(self._own, "connections"):
            self._own.connections = {}
        kept: http.client.HTTPConnection | None = self._own.connections.pop(place, None)
        if kept is not None and _is_closed(kept):
            kept.close()
            kept = None
        connection = kept or http.client.HTTPConnection(*place, timeout=_WAITS)
        try:
            connection.request("POST", f"/webhooks/africastalking/{self.secret}/{what}", urlencode(form), _HEADERS)
            answer = connection.getresponse()
            status, body = answer.status, answer.read().decode()
            self._own.connections[place] = connection
        except (OSError, http.client.HTTPException):
            connection.close()
        came_to = SILENCE if status == 0 else REFUSED if status != 200 else FINE
        if came_to == FINE and what == "ussd" and _is_sorry(body):
            came_to = SORRY
        self.journal.note(Exchange(began, time.monotonic() - began, noted_as, came_to))
        return status, body


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    """Whether the service has closed a kept connection meanwhile: HTTP clients look before they send again."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


def _is_sorry(screen: str) -> bool:
    return screen.startswith("END ") and ("sibuk" in screen or "busy" in screen)
