"""``/admin/evaluation/``: what each blast has come to, alone and two side by side."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis
from flask import Response, abort, render_template, request

from bot.evaluation import blast_pairs, blast_report, blast_rows
from bot.evaluation.blast_report import Blast, BlastReport
from bot.messaging.wake import enqueue_once
from bot.officers.permissions import May
from bot.queues import enqueue_report
from bot.services import Services
from bot.web.admin import evaluation_pairs
from bot.web.admin.access import Room, area
from bot.web.admin.campaigns import reason_word
from bot.web.admin.evaluation_charts import districts_chart, hours_chart
from bot.web.admin.evaluation_words import STEPS, behind_said, lines
from bot.web.admin.exports import table_response
from bot.web.admin.screen_words import by_road


@dataclass(frozen=True, slots=True)
class _Seen:
    """A blast and its report, None while that is being made for the first time."""

    blast: Blast
    report: BlastReport | None


def register(room: Room) -> None:
    """``/admin/evaluation/`` and its files."""
    services = room.services

    @room.get("/evaluation/", needs=May.SEE_EVALUATION)
    def evaluations() -> str:
        found = blast_report.blasts(services.reading, services.clock.now())
        for blast in found:
            if blast.as_of is None:
                _ask_for(services, blast.id)
        counts = blast_report.counts_of(services.reading, [blast.id for blast in found], area())
        # Whether a blast went to somebody of an area, its report tells: until then it has no name there.
        shown = [blast for blast in found if blast.id in counts or (area().is_country and blast.as_of is None)]
        making = sum(blast.as_of is None for blast in found)
        return render_template("admin/evaluations/list.html", blasts=shown, counts=counts, making=making)

    @room.get("/evaluation/<int:number>/", needs=May.SEE_EVALUATION)
    def evaluation_report(number: int) -> str:
        seen = _see(services, number)
        if seen.report is None:
            return render_template("admin/evaluations/waiting.html", address=request.full_path)
        return render_template("admin/evaluations/one.html", blast=seen.blast, **_shown(services, seen.report))

    @room.get("/evaluation/compare", needs=May.SEE_EVALUATION)
    def evaluation_compare() -> str:
        both = _see_two(services)
        first, second = (seen.report for seen in both)
        if first is None or second is None:
            return render_template("admin/evaluations/waiting.html", address=request.full_path)
        return render_template(
            "admin/evaluations/compare.html",
            is_due=any(seen.blast.is_due for seen in both),
            **_compared(services, first, second),
        )

    @room.get("/evaluation/compare.<kind>", needs=May.EXPORT)
    def evaluation_compare_export(kind: str) -> Response:
        if kind not in {"csv", "xlsx"}:
            abort(404)
        first, second = (seen.report for seen in _see_two(services))
        if first is None or second is None:
            abort(409, "The report is being made. Try again in a minute.")
        told = blast_pairs.rows(first, second, services.settings.sms_price)
        return table_response(kind, f"blasts-{first.id}-{second.id}", blast_pairs.COLUMNS, told)

    @room.get("/evaluation/<int:number>.<kind>", needs=May.EXPORT)
    def evaluation_export(number: int, kind: str) -> Response:
        if kind not in {"csv", "xlsx"}:
            abort(404)
        seen = _see(services, number)
        if seen.report is None:
            abort(409, "The report is being made. Try again in a minute.")
        return table_response(kind, f"blast-{number}", blast_rows.COLUMNS, blast_rows.rows(seen.report))


def _see(services: Services, number: int) -> _Seen:
    """A blast with its report in the admin's area, which is made (again) if it is due; ends the request with 404 where there
    is none, or nobody of the area is in it."""
    if not 0 < number < 2**62:
        abort(404)
    found = blast_report.blasts(services.reading, services.clock.now(), number)
    if not found:
        abort(404)
    [blast] = found
    if blast.is_due:
        _ask_for(services, number)
    report = blast_report.report(services.reading, number, area())
    if report is None and blast.as_of is not None:
        abort(404)
    return _Seen(blast, report)


def _see_two(services: Services) -> list[_Seen]:
    """The two blasts that the request names, each as ``_see`` has it."""
    return [_see(services, request.args.get(name, 0, type=int)) for name in ("first", "second")]


def _ask_for(services: Services, number: int) -> None:
    """Have a worker make a report, unless that is under way. Where Redis is away the page asks again."""
    with suppress(redis.RedisError):
        enqueue_once(services.queue, f"make_report:{number}", partial(enqueue_report, services.queue, number))


def _shown(services: Services, report: BlastReport) -> dict[str, Any]:
    cost, each = blast_rows.cost_of(report, services.settings.sms_price)
    return {
        "report": report,
        "counts": report.whole.counts,
        "lines": lines(report.whole.counts),
        "over": {f"within_{hours}": report.is_over(hours) for hours in (1, 6, 24, 48)},
        "steps": [(label, report.whole.steps.get(step, 0)) for step, label in STEPS.items()],
        "screens": by_road(report.whole.screens),
        "behind": [(district, behind_said(district)) for district in report.behind],
        "reason_word": reason_word,
        "cost": cost,
        "cost_each": each,
        "currency": services.settings.sms_currency,
        "is_share": not area().is_country,
        "hours": hours_chart([report]),
        "by_district": districts_chart(report),
        "address": request.full_path,
    }


def _compared(services: Services, first: BlastReport, second: BlastReport) -> dict[str, Any]:
    return {
        "first": first,
        "second": second,
        "lines": list(zip(lines(first.whole.counts), lines(second.whole.counts), strict=True)),
        "costs": [blast_rows.cost_of(report, services.settings.sms_price) for report in (first, second)],
        "currency": services.settings.sms_currency,
        "operators": evaluation_pairs.operators(first, second),
        "steps": evaluation_pairs.steps(first, second),
        "screens": evaluation_pairs.screens(first, second),
        "failed": evaluation_pairs.failed(first, second),
        "suppressed": evaluation_pairs.suppressed(first, second),
        "reason_word": reason_word,
        "behind": [
            (report.name, [(district, behind_said(district)) for district in report.behind])
            for report in (first, second)
        ],
        "is_share": not area().is_country,
        "hours": hours_chart([first, second]),
        "hour_rows": evaluation_pairs.hours(first, second),
        "districts": evaluation_pairs.districts(first, second),
        "address": request.full_path,
    }
