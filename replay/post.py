"""The gateway's other half: texts reach their phones, and receipts go back, as the stub gateway's own log has taken them."""

from __future__ import annotations

import functools
import heapq
import json
import os
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

from bot.campaigns.reminder_texts import CLOSING as CLOSING_TEXT
from replay.books import BLAST, CLAIM, CLOSING, OFFICE, REPLY, TICKET, Books
from replay.curve import CLOSES, FIRST
from replay.lines import Lines
from replay.screens import state_of

#: The kind of receipts at the lines.
RECEIPTS: Final = 1
#: The texts of the ministry's blast and of the district offices' reminders begin so.
BLAST_TEXT = "KEMENKES: vaksinasi SDM kesehatan."
OFFICE_TEXT = "Dinas Kesehatan mengingatkan:"
#: Of the messages to right numbers the share that gets no receipt, or one of a failure; the share of receipts that are told
#: twice, and that are preceded by one that the message was sent.
UNREPORTED, FAILED, TWICE, SENT_FIRST = 0.12, 0.06, 0.02, 0.05
#: How soon the receipts come: (share, up to so many seconds). Phones that are off at night or out of reach answer late.
_DELAYS: Final = ((0.55, 600.0), (0.30, 5400.0), (0.15, 21_600.0))
#: Everything has been told by then.
ALL_TOLD: Final = CLOSES + 840.0
_FAILURES: Final = ("DeliveryFailure", "UserIsInactive", "DeliveryFailure", "NotNetworkSubscriber")
#: Seconds between two looks at what the gateway has taken.
_LOOK: Final = 0.01
_CLOSING_BEGINS: Final = CLOSING_TEXT["id"].partition("{")[0]


@functools.lru_cache(maxsize=4096)
def kind_of(body: str) -> str:
    """What kind of message a text is."""
    if body.startswith(BLAST_TEXT):
        return BLAST
    if body.startswith(OFFICE_TEXT):
        return OFFICE
    if body.startswith(_CLOSING_BEGINS):
        return CLOSING
    state = state_of(body)
    return state if state in {TICKET, CLAIM} else REPLY


class GatewayLog:
    """Reads on in the stub's log and in the texts beside it."""

    def __init__(self, log: Path) -> None:
        self._files = [os.open(each, os.O_RDONLY | os.O_CREAT, 0o600) for each in (log, log.with_suffix(".bodies"))]
        self._left = [b"", b""]
        self._bodies: dict[str, str] = {}

    def news(self) -> list[tuple[str, str, str]]:
        """What was taken since: (number, the gateway's id, text)."""
        # A text is written before the lines that name it.
        lines = self._lines(0)
        if not lines:
            return []
        for line in self._lines(1):
            digest, body = json.loads(line)
            self._bodies[digest] = body
        fields = (line.decode().split("\t") for line in lines)
        return [(number, named, self._bodies[digest]) for _, _, _, digest, number, named in fields]

    def close(self) -> None:
        """Read no more."""
        for file in self._files:
            os.close(file)

    def _lines(self, which: int) -> list[bytes]:
        pieces = [self._left[which]]
        while piece := os.read(self._files[which], 1 << 22):
            pieces.append(piece)
        if len(pieces) == 1:
            return []
        *lines, self._left[which] = b"".join(pieces).split(b"\n")
        return lines


class Post:
    """Carries texts to phones (``texted``) and receipts to the service; ``wrong``: how numbers begin that are nobody's."""

    def __init__(
        self,
        log: Path,
        lines: Lines,
        books: Books,
        receipts_to: str,
        texted: Callable[[str, str], None],
        *,
        seed: int,
        wrong: str,
    ) -> None:
        self._log = GatewayLog(log)
        self._lines = lines
        self._books = books
        self._receipts_to = receipts_to
        self._texted = texted
        self._seed = seed
        self._wrong = wrong
        self._due: list[tuple[float, int, str, str, int | None, str, str]] = []
        self._order = 0
        self._looked = 0.0

    def turn(self, now: float) -> None:
        """Take in what the gateway has taken, and send the receipts that are due ``now``."""
        if time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            for number, named, body in self._log.news():
                self._take(number, named, body, now)
        while self._due and self._due[0][0] <= now:
            _, _, phone, named, whose, kind, end = heapq.heappop(self._due)
            self._report(phone, named, whose, kind, end)

    def look(self, now: float) -> None:
        """Take in at once what the gateway has taken."""
        self._looked = 0.0
        self.turn(now)

    def close(self) -> None:
        """Read no more."""
        self._log.close()

    def is_done(self, until: float) -> bool:
        """Whether every receipt up to a moment has been taken."""
        return not (self._due and self._due[0][0] <= until) and not self._lines.under_way(RECEIPTS)

    def late(self, now: float) -> float:
        """Whether receipts pile up, as seconds of the day."""
        return max(0.0, now - self._due[0][0]) if self._due else 0.0

    def _take(self, phone: str, named: str, body: str, now: float) -> None:
        kind = kind_of(body)
        whose = self._books.took(kind, phone)
        if kind in {REPLY, TICKET}:
            self._texted(phone, body)
        drawn = self._drawn(kind, phone)
        if phone.startswith(self._wrong):
            end = "UserDoesNotExist"
        elif drawn < UNREPORTED:
            return
        elif drawn < UNREPORTED + FAILED:
            end = _FAILURES[int(drawn * 1e6) % len(_FAILURES)]
        else:
            end = ""
        self._order += 1
        # Those of the blast are counted from its end, so that when they come is the same in every run.
        begins = FIRST if kind == BLAST else now
        due = min(begins + _delay(self._drawn("delay of " + kind, phone)), ALL_TOLD)
        heapq.heappush(self._due, (due, self._order, phone, named, whose, kind, end))

    def _report(self, phone: str, named: str, whose: int | None, kind: str, end: str) -> None:
        final = f"Failed&failureReason={end}" if end else "Success"
        habit = self._drawn("habit of " + kind, phone)
        if habit < SENT_FIRST:
            self._send(phone, named, "Sent", None)
        self._send(phone, named, final, lambda: self._books.reported(kind, whose, delivered=not end))
        if habit > 1 - TWICE:
            self._send(phone, named, final, None)

    def _send(self, phone: str, named: str, status: str, taken: Callable[[], None] | None) -> None:
        body = f"id={quote_plus(named)}&status={status}&phoneNumber=%2B{phone[1:]}&networkCode=51010&retryCount=0"

        def acknowledged(answer: str | None) -> None:
            if answer is None:  # the gateway tells it again
                self._lines.post(RECEIPTS, self._receipts_to, body, acknowledged)
            elif taken is not None:
                taken()

        self._lines.post(RECEIPTS, self._receipts_to, body, acknowledged)

    def _drawn(self, what: str, phone: str) -> float:
        """A chance of 0 to 1, the same for the same seed, number and kind."""
        told = f"{self._seed} {what} {phone}".encode()
        return int.from_bytes(blake2b(told, digest_size=6).digest(), "big") / (1 << 48)


def _delay(drawn: float) -> float:
    """Seconds until a receipt comes."""
    for share, most in _DELAYS:
        if drawn < share:
            return 1.0 + drawn / share * most
        drawn -= share
    return _DELAYS[-1][1]
