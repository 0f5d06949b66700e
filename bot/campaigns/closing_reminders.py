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
from bot.registration.closing import closes_at, closes_at_for_now

_log = structlog.get_logger(__name__)

#: Hours before the end of registration, the last ones first: should several be due at once, one is enough.
HOURS = (3, 24)
#: Whom: those who know of it, and have no place.
AUDIENCE = {"states": ["invited", "started", "verified", "cancelled"]}
#: How their names begin; hours and end follow.
_NAMED = "reminder closing "
#: Who has been told of an end that has been moved since is told of the new one after so long at the earliest.
_APART = timedelta(minutes=1)
#: The clock needs nobody's approval, however many there are.
_ANY_NUMBER = 1_000_000_000

_OTHERS = """
SELECT name FROM campaign WHERE created_by = %(clock)s AND starts_with(name, %(named)s) AND name <> ALL(%(names)s)
AND state IN ('approved', 'running', 'paused') ORDER BY id FOR NO KEY UPDATE
"""

# What a worker has in hand may be leaving just now.
_JUST_TOLD = """
SELECT EXISTS (SELECT 1 FROM campaign c JOIN attempt a ON a.campaign_id = c.id
WHERE c.created_by = %(clock)s AND starts_with(c.name, %(named)s) AND c.name <> ALL(%(names)s)
AND (a.state IN ('claimed', 'submitted') OR (a.state IN ('settled', 'unknown') AND a.settled_at > %(since)s)))
"""


def remind_of_closing(database: Database, post: Post, end_as_said: datetime | None, now: datetime) -> int:
    """Start the closing reminder that is due; returns to how many. ``end_as_said``: the end, in its own zone.

    A moved end reminds anew, since it is part of the name; what has not left of another end's reminders is cancelled.
    Raises ``DatabaseAway``.
    """
    names = {} if end_as_said is None else {hours: _name(hours, end_as_said) for hours in HOURS}
    others: dict[str, object] = {"clock": CLOCK, "named": _NAMED, "names": list(names.values())}
    if not _cancel(database, others, end_as_said, now) or end_as_said is None or end_as_said <= now:
        return 0
    for hours, name in names.items():
        if now >= _moment(database, post, end_as_said - timedelta(hours=hours)):
            if database.value(_JUST_TOLD, {**others, "since": now - _APART}):
                return 0
            return _start(database, Reminder(name, CLOSING, post.gateway, end_as_said, AUDIENCE), post, now)
    return 0


def end_in(database: Database, time_zone: str) -> datetime | None:
    """The end of registration as that zone's clocks show it."""
    end = closes_at(database)
    return None if end is None else end.astimezone(zone(time_zone))


def _name(hours: int, end: datetime) -> str:
    return f"{_NAMED}{hours}h {end.isoformat(timespec='minutes')}"


def _cancel(database: Database, others: dict[str, object], end: datetime | None, now: datetime) -> bool:
    """Cancel what reminds of another end than the one that counts; False if ``end`` does not count any more.

    The end is held while that is judged, and the campaigns are locked: of two clocks, the second finds them cancelled, and
    one that still has the old end cancels nothing. The sweep completes what is interrupted.
    """
    with database.transaction() as connection:
        if closes_at_for_now(connection) != end:
            return False
        names = connection.execute(_OTHERS, others).fetchall()
        numbers = [campaigns.end_for_good(connection, name, now=now, actor=CLOCK) for (name,) in names]
    for number in numbers:
        count = campaigns.cancel_queued(database, number, now)
        _log.info("closing_reminder_cancelled", campaign=number, messages=count)
    return True


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
        if closes_at_for_now(connection) != reminder.ends_at:
            return 0
        create(connection, reminder, now, state="approved", recipients=None)
    # No other than this clock, or another, takes a campaign from approved to running that has no start.
    state = database.value("SELECT state FROM campaign WHERE name = %s AND created_by = %s", (reminder.name, CLOCK))
    if state != campaigns.State.APPROVED:
        return 0
    patient = database.beside(size=1, limit=None)
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
