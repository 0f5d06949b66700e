"""Remembers for a moment that a server does not answer, so that callers do not queue behind each other's waits.

A web process answers one request at a time. Without this, each of those waiting while PostgreSQL or Redis is away would
wait its whole time limit after the one before, and the last would wait for all of them.
"""

from __future__ import annotations

import threading
import time

#: Seconds for which nobody asks again.
PAUSE = 0.5


class Breaker:
    """Closed at first; open after each trip, until somebody has been answered. After each ``PAUSE`` one caller may try."""

    def __init__(self) -> None:
        self._until = 0.0  # 0: closed
        self._trying = threading.Lock()

    def trip(self) -> None:
        """The server has just kept somebody waiting in vain."""
        self._until = time.monotonic() + PAUSE

    def heard(self) -> None:
        """The server has answered."""
        if self._until:
            self._until = 0.0

    def admits(self) -> bool:
        """Whether to ask the server: always while closed; while open, one caller after each ``PAUSE``."""
        return not self._until or self._admits_one()

    def _admits_one(self) -> bool:
        with self._trying:
            now = time.monotonic()
            if self._until and now < self._until:
                return False
            if self._until:
                # Should whoever tries now never tell what came of it, the next one tries after another pause.
                self._until = now + PAUSE
            return True
