"""The calendar of what the clock sends by itself: which reminders come next, and when."""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.campaigns import kept
from bot.campaigns.closing_reminders import HOURS
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


def kind_of(name: str) -> Kind | None:
    """What a campaign of the clock reminds of, by its name."""
    return next((kind for kind in Kind if name.startswith(f"{kind} ")), None)


_SESSIONS = "SELECT reltuples FROM pg_class WHERE oid = 'vaccination_session'::regclass"
#: Sessions that may be gone through while a page waits, and how long what is kept of more of them lasts.
_FEW: Final = 20_000
_KEPT, _LAST = "booked-days", timedelta(minutes=1)
_DAYS = """
SELECT local_date, min(starts_at) FROM vaccination_session
WHERE local_date BETWEEN %(today)s::date AND %(last)s::date AND taken > 0 AND starts_at > %(now)s GROUP BY 1 ORDER BY 1
"""
_BLASTS = """
SELECT 1 FROM campaign WHERE kind = 'blast' AND state IN ('running', 'paused', 'finished') AND deadline_at > %s LIMIT 1
"""


def coming(database: Database, here: ZoneInfo, now: datetime) -> tuple[list[Coming], bool]:
    """The reminders of the next days, the first ones first, in the hours of ``here``; and whether ``keep_days`` is due."""
    days, stale = _known(database, here, now)
    found: list[Coming] = []
    for day, starts_at in days.items():
        morning = datetime.combine(date.fromisoformat(day) - timedelta(days=1), MORNING, here)
        found.append(Coming(Kind.DAY_BEFORE, morning))
        found.append(Coming(Kind.TWO_HOURS, datetime.fromisoformat(starts_at) - SOON_BEFORE))
    end = closes_at(database)
    if end is not None:
        found += [Coming(Kind.CLOSING, end - timedelta(hours=hours)) for hours in HOURS]
    timed = [each for each in found if each.at is not None and each.at > now]
    notices = [Coming(Kind.SECOND_NOTICE, None)] if database.row(_BLASTS, (now,)) is not None else []
    return [*sorted(timed, key=lambda each: (each.at or now, each.kind)), *notices], stale


def keep_days(database: Database, here: ZoneInfo, now: datetime) -> None:
    """Keep on which of the next days somebody is booked: of a whole country, that takes too long for a page."""
    began = time.monotonic()
    kept.keep(database, _KEPT, now, began, {"days": _days(database, here, now)})


def _known(database: Database, here: ZoneInfo, now: datetime) -> tuple[Mapping[str, str], bool]:
    if database.value(_SESSIONS) <= _FEW:
        return _days(database, here, now), False
    found = kept.find(database, _KEPT)
    if found is None:
        return {}, True
    return found.body["days"], not found.as_of <= now < found.as_of + _LAST


def _days(database: Database, here: ZoneInfo, now: datetime) -> dict[str, str]:
    """The next days on which somebody is booked, each with its first start."""
    today = now.astimezone(here).date()
    rows = database.rows(_DAYS, {"now": now, "today": today, "last": today + timedelta(days=AHEAD)})
    return {day.isoformat(): starts_at.isoformat() for day, starts_at in rows}
