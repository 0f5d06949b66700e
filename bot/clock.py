"""The one clock of the service.

Everything that decides by time takes it from here, as an aware UTC ``datetime``, and hands it to SQL as a parameter;
``now()`` of PostgreSQL and the TTLs of Redis decide nothing. A file named by ``CLOCK_FILE`` can set the clock, stop it
or run it at a factor, for all processes that share the file: tests and the replay of a night use that.
"""

from __future__ import annotations

import json
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
    plus what has passed on the machine since ``started``, times ``factor`` (0 stops the clock).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._origin = 0.0
        self._started = 0.0
        self._factor = 1.0

    def now(self) -> datetime:
        found = os.stat(self._path)  # noqa: PTH116 - a Path would cost a microsecond on every call
        # Both: the time of a file is counted in ticks of some milliseconds, and another file may come within one.
        written = (found.st_mtime_ns, found.st_ino)
        if written != self._seen:
            setting = json.loads(self._path.read_text())
            self._origin = datetime.fromisoformat(setting["origin"]).timestamp()
            self._started = float(setting["started"])
            self._factor = float(setting["factor"])
            self._seen = written
        return datetime.fromtimestamp(self._origin + (time.time() - self._started) * self._factor, UTC)


def set_file_clock(path: Path, moment: datetime, factor: float = 0.0) -> None:
    """Set the clock in ``path`` to ``moment``, from now on running at ``factor`` times real time."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"origin": moment.isoformat(), "started": time.time(), "factor": factor}))
    fresh.replace(path)


def clock_from(path: Path | None) -> Clock:
    """The file's clock if there is a file, else the machine's."""
    return FileClock(path) if path is not None else RealClock()
