"""Two blasts side by side: what stands in either report, and one table of both for spreadsheets and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from bot.evaluation import blast_rows
from bot.evaluation.blast_report import BlastReport

#: A figure of both blasts in each row; ``difference``: of the second from the first. ``section``, ``code`` and ``name`` as in
#: the file of one blast, whose columns ``figure`` names; section ``blast``: their names, when they began, of when they are.
COLUMNS: Final = ("section", "code", "name", "figure", "first", "second", "difference")
#: What is told of a district; the file of each blast has all of it, and this one is made while somebody waits.
_OF_DISTRICTS: Final = frozenset({"sent", "delivered", "failed", "invited", "answered", "registered"})
_SECTIONS: Final = ("all", "district", "operator", "hour", "step", "screen", "failed", "suppressed")

_Key = tuple[str, str, str]


def rows(first: BlastReport, second: BlastReport, price: Decimal | None) -> Iterator[tuple[object, ...]]:
    """The figures of two reports. Where a blast has nothing of a kind it has 0 of it."""
    yield "blast", "", "", "name", first.name, second.name, None
    yield "blast", "", "", "began", first.began, second.began, None
    yield "blast", "", "", "as_of", first.as_of, second.as_of, None
    yield _compared(("all", "", ""), "parts", round(first.parts), round(second.parts))
    for figure, one, other in zip(
        ("cost", "cost_per_registration"),
        blast_rows.cost_of(first, price),
        blast_rows.cost_of(second, price),
        strict=True,
    ):
        if one is not None or other is not None:
            yield _compared(("all", "", ""), figure, _money(one), _money(other))
    sides = _figures(first), _figures(second)
    for key in sorted({**sides[0], **sides[1]}, key=_order):
        told = [side.get(key, {}) for side in sides]
        for figure in told[0] or told[1]:
            yield _compared(key, figure, told[0].get(figure, 0), told[1].get(figure, 0))


def _figures(report: BlastReport) -> dict[_Key, Mapping[str, int]]:
    found: dict[_Key, Mapping[str, int]] = {}
    for section, code, name, *values in blast_rows.rows(report):
        told = {
            figure: value
            for figure, value in zip(blast_rows.COLUMNS[3:], values, strict=True)
            if isinstance(value, int) and (section != "district" or figure in _OF_DISTRICTS)
        }
        found[str(section), str(code), "" if section == "all" else str(name)] = told
    return found


def _order(key: _Key) -> tuple[int, str]:
    """By section, districts by code and hours by number; everything else stays as it comes."""
    return _SECTIONS.index(key[0]), key[1].rjust(4)


def _compared(key: _Key, figure: str, one: float | Decimal | None, other: float | Decimal | None) -> tuple[object, ...]:
    difference = None if one is None or other is None else Decimal(other) - Decimal(one)
    return *key, figure, one, other, difference


def _money(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else round(amount, 2)
