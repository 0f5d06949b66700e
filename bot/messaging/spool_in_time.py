"""The way into the spool for who has a deadline: a disk that stalls keeps nobody longer than that.

A thread writes while the webhook waits for it. What is on disk only after nobody waited for it any more was refused, and stays:
the gateway delivers it again, and then it is there already.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Final

from bot.deadline import time_left
from bot.messaging.letters import Letter
from bot.messaging.spool import Spool, SpoolAway

#: Seconds that a disk has at least, whatever PostgreSQL and Redis have used up: those that are left for bringing the answer.
LEAST_FOR_THE_DISK: Final = 0.3
#: Letters that are written at once: more than a web process has threads.
_AT_ONCE: Final = 4


class SpoolInTime:
    """Puts letters into a spool within the deadline of whoever calls."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._given_up: set[Future[bool]] = set()
        self._lock = threading.Lock()

    def put(self, letter: Letter) -> bool:
        """As ``Spool.put``; ``SpoolAway`` ("slow") also where the disk takes too long, and at once while it still does."""
        left = time_left()
        with self._lock:
            self._given_up = {each for each in self._given_up if not each.done()}
            if self._given_up:
                raise SpoolAway("slow")
        written = self._threads.submit(self._spool.put, letter)
        try:
            return written.result(None if left is None else max(LEAST_FOR_THE_DISK, left))
        except TimeoutError:
            if written.done():  # while we were giving up
                return written.result()
            with self._lock:
                self._given_up.add(written)
            raise SpoolAway("slow") from None

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Made when it is first needed: threads do not survive the fork of a web process.
        return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="spool")
