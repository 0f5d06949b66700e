"""Servers that an earlier process left behind.

A server is known by its working folder: both servers stand in their data folder as long as they live. So no pid file is
believed, whose number may belong to another program by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

Ladder = Sequence[tuple[signal.Signals, float]]
"""Signals to send one after the other, each with the seconds to wait for its effect."""

_POLL = 0.01


def found(program: str, data: Path) -> list[psutil.Process]:
    """The living processes of ``program`` that work on ``data``."""
    where = os.path.realpath(data)
    return [process for process in _named(program) if _works_on(process, where)]


def stop(program: str, data: Path, ladder: Ladder) -> int:
    """Stop every process of ``program`` that works on ``data``; how many there were.

    Call only while holding the folder's lock: then whoever works there has lost its keeper.
    """
    left = found(program, data)
    count = len(left)
    for number, seconds in ladder:
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            time.sleep(_POLL)
            left = [process for process in left if _lives(process)]
    return count


def is_working_on(pid: int, program: str, data: Path) -> bool:
    """Whether the process ``pid`` is ``program`` working on ``data``, rather than another that got its number."""
    return any(process.pid == pid for process in found(program, data))


def _named(program: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == program and process.pid != os.getpid():
            yield process


def _works_on(process: psutil.Process, where: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.cwd() == where)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        # Root without the right to trace (as in many containers) cannot see where others stand, but how they began.
        with contextlib.suppress(psutil.Error):
            return where in process.cmdline()
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
