"""The service's clock, in our hands: it runs as fast as everybody keeps up, and never past the next checkpoint."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from bot.clock import FileClock, set_file_clock

ZONE: Final = ZoneInfo("Asia/Jakarta")
MIDNIGHT: Final = datetime(2021, 1, 13, tzinfo=ZONE)
_BEGINS: Final = MIDNIGHT.timestamp()
#: Seconds of the machine between two looks at how far everybody is.
_LOOK: Final = 0.1
#: Seconds of the day by which people are late at most before the clock hardly moves.
LATE: Final = 240.0
#: It aims at this share of that, so that there is always something to do: each look makes it slower or faster at once by how
#: far off it is, and changes what it takes for bearable by this much of it.
_AIM, _LEARNS = 0.3, 0.01
#: It never runs slower than that, and than this share of its highest factor.
_LEAST, _SHARE = 4.0, 1 / 60
#: The looks of which it is remembered how fast it ran, 16 s at least: a transaction may be open for 10 s, and figures are made
#: every 5 s. What the service looks through again for those who were in one is as long as the clock may have run while one was
#: open, and costs as much. It jumps by a minute where something waits for it.
_REMEMBERED: Final = 160
_LEAST_PACE: Final = 12.0


def moment_of(seconds: float) -> datetime:
    """A moment of the day, of its seconds since midnight in Jakarta."""
    return MIDNIGHT + timedelta(seconds=seconds)


def said(seconds: float) -> str:
    """A moment as people say it: 18.30."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:02}.{minutes % 60:02}"


class Timekeeper:
    """``speed``: the highest factor."""

    def __init__(self, path: Path, speed: float) -> None:
        self._path = path
        self._speed = speed
        self._most = speed
        self._factor = speed
        self._bearable = speed
        self._until = 0.0
        self._late = LATE
        self._looked = 0.0
        self._ran = deque([speed], maxlen=_REMEMBERED)
        self._pace = speed
        self.stop_at(0.0)
        self._clock = FileClock(path)

    def now(self) -> float:
        """Seconds since midnight."""
        return self._clock.now().timestamp() - _BEGINS

    def stop_at(self, seconds: float) -> None:
        """Set the clock to a moment at which it stands, until it is let run again."""
        self._until = seconds
        set_file_clock(self._path, moment_of(seconds), pace=self._pace)

    def rest_at(self, seconds: float) -> None:
        """The same where nothing is under way, and so no span need be longer for a clock that may run."""
        self._until = seconds
        set_file_clock(self._path, moment_of(seconds))

    def run_until(self, seconds: float, most: float | None = None, late: float = LATE) -> None:
        """Let it run, at most to a moment and at a factor of ``most``, slower where somebody is late by ``late`` seconds."""
        self._until = max(seconds, self.now())
        self._most = self._speed if most is None else min(most, self._speed)
        self._late = late
        self._factor = min(self._factor, self._most)
        self._bearable = min(self._bearable, self._most)
        self._pace = max(self._pace, self._factor)
        self._set()

    def heed(self, late: Callable[[], float]) -> None:
        """Where it is time to look, by how many seconds of the day somebody is late: run slower, or faster again.

        While it stands at what it ran to, how late anybody is tells nothing of how fast it may run: that stays as it was.
        """
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        stands = self.now() >= self._until
        factor = self._factor if stands else self._after(late())
        self._ran.append(0.0 if stands else max(factor, self._factor))
        pace = max(*self._ran, _LEAST_PACE)
        if (factor, pace) != (self._factor, self._pace):
            self._factor, self._pace = factor, pace
            self._set()

    def _after(self, late_by: float) -> float:
        """The factor to go on with."""
        over = min(late_by / self._late, 1.2) - _AIM
        least = max(_LEAST, self._most * _SHARE)
        self._bearable = min(self._most, max(least, self._bearable * (1 - _LEARNS * over)))
        return min(self._most, max(least, self._bearable * (1 - over)))

    def _set(self) -> None:
        set_file_clock(self._path, self._clock.now(), self._factor, until=moment_of(self._until), pace=self._pace)
