"""Granian's server, whose master is sure whether a process of it has ended.

Granian 2.8 reaps each process in a thread of its own, and asks elsewhere whether it is there still. The kernel tells only the
first who asks; whoever asks between that and the thread's turn to write it down hears that the process lives. On a busy
machine the master then says that a process "refused to gracefully stop" which ended at once, and kills it, which by
then is nobody or, at worst, another with the same number. The end of the pipe that each process holds says the same to
everybody, as often as they ask.

And until a process has loaded the application, it hears SIGTERM as its master does, who notes it down for itself: such a
process loads on, serves for ever, and is killed in the end. As long as it serves nobody, it may end at once.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from typing import Any

from granian import Granian
from granian.server.mp import WorkerProcess


class SureWorker(WorkerProcess):
    """A process that lives as long as it holds its end of the pipe."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, ``timeout`` seconds at most."""
        wait([self.inner.sentinel], timeout)

    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return not wait([self.inner.sentinel], 0)


class Server(Granian):  # type: ignore[misc, valid-type]
    """Granian, with processes of which it is sure, and which end when they are asked to."""

    def _spawn_worker(self, idx: int, target: Callable[..., None], callback_loader: Any) -> SureWorker:
        made: Any = super()._spawn_worker(idx, partial(_until_it_listens, target), callback_loader)
        # It makes its processes of a fixed class, which differs from ours in nothing but these questions.
        made.__class__ = SureWorker
        sure: SureWorker = made
        return sure


def _until_it_listens(target: Callable[..., None], *arguments: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    target(*arguments)
