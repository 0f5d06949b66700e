"""The figures of a blast: counts that add up over districts, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

#: Hours after a blast began that are told one by one.
HOURS: Final = 72
#: Numbers whose prefix belongs to no operator that is known.
OTHER_OPERATOR: Final = "other"
#: Where conversations stand that a blast began, in their order; ``deferred``: by the screening.
STEPS: Final = ("started", "verified", "confirmed", "deferred", "screened", "held", "booked")


@dataclass(frozen=True, slots=True)
class BlastCounts:
    """Recipients of a blast.

    ``recipients`` are ``waiting``, ``suppressed`` or ``sent`` (handed over); sent are ``delivered``, ``no_receipt`` (taken by
    the gateway, nothing heard since), ``failed`` or ``unknown``; ``accepted``: taken by the gateway, also if it failed later.
    ``invited``: delivered or no_receipt, less ``booked_before``; of them ``answered``, ``registered`` and ``within_``
    so many hours of their own message. ``given_up``: registered and without a place now. ``without_message``: registered
    though the message failed or its fate is unknown; not among the registered.
    """

    recipients: int = 0
    waiting: int = 0
    suppressed: int = 0
    sent: int = 0
    accepted: int = 0
    delivered: int = 0
    no_receipt: int = 0
    failed: int = 0
    unknown: int = 0
    booked_before: int = 0
    invited: int = 0
    answered: int = 0
    within_1: int = 0
    within_6: int = 0
    within_24: int = 0
    within_48: int = 0
    registered: int = 0
    given_up: int = 0
    opted_out: int = 0
    without_message: int = 0

    def values(self) -> tuple[int, ...]:
        """The counts in their order."""
        return tuple(getattr(self, name) for name in COUNT_NAMES)


COUNT_NAMES: Final = tuple(each.name for each in fields(BlastCounts))


@dataclass(frozen=True, slots=True)
class BlastFigures:
    """``operators``: sent, delivered, answered, registered of each; ``hours``: answers and registrations of each hour after
    the blast began; ``steps``: how far those have come who answered; ``screens``: where those stand of them who have not
    registered, by the state of the flow, as far as it was noted ("": not known)."""

    counts: BlastCounts = field(default_factory=BlastCounts)
    failed: Mapping[str, int] = field(default_factory=dict)
    suppressed: Mapping[str, int] = field(default_factory=dict)
    operators: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    hours: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    screens: Mapping[str, int] = field(default_factory=dict)


def figures_of(body: Mapping[str, Any]) -> BlastFigures:
    """The figures of a district, from the JSON that they are kept as."""
    return BlastFigures(
        BlastCounts(*body["counts"]),
        body["failed"],
        body["suppressed"],
        {name: tuple(counts) for name, counts in body["operators"].items()},
        {int(hour): tuple(counts) for hour, counts in body["hours"].items()},
        body["steps"],
        body["screens"],
    )


def total(parts: Iterable[BlastFigures]) -> BlastFigures:
    """The sum of parts; reasons and operators by how many they are."""
    found = list(parts)
    counts = (
        BlastCounts(*map(sum, zip(*(part.counts.values() for part in found), strict=True))) if found else BlastCounts()
    )
    return BlastFigures(
        counts,
        _largest_first(_summed([part.failed for part in found])),
        _largest_first(_summed([part.suppressed for part in found])),
        dict(sorted(_added([part.operators for part in found]).items(), key=lambda each: (-each[1][0], each[0]))),
        dict(sorted(_added([part.hours for part in found]).items())),
        _summed([part.steps for part in found]),
        _summed([part.screens for part in found]),
    )


def _summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part in parts:
        for name, many in part.items():
            sums[name] = sums.get(name, 0) + many
    return sums


def _largest_first(sums: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(sums.items(), key=lambda each: (-each[1], each[0])))


def _added(parts: Iterable[Mapping[Any, tuple[int, ...]]]) -> dict[Any, tuple[int, ...]]:
    sums: dict[Any, tuple[int, ...]] = {}
    for part in parts:
        for name, counts in part.items():
            known = sums.get(name, (0,) * len(counts))
            sums[name] = tuple(one + other for one, other in zip(known, counts, strict=True))
    return sums
