"""One deadline for everything that a request asks of others: each wait on Redis or PostgreSQL, and each repeat, looks at it.

It belongs to its thread's context. Nobody who has none is held to one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: When all must be over (monotonic seconds), when PostgreSQL must have answered, and whether to give up at once where
#: somebody has just waited in vain.
_Deadline = tuple[float, float, bool]

_deadline: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)

#: A wait shorter than this, in seconds, is not worth beginning.
LEAST = 0.001


@contextmanager
def within(seconds: float, *, hasty: bool = False, reserve: float = 0.0) -> Iterator[None]:
    """Let everything that is asked in this context be over in ``seconds`` from now, taken together.

    ``hasty``: give up at once where somebody has just waited in vain. ``reserve``: seconds of these that PostgreSQL leaves to
    what comes after it.
    """
    until = time.monotonic() + seconds
    token = _deadline.set((until, until - reserve, hasty))
    try:
        yield
    finally:
        _deadline.reset(token)


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
