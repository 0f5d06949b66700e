"""Waking the workers: an RQ job that says "look", enqueued at most once in a while, and never on a caller's time.

A writer calls ``wake``; a thread of this process wins, or does not win, a short-lived token in Redis and enqueues the
job. The job clears the token before its last look at the rows. While Redis is away it is tried again; a wake-up that is lost
with a server or a process is made good by the clock's sweep.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis
import structlog

_log = structlog.get_logger(__name__)

#: Seconds that a token lasts if no job clears it.
TOKEN_SECONDS = 5
#: Wake-ups closer together than this are one, in seconds; and those for which somebody waits.
_PAUSE, _PAUSE_AT_ONCE = 0.5, 0.1


def token(work: str) -> str:
    """The key that says: somebody has just enqueued a job that looks after this work, e.g. a lane."""
    return f"drain:{work}"


def enqueue_once(client: redis.Redis, work: str, enqueue: Callable[[], None]) -> bool:
    """Enqueue a job for ``work`` unless one is on its way already."""
    if not client.set(token(work), "1", nx=True, ex=TOKEN_SECONDS):
        return False
    enqueue()
    return True


class Waker:
    """Wakes the workers of one work from a thread of its own, started at the first call."""

    def __init__(self, client: redis.Redis, enqueue: Callable[[], None], work: str) -> None:
        self._client = client
        self._enqueue = enqueue
        self._work = work
        self._wanted = threading.Event()
        self._hurried = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._failing = False

    def wake(self, *, at_once: bool = False) -> None:
        """Say that there is something to do. Costs the caller nothing but a flag.

        ``at_once``: somebody looks at a phone until it is done; else it may wait for more to be done with.
        """
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=f"waker-{self._work}", daemon=True)
                    self._thread.start()
        self._wanted.set()
        if at_once:
            self._hurried.set()

    def close(self) -> None:
        """Enqueue what is still wanted and stop, at once."""
        self._stopped.set()
        self._wanted.set()
        self._hurried.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait()
            # In this order: whoever comes in between is served by this round, or hurries the next.
            self._hurried.clear()
            self._wanted.clear()
            if not self._enqueue_once():
                # Another server may have its place in a moment, and the next sweep is further away.
                self._wanted.set()
            self._stopped.wait(_PAUSE_AT_ONCE)
            self._hurried.wait(_PAUSE - _PAUSE_AT_ONCE)
        if self._wanted.is_set():  # during the last pause
            self._enqueue_once()

    def _enqueue_once(self) -> bool:
        """Whether Redis has taken it."""
        try:
            enqueue_once(self._client, self._work, self._enqueue)
        except redis.RedisError as error:
            if not self._failing:
                _log.warning("wake_failed", error=type(error).__name__)
            self._failing = True
            return False
        self._failing = False
        return True
