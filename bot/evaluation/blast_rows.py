"""A report as one table of rows, for spreadsheets and programs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from bot.evaluation.blast_figures import COUNT_NAMES, STEPS, BlastCounts
from bot.evaluation.blast_report import BlastReport

#: ``section`` is all, district, operator, hour, step, screen, failed or suppressed; what a section does not tell stays empty.
COLUMNS: Final = ("section", "code", "name", *COUNT_NAMES)


def rows(report: BlastReport) -> Iterator[tuple[object, ...]]:
    """All of a report: the whole, its districts, operators, hours after its beginning, steps, and reasons."""
    yield _row("all", "", report.name, _told(report.whole.counts))
    for district in report.districts:
        yield _row("district", district.code, district.name, _told(district.figures.counts))
    for operator, (sent, delivered, answered, registered) in report.whole.operators.items():
        told = {"sent": sent, "delivered": delivered, "answered": answered, "registered": registered}
        yield _row("operator", "", operator, told)
    for hour, (answered, registered) in report.whole.hours.items():
        yield _row("hour", str(hour), f"{hour} h", {"answered": answered, "registered": registered})
    for step in STEPS:
        yield _row("step", "", step, {"answered": report.whole.steps.get(step, 0)})
    for screen, many in report.whole.screens.items():
        yield _row("screen", "", screen or "not known", {"answered": many})
    for reason, many in report.whole.failed.items():
        yield _row("failed", "", reason, {"failed": many})
    for reason, many in report.whole.suppressed.items():
        yield _row("suppressed", "", reason, {"suppressed": many})


def _told(counts: BlastCounts) -> dict[str, int]:
    return dict(zip(COUNT_NAMES, counts.values(), strict=True))


def _row(section: str, code: str, name: str, told: dict[str, int]) -> tuple[object, ...]:
    return (section, code, name, *(told.get(column) for column in COUNT_NAMES))


def cost_of(report: BlastReport, price: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """What a blast cost, and each registration by it; None where nobody knows, or nobody registered."""
    if price is None:
        return None, None
    cost = Decimal(str(report.parts)) * price
    registered = report.whole.counts.registered
    return cost, cost / registered if registered else None


def as_json(report: BlastReport, price: Decimal | None, currency: str) -> dict[str, Any]:
    """A report as JSON values."""
    cost, each = cost_of(report, price)
    whole = report.whole
    return {
        "name": report.name,
        "as_of": report.as_of.isoformat(),
        "began": None if report.began is None else report.began.isoformat(),
        "ended": None if report.ended is None else report.ended.isoformat(),
        **_told(whole.counts),
        "failed_by_reason": dict(whole.failed),
        "suppressed_by_reason": dict(whole.suppressed),
        "parts": round(report.parts),
        "cost": None if cost is None else {"amount": f"{cost:.2f}", "currency": currency},
        "cost_per_registration": None if each is None else {"amount": f"{each:.2f}", "currency": currency},
        "steps": {step: whole.steps.get(step, 0) for step in STEPS},
        "stopped_at": {screen or "not_known": many for screen, many in whole.screens.items()},
        "operators": {
            name: dict(zip(("sent", "delivered", "answered", "registered"), counts, strict=True))
            for name, counts in whole.operators.items()
        },
        "hours": [{"hour": hour, "answered": a, "registered": r} for hour, (a, r) in whole.hours.items()],
        "districts": [
            {"code": each.code, "name": each.name, **_told(each.figures.counts)}
            | {"behind": None if each.behind is None else each.behind.as_json()}
            for each in report.districts
        ],
    }
