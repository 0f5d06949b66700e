"""What a place's registrations have come to and where they will end: the curve, its blasts, the end, the forecast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.db.database import Database
from bot.evaluation.blasts import Blast, blasts_to
from bot.evaluation.counts import Counts
from bot.evaluation.curve import STEP, Curve, beginning, curve_of
from bot.evaluation.forecast import Forecast, forecast
from bot.evaluation.places import Place
from bot.registration.closing import closes_at


@dataclass(frozen=True, slots=True)
class Days:
    """Registrations of each hour of today (those of the hours that have begun) and of yesterday, and of both up to now."""

    today: tuple[int, ...]
    yesterday: tuple[int, ...]
    so_far: int
    by_then: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything about time. ``as_of``: when the curve was counted; ``closes_at``: None for no end."""

    as_of: datetime
    curve: Curve
    blasts: tuple[Blast, ...]
    closes_at: datetime | None
    forecast: Forecast | None
    days: Days

    @property
    def is_closed(self) -> bool:
        """Whether registration was over when this was counted."""
        return self.closes_at is not None and self.closes_at <= self.as_of


def outlook(database: Database, place: Place, counts: Counts, as_of: datetime, zone: ZoneInfo) -> Outlook:
    """The outlook of a place of which ``counts`` tell; the days are those of ``zone``. Raises ``DatabaseAway``."""
    curve, end = curve_of(database, place, as_of), closes_at(database)
    return Outlook(
        as_of,
        curve,
        tuple(blasts_to(database, place)),
        end,
        _forecast(curve, counts, end, zone),
        _days(curve, zone),
    )


def _forecast(curve: Curve, counts: Counts, end: datetime | None, zone: ZoneInfo) -> Forecast | None:
    if end is None or not curve.steps:
        return None
    start = curve.steps[0][0]
    so_far = curve.counts(start, beginning(curve.end) + STEP)
    # What the curve does not know of (an imported booking without its time) is there all the same.
    unseen = counts.registered - sum(so_far)
    told = forecast(so_far, start.astimezone(zone), curve.end, end, target=counts.target - unseen)
    if told is None:
        return None
    return Forecast(told.expected + unseen, told.low + unseen, told.high + unseen)


def _days(curve: Curve, zone: ZoneInfo) -> Days:
    here = curve.end.astimezone(zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    day_before = midnight - timedelta(days=1)
    # Up to the same quarter of an hour: yesterday's steps are not told apart any further.
    begun = beginning(curve.end) + STEP
    return Days(
        tuple(curve.by_hour(midnight, here.hour + 1)),
        tuple(curve.by_hour(day_before)),
        sum(curve.counts(midnight, begun)),
        sum(curve.counts(day_before, begun - timedelta(days=1))),
    )
