"""How much of the processor each part of the service has taken, and how much memory it has ever had."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from bench.memory import peak_mib

#: The parts of what runs. ``SENDERS``: the service's workers and clock; ``FLOOR``: the server that it is compared with.
WEB, FLOOR, POSTGRESQL, VALKEY, SENDERS = "web", "floor", "postgresql", "valkey", "senders"
#: Of a blast: its own workers, and the gateway that they hand it to.
BLAST, STUB = "blast", "stub"


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

    def read(self) -> Reading:
        """Everything up to now."""
        times = psutil.cpu_times()
        busy = times.user + times.nice + times.system + getattr(times, "irq", 0) + getattr(times, "softirq", 0)
        parts = {part: sum(map(seconds_of, pids)) for part, pids in self._parts.items()}
        return Reading(time.monotonic(), parts, busy, getattr(times, "steal", 0.0))

    def peaks(self) -> dict[str, float]:
        """The MiB of the largest process of each part, as ``bench.memory`` has them."""
        return {part: peak_mib(pids) for part, pids in self._parts.items()}


def children_seconds(pid: int) -> dict[int, float]:
    """The CPU seconds of each living child of a process, by pid."""
    return {child.pid: seconds_of(child.pid) for child in psutil.Process(pid).children()}
