"""What those outside saw: every request of the carrier with its answer, every text that reached a phone. The service's own
records are not asked for any of it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

#: What a request came to: the screen or acknowledgement that was wanted; words of regret that were valid; an HTTP error; no
#: answer at all.
FINE: Final = "fine"
SORRY: Final = "sorry"
REFUSED: Final = "5xx"
SILENCE: Final = "no answer"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of the carrier. ``began`` in seconds of the monotonic clock, ``took`` in seconds."""

    began: float
    took: float
    what: str
    came_to: str


@dataclass
class Journal:
    """Written by many threads."""

    exchanges: list[Exchange] = field(default_factory=list)
    #: Which tickets a worker was shown, on a screen or by SMS: (worker's number, ticket).
    tickets: set[tuple[str, str]] = field(default_factory=set)
    #: Ids of the texts that the service has acknowledged, and when it did first.
    acknowledged: dict[str, float] = field(default_factory=dict)
    #: Who gave up, and why.
    unserved: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, exchange: Exchange) -> None:
        """Add an exchange."""
        with self._lock:
            self.exchanges.append(exchange)

    def note_tickets(self, number: str, tickets: Iterable[str]) -> None:
        """A worker has seen tickets."""
        with self._lock:
            self.tickets |= {(number, ticket) for ticket in tickets}

    def note_acknowledged(self, message: str, at: float) -> None:
        """The service has said that it has a text."""
        with self._lock:
            self.acknowledged.setdefault(message, at)

    def between(self, start: float, end: float) -> list[Exchange]:
        """The exchanges that were begun within a span."""
        with self._lock:
            return [each for each in self.exchanges if start <= each.began < end]

    def slowest(self) -> dict[str, float]:
        """The longest that each kind of request took, in seconds."""
        found: dict[str, float] = defaultdict(float)
        for each in self.exchanges:
            found[each.what] = max(found[each.what], each.took)
        return dict(found)
