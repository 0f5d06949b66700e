"""What the page of two blasts shows of both: operators, reasons, steps, hours, districts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.evaluation.blast_report import BlastReport
from bot.web.admin.evaluation_words import STEPS
from bot.web.admin.screen_words import by_road

_NOBODY = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Pair:
    """A count of each blast, and the wholes of which they are parts."""

    name: str
    first: int
    second: int
    first_of: int
    second_of: int


@dataclass(frozen=True, slots=True)
class Operators:
    """An operator's numbers in each blast: sent, delivered, answered, registered."""

    name: str
    first: tuple[int, ...]
    second: tuple[int, ...]


def operators(first: BlastReport, second: BlastReport) -> list[Operators]:
    """Every operator to whose numbers either blast went."""
    ours, theirs = first.whole.operators, second.whole.operators
    return [Operators(name, ours.get(name, _NOBODY), theirs.get(name, _NOBODY)) for name in {**ours, **theirs}]


def failed(first: BlastReport, second: BlastReport) -> list[Pair]:
    """Why messages failed, as shares of those handed over."""
    return _pairs(first.whole.failed, second.whole.failed, first.whole.counts.sent, second.whole.counts.sent)


def suppressed(first: BlastReport, second: BlastReport) -> list[Pair]:
    """Why recipients were left out, as shares of them all."""
    one, other = first.whole, second.whole
    return _pairs(one.suppressed, other.suppressed, one.counts.recipients, other.counts.recipients)


def steps(first: BlastReport, second: BlastReport) -> list[Pair]:
    """How far those have come who answered, the steps by their labels."""
    one, other = first.whole, second.whole
    return [
        Pair(label, one.steps.get(step, 0), other.steps.get(step, 0), one.counts.answered, other.counts.answered)
        for step, label in STEPS.items()
    ]


def screens(first: BlastReport, second: BlastReport) -> list[Pair]:
    """Where those stopped who answered and did not register, by the names of the screens in their order."""
    one, other = first.whole, second.whole
    of_one, of_other = (part.counts.answered - part.counts.registered for part in (one, other))
    known = {**one.screens, **other.screens}
    ours, theirs = (by_road({screen: part.screens.get(screen, 0) for screen in known}) for part in (one, other))
    return [Pair(name, many, more, of_one, of_other) for (name, many), (_, more) in zip(ours, theirs, strict=True)]


def hours(first: BlastReport, second: BlastReport) -> list[tuple[int, int, int]]:
    """Each hour in which somebody answered either blast, and who registered in it."""
    found = sorted({*first.whole.hours, *second.whole.hours})
    return [(hour, first.whole.hours.get(hour, (0, 0))[1], second.whole.hours.get(hour, (0, 0))[1]) for hour in found]


def districts(first: BlastReport, second: BlastReport) -> list[tuple[str, str, float | None, float | None]]:
    """Code, name and share registered of every district that either reached."""
    shares: list[dict[str, tuple[str, float | None]]] = [
        {
            each.code: (
                each.name,
                each.figures.counts.registered / each.figures.counts.invited if each.figures.counts.invited else None,
            )
            for each in report.districts
        }
        for report in (first, second)
    ]
    names = {code: name for one in shares for code, (name, _) in one.items()}
    nothing = ("", None)
    return [
        (code, name, shares[0].get(code, nothing)[1], shares[1].get(code, nothing)[1])
        for code, name in sorted(names.items())
    ]


def _pairs(first: Mapping[str, int], second: Mapping[str, int], first_of: int, second_of: int) -> list[Pair]:
    return [Pair(name, first.get(name, 0), second.get(name, 0), first_of, second_of) for name in {**first, **second}]
