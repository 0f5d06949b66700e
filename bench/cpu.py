"""How much of the processor each part of the service has taken, and how much memory it has ever had."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from bench.memory import peak_mib

#: The parts of what runs. ``SENDERS``: the service's workers and clock; ``FLOOR``: the server that it is compared with.
WEB, FLOOR, POSTGRESQL, VALKEY, SENDERS = "web", "floor", "postgresql", "valkey", "senders"
#: Of a blast: its own workers, and the gateway that they hand it to.
BLAST, STUB = "blast", "stub"
#: Seconds between two looks at the memory.
LOOK = 0.5


def seconds_of(pid: int) -> float:
    """The CPU seconds (user and system) of a process and all it has ever started and waited for; 0 if it has ended."""
    try:
        family = [root := psutil.Process(pid), *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds so far: of each part, of everything on this machine, and of the host, ``stolen`` from us; ``at`` when."""

    at: float
    parts: Mapping[str, float]
    machine: float
    stolen: float

    def since(self, earlier: Reading) -> Reading:
        """What has been taken since ``earlier``, ``at`` so many seconds ago."""
        return Reading(
            self.at - earlier.at,
            {part: seconds - earlier.parts[part] for part, seconds in self.parts.items()},
            self.machine - earlier.machine,
            self.stolen - earlier.stolen,
        )


class Meters:
    """Reads the CPU of named parts, each the processes of some pids with all their children."""

    def __init__(self, parts: Mapping[str, Sequence[int]]) -> None:
        self._parts = parts
        self._peaks: dict[str, float] = {}

    def read(self) -> Reading:
        """Everything up to now."""
        times = psutil.cpu_times()
        busy = times.user + times.nice + times.system + getattr(times, "irq", 0) + getattr(times, "softirq", 0)
        parts = {part: sum(map(seconds_of, pids)) for part, pids in self._parts.items()}
        return Reading(time.monotonic(), parts, busy, getattr(times, "steal", 0.0))

    def peaks(self) -> dict[str, float]:
        """The MiB of the largest process of each part, as ``bench.memory`` has them: of those that live, and of those that
        lived at a look of ``noting``."""
        for part, pids in self._parts.items():
            self._peaks[part] = max(peak_mib(pids), self._peaks.get(part, 0.0))
        return dict(self._peaks)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Look at the memory now and then, where processes of a part end before the measurement does."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK):
                self.peaks()

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()


class Course:
    """``with Course(meters) as course: ...``: reads them once a second, to tell afterwards what was taken when."""

    def __init__(self, meters: Meters, every: float = 1.0) -> None:
        """``every``: seconds between two readings."""
        self._meters = meters
        self._every = every
        self._readings: list[Reading] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Course:
        self._readings.append(self._meters.read())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._readings.append(self._meters.read())

    def between(self, began: float, ended: float) -> dict[str, float]:
        """CPU seconds by part between two moments of the monotonic clock; between two readings it was taken evenly."""
        return {part: self._until(ended, part) - self._until(began, part) for part in self._readings[0].parts}

    def _until(self, moment: float, part: str) -> float:
        moments, taken = [one.at for one in self._readings], [one.parts[part] for one in self._readings]
        after = min(max(bisect_left(moments, moment), 1), len(moments) - 1)
        span = max(moments[after] - moments[after - 1], 1e-9)
        share = min(max((moment - moments[after - 1]) / span, 0.0), 1.0)
        return taken[after - 1] + share * (taken[after] - taken[after - 1])

    def _read(self) -> None:
        while not self._over.wait(self._every):
            self._readings.append(self._meters.read())


def children_seconds(pid: int) -> dict[int, float]:
    """The CPU seconds of each living child of a process, by pid."""
    return {child.pid: seconds_of(child.pid) for child in psutil.Process(pid).children()}
