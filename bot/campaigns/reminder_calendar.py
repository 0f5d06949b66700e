"""The calendar of what the clock sends by itself: which reminders come next, and when."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.campaigns.closing_reminders import HOURS
from bot.campaigns.record import Campaign
from bot.campaigns.reminders import MORNING, SOON_BEFORE
from bot.db.database import Database
from bot.registration.closing import closes_at

#: Days that are looked ahead.
AHEAD: Final = 7


class Kind(enum.StrEnum):
    """What is reminded of."""

    DAY_BEFORE = "reminder tomorrow"
    TWO_HOURS = "reminder two hours"
    CLOSING = "reminder closing"
    SECOND_NOTICE = "second notice"


@dataclass(frozen=True, slots=True)
class Coming:
    """A reminder to come. ``at``: when the first of it leaves; None for what is looked for every few minutes."""

    kind: Kind
    at: datetime | None


def kind_of(campaign: Campaign) -> Kind | None:
    """What a campaign of the clock reminds of, by its name."""
    return next((kind for kind in Kind if campaign.name.startswith(f"{kind} ")), None)


_DAYS = """
SELECT local_date, min(starts_at) FROM vaccination_session
WHERE local_date BETWEEN %(today)s::date AND %(last)s::date AND taken > 0 AND starts_at > %(now)s GROUP BY 1 ORDER BY 1
"""
_BLASTS = """
SELECT 1 FROM campaign WHERE kind = 'blast' AND state IN ('running', 'paused', 'finished') AND deadline_at > %s LIMIT 1
"""


def coming(database: Database, here: ZoneInfo, now: datetime) -> list[Coming]:
    """The reminders of the next days, the first ones first, in the hours of ``here``."""
    found: list[Coming] = []
    today = now.astimezone(here).date()
    last = today + timedelta(days=AHEAD)
    for day, starts_at in database.rows(_DAYS, {"now": now, "today": today, "last": last}):
        found.append(Coming(Kind.DAY_BEFORE, datetime.combine(day - timedelta(days=1), MORNING, here)))
        found.append(Coming(Kind.TWO_HOURS, starts_at - SOON_BEFORE))
    end = closes_at(database)
    if end is not None:
        found += [Coming(Kind.CLOSING, end - timedelta(hours=hours)) for hours in HOURS]
    timed = [each for each in found if each.at is not None and each.at > now]
    notices = [Coming(Kind.SECOND_NOTICE, None)] if database.row(_BLASTS, (now,)) is not None else []
    return [*sorted(timed, key=lambda each: (each.at or now, each.kind)), *notices]
