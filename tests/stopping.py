"""Servers that take connections but answer nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]

from bot.breaker import PAUSE


@contextlib.contextmanager
def paused(pid: int | None) -> Iterator[None]:
    """Stop a server and its children for a while; at the end they go on, and nobody spares them any more."""
    assert pid is not None
    parent = psutil.Process(pid)
    parent.suspend()  # first: what it starts after the others were counted would go on
    processes = [parent, *parent.children(recursive=True)]
    for process in processes[1:]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        let_breakers_close()


def let_breakers_close() -> None:
    """Wait until whoever has just been kept waiting would ask a server again."""
    threading.Event().wait(PAUSE)
