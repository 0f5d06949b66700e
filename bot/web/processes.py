"""Granian's server, whose master is sure whether a process of it has ended.

Granian 2.8 reaps each process in a thread of its own, and asks elsewhere whether it is there still. The kernel tells only the
first who asks; whoever asks between that and the thread's turn to write it down hears that the process lives. On a busy
machine the master then says that a process "refused to gracefully stop" which ended at once, and kills it, which by
then is nobody or, at worst, another with the same number. The end of the pipe that each process holds says the same to
everybody, as often as they ask.

And until a process has loaded the application, it hears SIGTERM as its master does, who notes it down for itself: such a
process loads on, serves for ever, and is killed in the end. As long as it serves nobody, it may end at once.

Where the server's starter holds the sockets (``bot.listeners``), a server that has a successor hands them over: nobody new
comes to its processes, who is there is asked not to come by the same connection again, and only then they end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from types import FrameType
from typing import Any

from granian import Granian
from granian._granian import SocketHolder
from granian.server.mp import WorkerProcess

from bot.listeners import HAND_OVER, make_deaf
from bot.web import parting

#: Seconds between a process's last new connection and its end, if it has a successor: long enough for who is in the middle of
#: something to call again and be told, short enough that renewing takes no time to speak of.
_PARTING = 2.0


class SureWorker(WorkerProcess):
    """A process that lives as long as it holds its end of the pipe."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, ``timeout`` seconds at most."""
        wait([self.inner.sentinel], timeout)

    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return not wait([self.inner.sentinel], 0)


class Server(Granian):  # type: ignore[misc, valid-type]
    """Granian, with processes of which it is sure, and which end when they are asked to.

    ``listeners``: descriptors of sockets, one for each process, on which it listens instead of making its own.
    """

    def __init__(self, *arguments: Any, listeners: tuple[int, ...] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        if listeners and len(listeners) != self.workers:
            raise ValueError(f"{len(listeners)} listeners for {self.workers} processes")
        self._listeners = listeners
        self._is_handing_over = False

    def startup(self, *arguments: Any) -> None:
        """As Granian does, and hear when there is a successor."""
        super().startup(*arguments)
        if self._listeners:
            signal.signal(HAND_OVER, self._hand_over)

    def _hand_over(self, number: int, frame: FrameType | None) -> None:
        self._is_handing_over = True
        self.signal_handler_interrupt(number, frame)

    def shutdown(self, exit_code: int = 0) -> None:
        """End all processes; those that have successors say goodbye first."""
        if self._is_handing_over:
            for worker in self.wrks:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.inner.pid, HAND_OVER)
            time.sleep(_PARTING)
        # Its processes hold them as long as they serve, and so does a successor.
        for each in self._listeners:
            os.close(each)
        super().shutdown(exit_code)

    def _init_shared_socket(self) -> None:
        self._sso = None
        if not self._listeners:
            super()._init_shared_socket()

    def _spawn_worker(self, idx: int, target: Callable[..., None], callback_loader: Any) -> SureWorker:
        if self._listeners:
            target = partial(_by, target, self._listeners[idx], self.backlog)
        made: Any = super()._spawn_worker(idx, partial(_until_it_listens, target), callback_loader)
        # It makes its processes of a fixed class, which differs from ours in nothing but these questions.
        made.__class__ = SureWorker
        sure: SureWorker = made
        return sure


def _until_it_listens(target: Callable[..., None], *arguments: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    target(*arguments)


def _by(target: Callable[..., None], listener: int, backlog: int, *arguments: Any) -> None:
    """Have a process listen on this socket."""

    def part(_number: int, _frame: FrameType | None) -> None:
        make_deaf(listener)
        parting.begin()

    signal.signal(HAND_OVER, part)
    number, name, loader, _, *more = arguments
    holder = SocketHolder(listener, False, backlog)  # type: ignore[call-arg]  # its stub lacks two of three
    target(number, name, loader, ((None, holder), None), *more)
