"""What is counted of the workers of a place: how many have got how far, and the places that are free for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from bot.campaigns.progress import STEPS


@dataclass(frozen=True, slots=True)
class Counts:
    """Workers by how far they are; ``delivered`` to and ``silent``: a message is on their phone, and nothing came.

    ``places_left``: in sessions to come of the place's own facilities.
    """

    target: int = 0
    with_phone: int = 0
    invited: int = 0
    delivered: int = 0
    started: int = 0
    verified: int = 0
    screened: int = 0
    registered: int = 0
    attended: int = 0
    silent: int = 0
    places_left: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(one + another for one, another in zip(self.values(), other.values(), strict=True)))

    def values(self) -> tuple[int, ...]:
        """The counts in their order."""
        return tuple(getattr(self, name) for name in NAMES)

    @property
    def needed(self) -> int:
        """Places that those who are not registered still need."""
        return max(0, self.target - self.registered)


NAMES: Final = tuple(field.name for field in fields(Counts))

#: Whom each counts, of ``bot.campaigns.progress.PEOPLE`` with the screening at alias ``s``. Their order is that of the bits
#: in ``worker_standing.steps``: what is new comes last.
COUNTED: Final = {
    **STEPS,
    "with_phone": "w.phone IS NOT NULL",
    "verified": "w.verified_at IS NOT NULL",
    "screened": "s.worker_id IS NOT NULL",
    "attended": "b.attended IS TRUE",
    "silent": "r.delivered IS TRUE AND w.started_at IS NULL AND b.worker_id IS NULL",
}

#: The steps of the way, in their order.
FUNNEL: Final = (
    "target",
    "with_phone",
    "invited",
    "delivered",
    "started",
    "verified",
    "screened",
    "registered",
    "attended",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel: how many got there, and how many fewer than at the step before (less than 0: more)."""

    name: str
    count: int
    lost: int | None
    before: int | None


def funnel(counts: Counts) -> list[Step]:
    """The steps with the loss at each.

    Everybody counts at a step who got there, also by another way: who heard from a colleague may answer without a message.
    """
    found: list[Step] = []
    for name in FUNNEL:
        count, before = int(getattr(counts, name)), found[-1].count if found else None
        found.append(Step(name, count, None if before is None else before - count, before))
    return found


def total(parts: Sequence[Counts]) -> Counts:
    """The sum of parts."""
    found = Counts()
    for part in parts:
        found += part
    return found
