"""What the stub gateway does to requests and with receipts, and by what chance."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any


class Fate(enum.Enum):
    """What becomes of a request."""

    NORMAL = enum.auto()
    THROTTLED = enum.auto()  # not taken, HTTP 429
    BROKEN = enum.auto()  # not taken, HTTP 500
    DROPPED = enum.auto()  # taken, the connection is reset instead of an answer
    GARBLED = enum.auto()  # taken, and answered with bytes that are no JSON
    LOSING = enum.auto()  # taken, but some recipients are missing from the answer


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Probabilities (0 to 1) of each request, unless it says otherwise. By default everything goes well at once.

    ``slow``: answered after ``slow_seconds``, whatever else happens to it; ``lost_share``: which share of the recipients a
    ``losing`` answer leaves out, one at least. Of the messages taken ``receipts`` (a share) get two receipts, one that
    they were sent and one of their end, at most ``receipts_per_second``; each comes within ``receipt_delay`` seconds after
    what it tells of, again (``receipts_twice``) within as many more, and in the wrong order (``receipts_swapped``).
    ``undelivered``: the share whose end is that they did not arrive. ``seed`` begins the chances anew.
    """

    slow: float = 0.0
    slow_seconds: float = 2.0
    throttled: float = 0.0
    broken: float = 0.0
    dropped: float = 0.0
    garbled: float = 0.0
    losing: float = 0.0
    lost_share: float = 0.1
    receipts: float = 0.0
    receipts_per_second: float = 1000.0
    receipt_delay: float = 1.0
    receipts_twice: float = 0.0
    receipts_swapped: float = 0.0
    undelivered: float = 0.0
    seed: float = 0

    def __post_init__(self) -> None:
        seconds = {"slow_seconds", "receipts_per_second", "receipt_delay", "seed"}
        for each in fields(self):
            value = getattr(self, each.name)
            if value < 0 or (each.name not in seconds and value > 1):
                raise ValueError(f"{each.name} cannot be {value}")
        if self.throttled + self.broken + self.dropped + self.garbled + self.losing > 1:
            raise ValueError(
                "a request has one fate: throttled, broken, dropped, garbled and losing add up to more than 1"
            )
        if self.receipts and not self.receipts_per_second:
            raise ValueError("receipts_per_second cannot be 0 where there are receipts")

    def changed(self, told: Mapping[str, str]) -> Behaviour:
        """This behaviour with what a form tells; raises ``ValueError`` for what is no member or no number."""
        if unknown := told.keys() - {each.name for each in fields(self)}:
            raise ValueError(f"there is no {', '.join(sorted(unknown))}")
        changes: dict[str, Any] = {name: float(value) for name, value in told.items()}
        return replace(self, **changes)


class Chance:
    """Draws what happens, the same for the same seed and the same requests in the same order."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.random = Random(behaviour.seed)
        self._behaviour = behaviour
        told = behaviour
        self._fates = (
            (Fate.THROTTLED, told.throttled),
            (Fate.BROKEN, told.broken),
            (Fate.DROPPED, told.dropped),
            (Fate.GARBLED, told.garbled),
            (Fate.LOSING, told.losing),
        )
        self._always_normal = not any(share for _, share in self._fates)

    def fate(self) -> Fate:
        """What becomes of the request that came now."""
        if self._always_normal:
            return Fate.NORMAL
        drawn = self.random.random()
        for fate, share in self._fates:
            if drawn < share:
                return fate
            drawn -= share
        return Fate.NORMAL

    def wait(self) -> float:
        """Seconds until it is answered."""
        slow = self._behaviour.slow
        return self._behaviour.slow_seconds if slow and self.random.random() < slow else 0.0

    def lost(self, count: int) -> frozenset[int]:
        """Which of ``count`` recipients an answer leaves out."""
        return frozenset(
            self.random.sample(range(count), min(count, max(1, round(count * self._behaviour.lost_share))))
        )
