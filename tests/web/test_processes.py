"""A web process ends when it is asked to, and is known to have ended, whoever else has asked before."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from granian.constants import Interfaces

from bot.web.processes import Server, SureWorker


def _ends(*_: object) -> None:
    pass


def _stays(*_: object) -> None:
    signal.pause()


def _started(work: Callable[..., None]) -> SureWorker:
    server = Server("wsgi:app", port=0, interface=Interfaces.WSGI)
    server._init_shared_socket()
    worker = server._spawn_worker(0, work, None)
    worker.inner.start()
    return worker


def test_a_process_that_another_thread_has_reaped_but_not_yet_told_of_has_ended() -> None:
    worker = _started(_ends)
    os.waitpid(worker.inner.pid, 0)  # as the thread that watches it, before its turn comes to write down what it heard
    worker.join(10)
    assert not worker.is_alive()


def test_a_process_that_goes_on_is_alive_until_it_is_killed() -> None:
    worker = _started(_stays)
    worker.join(0.05)
    assert worker.is_alive()
    os.kill(worker.inner.pid, signal.SIGKILL)
    worker.join(10)
    assert not worker.is_alive()
    worker.inner.join()


def test_a_process_that_is_asked_to_stop_while_it_loads_the_application_ends() -> None:
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))  # as the master hears it
    reader, writer = os.pipe()

    def loads(*_: object) -> None:
        os.write(writer, b".")
        while True:
            signal.pause()

    try:
        worker = _started(loads)
        os.read(reader, 1)
        os.kill(worker.inner.pid, signal.SIGTERM)
        worker.join(5)
        ended = not worker.is_alive()
        os.kill(worker.inner.pid, signal.SIGKILL)
        worker.inner.join()
    finally:
        signal.signal(signal.SIGTERM, before)
        os.close(reader)
        os.close(writer)
    assert ended
    assert asked == []
