"""Whether the service answers, and whether what it has to say leaves: looked at several times a second throughout."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field

from bot.clock import FileClock
from bot.db.database import Database, DatabaseAway
from faults.carrier import Carrier
from faults.journal import FINE, Exchange, Journal

_PAUSE = 0.15
#: Numbers that nobody knows, from which it dials in turn.
_NUMBERS = 1000
#: A reply that waits longer than this is late, in seconds.
LATE = 2.0
_WAITING = """
SELECT coalesce(max(extract(epoch FROM %(now)s - due_at)), 0)::float8 FROM attempt
WHERE lane = 'reply' AND state IN ('queued', 'claimed') AND due_at <= %(now)s
"""


@dataclass
class Probes:
    """Two threads: one dials from numbers that nobody knows, the other asks the outbox how long the oldest reply waits."""

    carrier: Carrier
    database: Database
    clock: FileClock
    _late: list[tuple[float, bool]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin."""
        for watch in (self._dial, self._look):
            threading.Thread(target=watch, daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._over.set()

    def answering_again(self, start: float, end: float) -> float | None:
        """Seconds from ``start`` to the first good answer after the last bad one before ``end``; None if none was good."""
        return answering_from(self.carrier.journal, start, end)

    def sending_again(self, start: float, end: float) -> float | None:
        """The same of the outbox: from when on no reply was late."""
        return _steady_from([(at, not late) for at, late in list(self._late) if start <= at < end], start)

    def _dial(self) -> None:
        # A phone that dials without a pause is soon told that we are busy (PHONE_TURNS).
        numbers = itertools.cycle(f"+628990000{number:05d}" for number in range(_NUMBERS))
        while not self._over.wait(_PAUSE):
            self.carrier.hop(next(numbers), self.carrier.session(), "", "probe")

    def _look(self) -> None:
        while not self._over.wait(_PAUSE):
            try:
                waits = self.database.value(_WAITING, {"now": self.clock.now()})
            except DatabaseAway:
                continue
            self._late.append((time.monotonic(), float(waits) > LATE))


def answering_from(journal: Journal, start: float, end: float) -> float | None:
    """Seconds from ``start`` until probes were answered well, as long as they were before ``end``; None if they never were.

    What was under way at the end met the next fault, and says nothing of this one.
    """
    dials = [each for each in journal.between(start, end) if each.what == "probe" and each.began + each.took < end]
    return _steady_from([(each.began + each.took, _good(each)) for each in dials], start)


def _good(exchange: Exchange) -> bool:
    return exchange.came_to == FINE


def _steady_from(seen: list[tuple[float, bool]], start: float) -> float | None:
    if not seen or not seen[-1][1]:
        return None
    first = len(seen)
    while first and seen[first - 1][1]:
        first -= 1
    return 0.0 if first == 0 else seen[first][0] - start
