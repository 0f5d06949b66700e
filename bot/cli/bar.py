"""A progress bar for whoever waits at a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

_PATIENCE = 2.0
"""Seconds that a command may take without showing how far it is."""


@contextmanager
def bar() -> Iterator[Callable[[str, float | None], None] | None]:
    """Tells a step's name and how much of it is done (0 to 1, None: unknown) on stderr, once the work takes longer than
    2 seconds; None off a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    shown = Progress(*columns, console=Console(stderr=True), transient=True)
    task = shown.add_task("", total=None)

    def tell(step: str, done: float | None) -> None:
        shown.update(task, description=step, total=None if done is None else 1.0, completed=done or 0.0)

    timer = threading.Timer(_PATIENCE, shown.start)
    timer.start()
    try:
        yield tell
    finally:
        timer.cancel()
        timer.join()
        shown.stop()
