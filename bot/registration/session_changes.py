"""What officers change about sessions: adding one, opening, closing, more or fewer places, cancelling.

Each is one conditional statement with its line in the audit log, and raises ``OutOfReach`` for what the officer does not
see. Whoever is booked in a cancelled session is moved by ``bot.registration.moving``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

import psycopg

from bot.daytime import zone
from bot.db import audit
from bot.db.database import Database
from bot.registration import taking
from bot.registration.importing.sessions import HIGHEST_CAPACITY
from bot.registration.officer import Officer, OutOfReach
from bot.registration.terms import DOSE

LOWEST_CAPACITY: Final = 1


class Change(enum.Enum):
    """What came of a change."""

    DONE = "done"
    SAME = "same"
    BELOW_TAKEN = "below taken"
    NO_NUMBER = "no number of places"
    CANCELLED = "cancelled"
    OVER = "over"
    THERE_ALREADY = "there already"
    WRONG_HOURS = "wrong hours"
    IN_THE_PAST = "in the past"


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be added, in the facility's own time."""

    facility_id: int
    day: date
    start: time
    end: time
    capacity: int


def add(database: Database, wanted: NewSession, officer: Officer, now: datetime) -> Change:
    """Add a session; ``SAME`` if that very one is there already."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT d.time_zone FROM facility f JOIN district d ON d.code = f.district_code "
            f"WHERE f.id = %(facility)s AND {officer.reach.facilities}".encode(),
            {**officer.reach.parameters, "facility": wanted.facility_id},
        ).fetchone()
        if row is None:
            raise OutOfReach(str(wanted.facility_id))
        here = zone(row[0])
        starts_at = datetime.combine(wanted.day, wanted.start, here)
        if wanted.end <= wanted.start:
            return Change.WRONG_HOURS
        if not LOWEST_CAPACITY <= wanted.capacity <= HIGHEST_CAPACITY:
            return Change.NO_NUMBER
        if starts_at <= now:
            return Change.IN_THE_PAST
        added = connection.execute(
            "INSERT INTO vaccination_session (facility_id, dose, local_date, start_time, end_time, starts_at, ends_at, "
            "capacity) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            (
                *(wanted.facility_id, DOSE, wanted.day, wanted.start, wanted.end),
                *(starts_at, datetime.combine(wanted.day, wanted.end, here), wanted.capacity),
            ),
        ).fetchone()
        if added is None:
            return Change.THERE_ALREADY
        detail = {"facility": wanted.facility_id, "capacity": wanted.capacity}
        audit.record(connection, now, officer.name, "session.add", _subject(added[0]), detail)
        return Change.DONE


def set_open(database: Database, session_id: int, is_open: bool, officer: Officer, now: datetime) -> Change:
    """Open a session for booking, or close it: who is booked stays booked."""
    with database.transaction() as connection:
        _taken, was_open, cancelled, _ends_at = _lock(connection, session_id, officer)
        if cancelled:
            return Change.CANCELLED
        if was_open == is_open:
            return Change.SAME
        connection.execute("UPDATE vaccination_session SET open = %s WHERE id = %s", (is_open, session_id))
        action = "session.open" if is_open else "session.close"
        audit.record(connection, now, officer.name, action, _subject(session_id))
        return Change.DONE


def set_capacity(database: Database, session_id: int, capacity: int, officer: Officer, now: datetime) -> Change:
    """Give a session more or fewer places, never fewer than are taken; holds that have expired do not count."""
    if not LOWEST_CAPACITY <= capacity <= HIGHEST_CAPACITY:
        return Change.NO_NUMBER
    with database.transaction() as connection:
        _taken, _open, cancelled, _ends_at = _lock(connection, session_id, officer)
        if cancelled:
            return Change.CANCELLED
        taking.reclaim_expired(connection, session_id, now)
        row = connection.execute(
            "UPDATE vaccination_session s SET capacity = %(capacity)s FROM vaccination_session old "
            "WHERE s.id = %(session)s AND old.id = s.id AND s.taken <= %(capacity)s RETURNING old.capacity",
            {"capacity": capacity, "session": session_id},
        ).fetchone()
        if row is None:
            return Change.BELOW_TAKEN
        if row[0] == capacity:
            return Change.SAME
        detail = {"from": row[0], "to": capacity}
        audit.record(connection, now, officer.name, "session.capacity", _subject(session_id), detail)
        return Change.DONE


def cancel(database: Database, session_id: int, officer: Officer, now: datetime) -> Change:
    """Cancel a session for good: nobody can book it any more, and who is booked will be moved."""
    with database.transaction() as connection:
        taken, _open, cancelled, ends_at = _lock(connection, session_id, officer)
        if cancelled:
            return Change.SAME
        if ends_at <= now:
            return Change.OVER
        connection.execute(
            "UPDATE vaccination_session SET open = false, cancelled_at = %s, cancelled_by = %s WHERE id = %s",
            (now, officer.name, session_id),
        )
        audit.record(connection, now, officer.name, "session.cancel", _subject(session_id), {"taken": taken})
        return Change.DONE


def _lock(connection: psycopg.Connection[Any], session_id: int, officer: Officer) -> tuple[int, bool, bool, datetime]:
    row = connection.execute(
        "SELECT s.taken, s.open, s.cancelled_at IS NOT NULL, s.ends_at FROM vaccination_session s "
        "JOIN facility f ON f.id = s.facility_id "
        f"WHERE s.id = %(session)s AND {officer.reach.facilities} FOR UPDATE OF s".encode(),
        {**officer.reach.parameters, "session": session_id},
    ).fetchone()
    if row is None:
        raise OutOfReach(str(session_id))
    return row[0], row[1], row[2], row[3]


def _subject(session_id: int) -> str:
    return f"session:{session_id}"
