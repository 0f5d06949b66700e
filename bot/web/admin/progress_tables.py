"""The tables of the first page: what its charts show, and all of it to take away as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.evaluation.counts import NAMES, funnel
from bot.evaluation.curve import STEP, beginning
from bot.evaluation.outlook import Outlook
from bot.evaluation.standing import Standing
from bot.web.admin.formats import iso
from bot.web.admin.words import say

#: A header and its rows.
Sheet = tuple[Sequence[str], list[Sequence[object]]]


def curve_rows(outlook: Outlook, zone: ZoneInfo) -> list[tuple[datetime, int, int]]:
    """The curve for readers: (until, registered by then, of these since the row before), the newest first.

    By the hour for a day, and by the day before that.
    """
    points = outlook.curve.cumulative()
    if not points:
        return []
    found: list[tuple[datetime, int, int]] = []
    before = 0
    for moment in _rests(points[0][0], outlook.as_of, zone):
        count = _by(points, moment)
        found.append((moment, count, count - before))
        before = count
    return found[::-1]


def _rests(first: datetime, last: datetime, zone: ZoneInfo) -> list[datetime]:
    """Midnights of ``zone`` until a day ago, then full hours, then ``last``."""
    found: list[datetime] = []
    here = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while here < last - timedelta(days=1):
        found.append(here)
        here += timedelta(days=1)
    hour = max(last - timedelta(days=1), first).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while hour < last:
        found.append(hour)
        hour += timedelta(hours=1)
    return [*found, last]


def _by(points: list[tuple[datetime, int]], moment: datetime) -> int:
    return next((count for at, count in reversed(points) if at <= moment), 0)


def _parts(standing: Standing, outlook: Outlook, _zone: ZoneInfo) -> Sheet:
    rows = [
        (*(_named(part.province, part.code, part.name)), *part.counts.values(), part.counts.needed, iso(outlook.as_of))
        for part in standing.parts
    ]
    return ("province", "code", "name", *NAMES, "places_needed", "as_of"), list(rows)


def _named(province: str, code: str, name: str) -> tuple[str, str, str]:
    return province, code, name if code else say(name)


def _curve(_standing: Standing, outlook: Outlook, zone: ZoneInfo) -> Sheet:
    rows: list[Sequence[object]] = []
    steps, total = dict(outlook.curve.steps), 0
    at = outlook.curve.steps[0][0] if steps else beginning(outlook.as_of) + STEP
    while at <= outlook.as_of:
        total += steps.get(at, 0)
        rows.append((at.astimezone(zone).isoformat(), steps.get(at, 0), total))
        at += STEP
    return ("quarter_of_an_hour_from", "registrations", "registered"), rows


def _funnel(standing: Standing, outlook: Outlook, _zone: ZoneInfo) -> Sheet:
    rows = [
        (
            step.name,
            step.count,
            step.lost,
            None if not step.before or step.lost is None else round(100 * step.lost / step.before, 2),
            iso(standing.people_as_of),
        )
        for step in funnel(standing.counts)
    ]
    return ("step", "people", "lost", "lost_percent", "as_of"), list(rows)


#: What can be taken away, by the name of its file.
TABLES: Final[dict[str, Callable[[Standing, Outlook, ZoneInfo], Sheet]]] = {
    "parts": _parts,
    "curve": _curve,
    "funnel": _funnel,
}
