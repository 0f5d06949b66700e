"""One deadline for everything that a request asks of others: each wait on Redis or PostgreSQL, and each repeat, looks at it.

It belongs to its thread's context. Nobody who has none is held to one.
"""

from __future__ import annotations

import time
from contextvars import ContextVar

#: When all must be over (monotonic seconds), when PostgreSQL must have answered, and whether to give up at once where
#: somebody has just waited in vain.
_Deadline = tuple[float, float, bool]

_deadline: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)

#: A wait shorter than this, in seconds, is not worth beginning.
LEAST = 0.001


class within:  # noqa: N801 - read as a phrase where it is used
    """Let everything that is asked in this context be over in ``seconds`` from now, taken together.

    ``hasty``: give up at once where somebody has just waited in vain. ``reserve``: seconds of these that PostgreSQL leaves to
    what comes after it. Counts from its making; enter it once.
    """

    __slots__ = ("_deadline", "_token")

    def __init__(self, seconds: float, *, hasty: bool = False, reserve: float = 0.0) -> None:
        until = time.monotonic() + seconds
        self._deadline: _Deadline = (until, until - reserve, hasty)

    def __enter__(self) -> None:
        self._token = _deadline.set(self._deadline)

    def __exit__(self, *_error: object) -> None:
        _deadline.reset(self._token)


def is_hasty() -> bool:
    """Whether to give up at once where somebody has just waited in vain."""
    found = _deadline.get()
    return found is not None and found[2]


def time_left() -> float | None:
    """Seconds until the deadline, below zero once it is over; None where there is none."""
    found = _deadline.get()
    return None if found is None else found[0] - time.monotonic()


def time_to_ask(limit: float | None) -> float | None:
    """Seconds that a question to PostgreSQL may take, of ``limit`` at most; None for as long as it likes."""
    found = _deadline.get()
    if found is None:
        return limit
    left = max(LEAST, found[1] - time.monotonic())
    return left if limit is None else min(limit, left)
