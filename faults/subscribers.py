"""Three hundred people with phones, who want a place and do not give up."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.stub_gateway.message_log import read_bodies, read_log
from faults.carrier import Carrier
from faults.journal import Journal

TICKET = re.compile(r"\bTiket ([0-9A-Z]{6})\b")
#: Seconds until somebody looks at a screen and types, and between two dials.
_LOOKS, _REDIALS = (0.2, 0.9), (0.8, 2.0)
#: How often somebody dials or texts at most, and how long they wait for the answer to a text before they text again.
_MOST_DIALS, _MOST_TEXTS, _WAITS_FOR_REPLY = 60, 40, 45.0


class Inboxes:
    """What the gateway has taken, by number, as its own log has it. ``turn`` is called by one thread."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._by_number: dict[str, list[str]] = defaultdict(list)
        self._news = threading.Condition()

    def turn(self) -> None:
        """Read what has come since."""
        lines = list(read_log(self._log, self._read))
        if not lines:
            return
        self._read += len(lines)
        bodies = read_bodies(self._log)
        with self._news:
            for line in lines:
                self._by_number[line.number].append(bodies[line.digest])
            self._news.notify_all()

    def next(self, number: str, seen: int, patience: float) -> str | None:
        """The text after the first ``seen`` of a number, once it is there."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._by_number[number]) > seen, patience):
                return None
            return self._by_number[number][seen]

    def count(self, number: str) -> int:
        """How many texts a number has got."""
        with self._news:
            return len(self._by_number[number])


@dataclass
class Subscriber:
    """Somebody on the roster with a phone of their own."""

    number: str
    birth_date: str
    by_sms: bool
    carrier: Carrier
    journal: Journal
    inboxes: Inboxes
    chance: random.Random = field(default_factory=random.Random)

    def registers(self) -> None:
        """Until they hold a ticket, or give up."""
        done = self._by_text() if self.by_sms else self._by_dialling()
        if not done:
            self.journal.unserved[self.number] = "by SMS" if self.by_sms else "by USSD"

    def _by_dialling(self) -> bool:
        for _ in range(_MOST_DIALS):
            if self._dials():
                return True
            time.sleep(self.chance.uniform(*_REDIALS))
        return False

    def _dials(self) -> bool:
        """One session: whether it ended with a ticket."""
        session, text = self.carrier.session(), ""
        for _ in range(12):
            screen = self.carrier.hop(self.number, session, text)
            if screen is None:
                return False
            if tickets := TICKET.findall(screen):
                self.journal.note_tickets(self.number, tickets)
                return True
            if not screen.startswith("CON "):
                return False
            time.sleep(self.chance.uniform(*_LOOKS))
            answer = self._answer(screen)
            text = f"{text}*{answer}" if text else answer
        return False

    def _by_text(self) -> bool:
        seen = self.inboxes.count(self.number)
        said = self.birth_date
        for _ in range(_MOST_TEXTS):
            if self.carrier.text(self.number, said) is None:
                return False
            while True:
                reply = self.inboxes.next(self.number, seen, _WAITS_FOR_REPLY)
                if reply is None:
                    break  # they text again
                seen += 1
                if tickets := TICKET.findall(reply):
                    self.journal.note_tickets(self.number, tickets)
                    return True
                if "blast" in reply:
                    continue
                time.sleep(self.chance.uniform(*_LOOKS))
                said = self._answer(reply)
                break
        return False

    def _answer(self, screen: str) -> str:
        return self.birth_date if "tanggal lahir" in screen.lower() else "1"


def all_register(people: Iterable[Subscriber], within: float, chance: random.Random) -> list[threading.Thread]:
    """Have everybody begin at some moment of the next ``within`` seconds."""
    threads = []
    for somebody in people:
        somebody.chance = random.Random(chance.getrandbits(64))
        begins = chance.uniform(0, within)

        def life(somebody: Subscriber = somebody, begins: float = begins) -> None:
            time.sleep(begins)
            somebody.registers()

        threads.append(threading.Thread(target=life, daemon=True))
    for thread in threads:
        thread.start()
    return threads
