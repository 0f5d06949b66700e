"""Reminders of appointments, by themselves: the day before, and two hours before.

Each run of the clock writes what is due and not on record: so a run that is missed, killed or doubled changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.campaigns.record import DEFAULT_LANGUAGE
from bot.campaigns.reminder_record import Recipients, Reminder, remind
from bot.campaigns.reminder_texts import SOON, TOMORROW
from bot.config import SendingWindow
from bot.daytime import zone
from bot.db.database import Database

#: Local time of the day before from which people are reminded.
MORNING = time(9)
#: How long before their session people are reminded once more, and until when that is of use.
SOON_BEFORE, TOO_LATE = timedelta(hours=2), timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Post:
    """How reminders leave: the gateway, messages of one attempt, and the hours within which they may."""

    gateway: str
    batch_size: int
    window: SendingWindow


# The number that booked has the ticket; it need not be the roster's. Who books after a reminder's moment needs none: the
# ticket has just told them. A number from which somebody has booked reaches them, whatever a gateway said of it before.
_DUE = f"""
SELECT w.id AS worker_id, b.id AS booking_id, p.phone, d.time_zone, {{deadline}} AS deadline_at,
       CASE WHEN w.language IN ('id', 'en') THEN w.language ELSE '{DEFAULT_LANGUAGE}' END AS language
FROM vaccination_session s
JOIN facility f ON f.id = s.facility_id
JOIN district fd ON fd.code = f.district_code
JOIN booking b ON b.session_id = s.id AND b.state = 'booked'
JOIN worker w ON w.id = b.worker_id
JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code)
CROSS JOIN LATERAL (SELECT coalesce(b.phone, w.phone) AS phone) p
WHERE fd.time_zone = %(zone)s AND s.local_date = %(day)s AND {{moment}}
  AND p.phone IS NOT NULL AND NOT EXISTS (SELECT 1 FROM opt_out o WHERE o.phone = p.phone)
  AND NOT EXISTS (SELECT 1 FROM wrong_number o WHERE o.phone = p.phone AND (
        b.phone IS DISTINCT FROM o.phone OR coalesce(b.booked_at, b.created_at) <= o.since))
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.worker_id = w.id AND m.booking_id = b.id
                  AND m.campaign_id = (SELECT id FROM campaign WHERE name = %(name)s))
"""

_TOMORROW = _DUE.format(
    deadline="%(midnight)s::timestamptz", moment="coalesce(b.booked_at, b.created_at) < %(morning)s"
)

_LOCAL = "((s.starts_at - %(before)s) AT TIME ZONE d.time_zone)::time"
# A window may pass midnight.
_SOON = _DUE.format(
    deadline="s.starts_at - %(too_late)s",
    moment=f"""s.starts_at <= %(now)s + %(before)s AND s.starts_at > %(now)s + %(too_late)s
  AND coalesce(b.booked_at, b.created_at) < s.starts_at - %(before)s
  AND CASE WHEN %(opens)s::time <= %(closes)s::time
           THEN {_LOCAL} >= %(opens)s AND {_LOCAL} < %(closes)s
           ELSE {_LOCAL} >= %(opens)s OR {_LOCAL} < %(closes)s END""",
)


def remind_of_appointments(database: Database, post: Post, now: datetime) -> int:
    """Write the appointments' reminders that are due now; returns how many. Raises ``DatabaseAway``."""
    zones = [zone(name) for (name,) in database.rows("SELECT DISTINCT time_zone FROM district ORDER BY time_zone")]
    return sum(_tomorrow(database, post, zones, each, now) + _soon(database, post, zones, each, now) for each in zones)


def _tomorrow(database: Database, post: Post, zones: list[ZoneInfo], here: ZoneInfo, now: datetime) -> int:
    local = now.astimezone(here)
    overnight = post.window.opens > post.window.closes
    if local.time() < MORNING or (not overnight and local.time() >= post.window.closes):
        return 0
    today, day = local.date(), local.date() + timedelta(days=1)
    midnight = datetime.combine(day, time(), here)
    who = Recipients(
        _TOMORROW,
        {
            "zone": here.key,
            "day": day,
            "morning": datetime.combine(today, MORNING, here),
            "midnight": midnight,
        },
    )
    reminder = Reminder(f"reminder tomorrow {day}", TOMORROW, post.gateway, _end_of(today, zones), {})
    return remind(database, reminder, who, now, batch_size=post.batch_size)


def _soon(database: Database, post: Post, zones: list[ZoneInfo], here: ZoneInfo, now: datetime) -> int:
    written = 0
    for day in sorted({(now + ahead).astimezone(here).date() for ahead in (TOO_LATE, SOON_BEFORE)}):
        who = Recipients(
            _SOON,
            {
                "zone": here.key,
                "day": day,
                "before": SOON_BEFORE,
                "too_late": TOO_LATE,
                "opens": post.window.opens,
                "closes": post.window.closes,
            },
        )
        reminder = Reminder(f"reminder two hours {day}", SOON, post.gateway, _end_of(day, zones), {})
        written += remind(database, reminder, who, now, batch_size=post.batch_size)
    return written


def _end_of(day: date, zones: list[ZoneInfo]) -> datetime:
    """When a day is over everywhere."""
    return max(datetime.combine(day + timedelta(days=1), time(), each) for each in zones)
