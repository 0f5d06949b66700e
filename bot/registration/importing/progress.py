"""How far an import is, for whoever waits for it."""

from __future__ import annotations

import enum
from typing import Protocol


class Step(enum.Enum):
    """What an import is doing; the value is how to say it to a person."""

    READING = "reading"
    WAITING = "waiting for another import"
    WRITING = "checking and writing"
    LISTING_REJECTED = "listing rejected rows"


class Progress(Protocol):
    """Told of every step, and during a step now and then how much of it is done."""

    def __call__(self, step: Step, done: float | None) -> None:
        """``done`` goes from 0 to 1, or is None where nobody knows."""
        ...


def no_progress(step: Step, done: float | None) -> None:
    """Tells nobody."""
