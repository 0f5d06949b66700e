"""A command of the service carried out to its end, with what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.failure import BenchFailed
from bench.memory import high_water

_PROJECT = Path(__file__).resolve().parents[1]
#: Seconds between two looks at its high-water mark of memory. Not by ``wait4``: that tells ours, from before it was itself.
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process wrote on stdout, and what it took from its start to its end.

    ``cpu_seconds``: user and system, of it and all that it has waited for. ``peak_mib``: the most resident memory that it or
    one that it has started ever had, as it was told last, a fifth of a second before the end.
    """

    told: str
    seconds: float
    cpu_seconds: float
    peak_mib: float


def carry_out(environ: Mapping[str, str], log: Path, *arguments: str) -> Ran:
    """``python -m`` with ``arguments``; raises ``BenchFailed`` with its last word if it fails. Its stderr goes to ``log``."""
    began = time.monotonic()
    with log.open("ab") as words:
        process = subprocess.Popen(
            (sys.executable, "-m", *arguments), env=environ, cwd=_PROJECT, stdout=subprocess.PIPE, stderr=words
        )
        with _looked_at(process.pid) as peaks:
            assert process.stdout is not None
            with process.stdout as stdout:
                told = stdout.read().decode()
            # Not by ``Popen.wait``: only this tells what the process has taken.
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines()
        raise BenchFailed(f"{' '.join(arguments[:3])}: {lines[-1] if lines else 'it left no word'}")
    return Ran(told, seconds, usage.ru_utime + usage.ru_stime, max(peaks, default=0.0))


@contextmanager
def _looked_at(pid: int) -> Iterator[list[float]]:
    """What a process' memory came to at most, look by look."""
    over, peaks = threading.Event(), list[float]()

    def look() -> None:
        while True:
            peaks.extend(map(high_water, (pid, *_started_by(pid))))
            if over.wait(_LOOK):
                return

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield peaks
    finally:
        over.set()
        looking.join()


def _started_by(pid: int) -> list[int]:
    """Not by going through all processes of the machine: that would take from who is measured."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
