"""Checking in at a facility: who came, who was deferred on the spot, who stayed away, and taking that back.

Each mark is one transaction with its line in the audit log. It changes a booking only from the state that the desk saw, so
that a double tap marks once and two desks do not overrule each other. Attended and missed places stay taken; a deferral
gives the place back.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import psycopg

from bot.crypto import Vault
from bot.daytime import zone
from bot.db import audit
from bot.db.database import Database
from bot.registration import choices, slots, taking
from bot.registration.acts import Defer
from bot.registration.bookings import end_booking
from bot.registration.officer import Officer, OutOfReach, for_worker, subject


class Mark(enum.StrEnum):
    """What became of somebody at the desk; the value of the first two is the booking's state."""

    ATTENDED = "attended"
    NO_SHOW = "no_show"
    DEFERRED = "deferred"


class Marking(enum.Enum):
    """What came of a mark, or of taking one back."""

    DONE = "done"
    ALREADY = "already"
    CHANGED = "changed"
    TOO_EARLY = "too early"
    TOO_LATE = "too late"
    BOOKED_AGAIN = "booked again"
    FULL = "full"


#: From which states of a booking a mark may be made: whom the desk took for missing may still come.
_FROM: Final = {Mark.ATTENDED: ("booked", "no_show"), Mark.NO_SHOW: ("booked",)}
_ACTIONS: Final = {mark: f"desk.{mark.value}" for mark in Mark}
_UNDO: Final = "desk.undo"


@dataclass(frozen=True, slots=True)
class _Booking:
    worker_id: int
    state: str
    session_id: int
    day: date
    today: date
    phone: str | None
    is_deferred: bool


def mark(database: Database, booking_id: int, what: Mark, officer: Officer, now: datetime) -> Marking:
    """Mark somebody as vaccinated or as not come; ``Mark.DEFERRED`` needs a reason, see ``defer``. Raises ``OutOfReach``."""
    try:
        with database.transaction() as connection:
            booking = _lock(connection, booking_id, officer, now)
            if booking.state == what.value:
                return Marking.ALREADY
            if booking.day > booking.today:
                return Marking.TOO_EARLY
            changed = connection.execute(
                "UPDATE booking SET state = %s WHERE id = %s AND state = ANY(%s)",
                (what.value, booking_id, list(_FROM[what])),
            )
            if changed.rowcount == 0:
                return Marking.CHANGED
            _record(connection, _ACTIONS[what], booking.worker_id, booking_id, officer, now)
            return Marking.DONE
    except psycopg.errors.UniqueViolation:
        return Marking.BOOKED_AGAIN


def defer(
    database: Database, vault: Vault, booking_id: int, condition: str, officer: Officer, now: datetime
) -> Marking:
    """Defer somebody at the desk: the reason goes under seal into their screening, and the place is given back."""
    with database.transaction() as connection:
        booking = _lock(connection, booking_id, officer, now)
        if booking.is_deferred:
            return Marking.ALREADY
        if booking.day > booking.today:
            return Marking.TOO_EARLY
        if not end_booking(connection, booking_id, "cancelled", now):
            return Marking.CHANGED
        caller = for_worker(booking.phone, now)
        statement, parameters = choices.deferral(vault, Defer(booking.worker_id, condition), caller)
        connection.execute(statement.encode(), parameters)
        _record(connection, _ACTIONS[Mark.DEFERRED], booking.worker_id, booking_id, officer, now)
        return Marking.DONE


def undo(database: Database, booking_id: int, officer: Officer, now: datetime) -> Marking:
    """Take a mark back on the day on which it was made: the place is booked again. Raises ``OutOfReach``."""
    try:
        with database.transaction() as connection:
            booking = _lock(connection, booking_id, officer, now)
            if booking.state == "booked":
                return Marking.ALREADY
            if not _marked_today(connection, booking, booking_id, now):
                return Marking.TOO_LATE
            if booking.is_deferred:
                return _undo_deferral(connection, booking, booking_id, officer, now)
            changed = connection.execute(
                "UPDATE booking SET state = 'booked' WHERE id = %s AND state IN ('attended', 'no_show')", (booking_id,)
            )
            if changed.rowcount == 0:
                return Marking.CHANGED
            _record(connection, _UNDO, booking.worker_id, booking_id, officer, now)
            return Marking.DONE
    except psycopg.errors.UniqueViolation:
        return Marking.BOOKED_AGAIN


def _undo_deferral(
    connection: psycopg.Connection[Any], booking: _Booking, booking_id: int, officer: Officer, now: datetime
) -> Marking:
    if not taking.take_place(connection, booking.session_id, now):
        return Marking.FULL
    connection.execute("UPDATE booking SET state = 'booked', ended_at = NULL WHERE id = %s", (booking_id,))
    slots.pass_screening(connection, booking.worker_id, for_worker(booking.phone, now))
    _record(connection, _UNDO, booking.worker_id, booking_id, officer, now)
    return Marking.DONE


_LEFT_OVER = """
UPDATE booking b SET state = 'no_show' FROM vaccination_session s JOIN facility f ON f.id = s.facility_id
WHERE s.id = b.session_id AND b.state = 'booked' AND f.id = %(facility)s AND s.local_date = %(day)s
  AND s.ends_at <= %(now)s AND {reach} RETURNING b.id, b.worker_id
"""


def mark_left_over(database: Database, facility_id: int, day: date, officer: Officer, now: datetime) -> int:
    """Mark as not come whoever is still booked in the sessions of a day that are over; returns how many."""
    with database.transaction() as connection:
        rows = connection.execute(
            _LEFT_OVER.format(reach=officer.reach.facilities).encode(),
            {**officer.reach.parameters, "facility": facility_id, "day": day, "now": now},
        ).fetchall()
        for booking_id, worker_id in rows:
            _record(connection, _ACTIONS[Mark.NO_SHOW], worker_id, booking_id, officer, now)
        return len(rows)


# The worker's row first, as everybody does who changes their bookings.
_LOCK = """
SELECT w.id, s.id, s.local_date, d.time_zone, coalesce(w.phone, b.phone) FROM booking b
JOIN worker w ON w.id = b.worker_id JOIN vaccination_session s ON s.id = b.session_id
JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code
WHERE b.id = %(booking)s AND b.ticket IS NOT NULL AND {reach} FOR UPDATE OF w
"""

#: A place that was given back by deferring its holder at the desk: both happened in one transaction.
DEFERRED_HERE: Final = """(b.state = 'cancelled' AND EXISTS (SELECT 1 FROM screening sc WHERE sc.worker_id = b.worker_id
    AND sc.outcome = 'deferred' AND sc.screened_at = b.ended_at))"""


def _lock(connection: psycopg.Connection[Any], booking_id: int, officer: Officer, now: datetime) -> _Booking:
    row = connection.execute(
        _LOCK.format(reach=officer.reach.facilities).encode(), {**officer.reach.parameters, "booking": booking_id}
    ).fetchone()
    if row is None:
        raise OutOfReach(str(booking_id))
    # Read after the lock is held: another desk may have changed it while we waited.
    state = connection.execute(
        f"SELECT b.state, {DEFERRED_HERE} FROM booking b WHERE b.id = %s".encode(), (booking_id,)
    ).fetchone()
    if state is None:
        raise OutOfReach(str(booking_id))
    return _Booking(row[0], state[0], row[1], row[2], now.astimezone(zone(row[3])).date(), row[4], state[1])


def _marked_today(connection: psycopg.Connection[Any], booking: _Booking, booking_id: int, now: datetime) -> bool:
    """Whether the mark is of today, by the clock of the facility."""
    row = connection.execute(
        "SELECT a.at, d.time_zone FROM audit a, vaccination_session s JOIN facility f ON f.id = s.facility_id "
        "JOIN district d ON d.code = f.district_code WHERE s.id = %s AND a.subject = %s AND a.action = ANY(%s) "
        "AND a.at > %s AND a.detail ->> 'booking' = %s ORDER BY a.at DESC LIMIT 1",
        (
            *(booking.session_id, subject(booking.worker_id), list(_ACTIONS.values())),
            *(now - timedelta(days=1), str(booking_id)),
        ),
    ).fetchone()
    return row is not None and row[0].astimezone(zone(row[1])).date() == booking.today


def _record(
    connection: psycopg.Connection[Any], action: str, worker_id: int, booking_id: int, officer: Officer, now: datetime
) -> None:
    audit.record(connection, now, officer.name, action, subject(worker_id), {"booking": booking_id})
