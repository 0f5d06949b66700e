"""The folder of one run, which leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.failure import BenchFailed
from bot.embedded.layout import PASS_THROUGH, Layout
from bot.embedded.locks import FileLock

_PREFIX = "run-"


@contextlib.contextmanager
def run_folder(parent: Path) -> Iterator[Path]:
    """An empty folder below ``parent``, removed at the end; so are those of runs that were killed.

    Raises ``BenchFailed`` while another run uses ``parent``.
    """
    parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(parent / "lock")
    if not lock.take():
        raise BenchFailed(f"another bench is running in {parent}; two at once would measure each other")
    for left in parent.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX)
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            _remove(left)
    folder = parent / f"{_PREFIX}{os.getpid()}"
    folder.mkdir()
    # Run as root, PostgreSQL belongs to another account, which has to get there.
    folder.chmod(PASS_THROUGH)
    try:
        yield folder
    finally:
        _remove(folder)
        lock.release()


def _remove(folder: Path) -> None:
    location = Layout(folder).postgres_location
    with contextlib.suppress(OSError):
        shutil.rmtree(location.read_text().strip())
    shutil.rmtree(folder, ignore_errors=True)
