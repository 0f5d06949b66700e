"""Reminders that registration closes soon, to the silent and the half-way, at set hours before its end."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from bot.campaigns import campaigns, materialise
from bot.campaigns.hours import is_open, next_opening
from bot.campaigns.record import CampaignError
from bot.campaigns.reminder_record import CLOCK, Reminder, create
from bot.campaigns.reminder_texts import CLOSING
from bot.campaigns.reminders import Post
from bot.daytime import zone
from bot.db.database import Database
from bot.registration.closing import closes_at

_log = structlog.get_logger(__name__)

#: Hours before the end of registration, the last ones first: should several be due at once, one is enough.
HOURS = (3, 24)
#: Whom: those who know of it, and have no place.
AUDIENCE = {"states": ["invited", "started", "verified", "cancelled"]}
#: The clock needs nobody's approval, however many there are.
_ANY_NUMBER = 1_000_000_000


def remind_of_closing(database: Database, post: Post, end_as_said: datetime | None, now: datetime) -> int:
    """Start the closing reminder that is due; returns to how many. ``end_as_said``: the end, in its own zone.

    A moved end reminds anew, since it is part of the name. Raises ``DatabaseAway``.
    """
    if end_as_said is None or end_as_said <= now:
        return 0
    for hours in HOURS:
        if now >= _moment(database, post, end_as_said - timedelta(hours=hours)):
            name = f"reminder closing {hours}h {end_as_said.isoformat(timespec='minutes')}"
            return _start(database, Reminder(name, CLOSING, post.gateway, end_as_said, AUDIENCE), post, now)
    return 0


def end_in(database: Database, time_zone: str) -> datetime | None:
    """The end of registration as that zone's clocks show it."""
    end = closes_at(database)
    return None if end is None else end.astimezone(zone(time_zone))


def _moment(database: Database, post: Post, wanted: datetime) -> datetime:
    """When a reminder starts: at the moment wanted, or, where messages may not leave then, when they last might begin to.

    One moment for all zones, the earliest: what may not leave yet in a zone waits for its own morning.
    """
    moments = [wanted]
    for (name,) in database.rows("SELECT DISTINCT time_zone FROM district"):
        here = zone(name)
        if not is_open(post.window, here, wanted):
            moments.append(next_opening(post.window, here, wanted) - timedelta(days=1))
    return min(moments)


def _start(database: Database, reminder: Reminder, post: Post, now: datetime) -> int:
    with database.transaction() as connection:
        create(connection, reminder, now, state="approved", recipients=None)
    # No other than this clock, or another, takes a campaign from approved to running that has no start.
    state = database.value("SELECT state FROM campaign WHERE name = %s AND created_by = %s", (reminder.name, CLOCK))
    if state != campaigns.State.APPROVED:
        return 0
    patient = Database(database.url, size=1, limit=None)
    try:
        started = materialise.start(
            patient, reminder.name, now, batch_size=post.batch_size, approval_above=_ANY_NUMBER, actor=CLOCK
        )
    except CampaignError as error:
        # Nobody is left to be reminded; or another clock has started it, and then this changes nothing.
        database.rows(
            "UPDATE campaign SET state = 'finished', recipients = 0, ended_at = %s WHERE name = %s AND state = 'approved'",
            (now, reminder.name),
        )
        _log.info("closing_reminder_not_started", reason=type(error).__name__)
        return 0
    finally:
        patient.close()
    return started.recipients or 0
