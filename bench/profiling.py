"""Where the time goes in the web processes, by py-spy: a sampling profiler that looks in from outside."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.failure import BenchFailed

_RATE = 400
_TOP = 45
_STOP_LIMIT = 60.0


def find_py_spy() -> str:
    """The program; raises ``BenchFailed`` if it is not installed."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise BenchFailed("py-spy is not installed: it comes with requirements-dev.txt (`make lint` installs them)")
    return found


@contextlib.contextmanager
def profiled(pids: Sequence[int], folder: Path) -> Iterator[None]:
    """Sample the first two of ``pids`` meanwhile: ``profile.collapsed`` and ``.txt`` of one, ``profile.svg`` of another.

    A sample is whoever holds the interpreter's lock: a hop costs almost nothing but Python, and without ``--gil`` py-spy
    also counts threads that wait for the lock.
    """
    program = find_py_spy()
    outputs = [("raw", folder / "profile.collapsed"), ("flamegraph", folder / "profile.svg")]
    spies = []
    for pid, (form, output) in zip(pids, outputs, strict=False):
        output.unlink(missing_ok=True)
        command = [program, "record", "--pid", str(pid), "--duration", "3600", "--rate", str(_RATE)]
        command += ["--gil", "--nonblocking", "--format", form, "--output", str(output)]
        spies.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    try:
        yield
    finally:
        for spy in spies:
            spy.send_signal(signal.SIGINT)
        for spy in spies:
            with contextlib.suppress(subprocess.TimeoutExpired):
                spy.wait(_STOP_LIMIT)
            spy.kill()
    collapsed = outputs[0][1]
    if not collapsed.exists():
        said = spies[0].stdout.read().decode(errors="replace").strip() if spies and spies[0].stdout else ""
        raise BenchFailed(f"py-spy could not look in: {said.splitlines()[-1] if said else 'it left no word'}")
    (folder / "profile.txt").write_text(describe(collapsed.read_text()))


def describe(collapsed: str) -> str:
    """The frames that took most, from py-spy's collapsed stacks: by themselves, and with what they called."""
    by_itself: Counter[str] = Counter()
    with_callees: Counter[str] = Counter()
    total = 0
    for line in collapsed.splitlines():
        stack, _, count = line.rpartition(" ")
        if not count.isdigit():
            continue
        frames = [_function(frame) for frame in stack.split(";")]
        total += int(count)
        by_itself[frames[-1]] += int(count)
        for frame in set(frames):
            with_callees[frame] += int(count)
    parts = [f"{total} samples"]
    for title, counted in (("by themselves", by_itself), ("with what they called", with_callees)):
        parts += ["", title, *(f"{count / total:6.1%}  {frame}" for frame, count in counted.most_common(_TOP))]
    return "\n".join(parts) + "\n"


def _function(frame: str) -> str:
    """A frame without its line, so that a function counts once."""
    name, _, place = frame.partition(" (")
    return f"{name} ({place.rpartition(':')[0]})" if ":" in place else frame
