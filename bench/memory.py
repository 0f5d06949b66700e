"""The most memory that processes have ever had, by the kernel's account."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def peak_mib(pids: Iterable[int]) -> float:
    """MiB of the largest of some processes and all that they have started and that still live; 0 where none is told.

    The high-water mark of resident memory (``VmHWM``) of one process; memory that it shares with others is counted.
    """
    family: set[int] = set()
    for pid in pids:
        try:
            family |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
        except psutil.NoSuchProcess:
            continue
    return max(map(high_water, family), default=0.0)


def high_water(pid: int) -> float:
    """MiB that one process has ever had resident; 0 where it is not told."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("VmHWM")), 0.0)
