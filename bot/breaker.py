"""Remembers for a moment that a server does not answer, so that callers do not queue behind each other's waits.

A web process answers one request at a time. Without this, each of those waiting while PostgreSQL or Redis is away would
wait its whole time limit after the one before, and the last would wait for all of them.
"""

from __future__ import annotations

import time

#: Seconds for which nobody asks again.
PAUSE = 0.5


class Breaker:
    """Closed at first; open for ``PAUSE`` seconds after each trip. Whoever comes then first tries the server again."""

    def __init__(self) -> None:
        self._until = 0.0

    def trip(self) -> None:
        """The server has just kept somebody waiting in vain."""
        self._until = time.monotonic() + PAUSE

    @property
    def is_open(self) -> bool:
        """Whether somebody has just waited in vain."""
        return time.monotonic() < self._until
