"""The one clock of the service.

Everything that decides by time takes it from here, as an aware UTC ``datetime``, and hands it to SQL as a parameter;
``now()`` of PostgreSQL and the TTLs of Redis decide nothing. A file named by ``CLOCK_FILE`` can set the clock, stop it
or run it at a factor, for all processes that share the file: tests and the replay of a night use that.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class RealClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to: for tests within one process."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


class FileClock:
    """A clock shared by processes through a small JSON file, read again whenever it changes.

    The file holds ``{"origin": ISO 8601, "started": seconds since the epoch, "factor": number}``: the time is ``origin``
    plus what has passed on the machine since ``started``, times ``factor`` (0 stops the clock). With ``"until": ISO 8601``
    it stops there. ``"pace"``: the highest factor that it will be given, see ``pace_of``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._origin = 0.0
        self._started = 0.0
        self._factor = 1.0
        self._until = math.inf
        self._pace = 1.0

    def now(self) -> datetime:
        found = os.stat(self._path)  # noqa: PTH116 - a Path would cost a microsecond on every call
        # Both: the time of a file is counted in ticks of some milliseconds, and another file may come within one.
        written = (found.st_mtime_ns, found.st_ino)
        if written != self._seen:
            setting = json.loads(self._path.read_text())
            self._origin = datetime.fromisoformat(setting["origin"]).timestamp()
            self._started = float(setting["started"])
            self._factor = float(setting["factor"])
            until = setting.get("until")
            self._until = math.inf if until is None else datetime.fromisoformat(until).timestamp()
            self._pace = float(setting.get("pace", 1.0))
            self._seen = written
        return datetime.fromtimestamp(
            min(self._origin + (time.time() - self._started) * self._factor, self._until), UTC
        )

    @property
    def pace(self) -> float:
        """Seconds of this clock that pass in one of the machine's, at most."""
        self.now()
        return self._pace


def set_file_clock(
    path: Path, moment: datetime, factor: float = 0.0, *, until: datetime | None = None, pace: float = 1.0
) -> None:
    """Set the clock in ``path`` to ``moment``, from now on running at ``factor`` times real time, at most to ``until``."""
    fresh = path.with_suffix(".new")
    setting: dict[str, object] = {"origin": moment.isoformat(), "started": time.time(), "factor": factor}
    if until is not None:
        setting["until"] = until.isoformat()
    fresh.write_text(json.dumps(setting | {"pace": pace}))
    fresh.replace(path)


def pace_of(clock: Clock) -> float:
    """How fast a clock may run: spans for what a process or a transaction takes, by the machine, are longer by this."""
    return clock.pace if isinstance(clock, FileClock) else 1.0


def clock_from(path: Path | None) -> Clock:
    """The file's clock if there is a file, else the machine's."""
    return FileClock(path) if path is not None else RealClock()
