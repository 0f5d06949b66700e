"""The slow way to a hold: one transaction that locks the worker's row, and may wait for rows that others are booking.

It settles what the usual offer (``slots``) cannot, and holds a place that was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.db.database import Database
from bot.registration.acts import (
    AgeOutside,
    AlreadyBooked,
    Barred,
    Closed,
    HoldSlot,
    NoPlace,
    Offered,
    SessionFull,
    Slot,
)
from bot.registration.closing import CLOSES_AT, GRACE, is_open
from bot.registration.people import may_act, owns_booking
from bot.registration.taking import lock_sessions, release_hold, take_place
from bot.registration.terms import DOSE, HOLD, Terms

#: The facility that a worker's place comes from: their own, unless they live in another district.
_OWN_FACILITY = """CASE WHEN w.domicile_code IS NULL THEN w.facility_id
    ELSE (SELECT id FROM facility WHERE id = w.facility_id AND district_code = w.domicile_code) END"""

#: Sessions ``s`` that a worker ``w`` could go to: open, still to come, within the age limits on the day.
_SUITS = """s.dose = %(dose)s AND s.open AND s.starts_at > %(now)s
    AND s.local_date >= w.birth_date + make_interval(years => %(youngest)s::int)
    AND s.local_date < w.birth_date + make_interval(years => %(oldest)s::int + 1)"""

#: Sessions ``s`` with a free place, or one whose hold has expired. Written as a scalar subquery, since an EXISTS may be
#: answered by hashing every hold there is; and with an order, since only one index of holds has it, and by the others
#: every hold there is would be looked at.
HAS_ROOM = """(s.taken < s.capacity OR (SELECT b.id FROM booking b WHERE b.session_id = s.id
    AND b.state = 'held' AND b.held_until <= %(now)s ORDER BY b.held_until LIMIT 1) IS NOT NULL)"""

#: What ``slot_of`` reads, and from where.
SLOT = "b.id, f.id, f.name, s.local_date, s.start_time, s.end_time, d.time_zone, b.ticket"
SLOT_FROM = """booking b JOIN vaccination_session s ON s.id = b.session_id
    JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code"""


def slot_of(row: Sequence[Any]) -> Slot:
    """The slot of a row of ``SLOT``."""
    return Slot(*row)


def parameters_of(terms: Terms, caller: Caller, worker_id: int) -> dict[str, object]:
    """What the statements of an offer ask for."""
    return {
        "worker": worker_id,
        "phone": caller.phone,
        "now": caller.now,
        "started": caller.started_at,
        "grace": GRACE,
        "until": caller.now + HOLD,
        "dose": DOSE,
        "youngest": terms.ages[0],
        "oldest": terms.ages[1],
    }


def find_place(
    connection: psycopg.Connection[Any], terms: Terms, worker_id: int, caller: Caller
) -> Offered | AlreadyBooked | NoPlace | AgeOutside | Closed | Barred:
    """The slow way to a hold, within a transaction: may wait for rows that others are booking."""
    worker = lock_worker(connection, worker_id, caller)
    if worker is None:
        return Barred()
    booked = live_slot(connection, worker_id, "('booked', 'attended')")
    if booked is not None:
        return AlreadyBooked(booked) if owns(connection, booked, caller) else Barred()
    if not is_open(worker[1], caller.now, caller.started_at):
        release_hold(connection, worker_id, caller)
        return Closed()
    held = _renew_hold(connection, worker_id, caller)
    if held is not None:
        return Offered(held)
    if not terms.age_fits(worker[0], caller.now):
        return AgeOutside()
    parameters = parameters_of(terms, caller, worker_id)
    for where in (
        f"s.facility_id = ({_OWN_FACILITY})",
        "s.facility_id IN (SELECT id FROM facility WHERE district_code = coalesce(w.domicile_code, w.district_code))",
    ):
        session_id = _take_any(connection, where, parameters)
        if session_id is not None:
            return Offered(_insert_hold(connection, session_id, parameters))
    return NoPlace()


def hold_near(
    connection: psycopg.Connection[Any], terms: Terms, worker_id: int, caller: Caller, facility_id: int
) -> Slot | None:
    """Hold a place at a facility, or if it is full in its district, for a worker whose row is locked; waits for rows."""
    parameters = parameters_of(terms, caller, worker_id) | {"facility": facility_id}
    release_hold(connection, worker_id, caller)
    district = "SELECT district_code FROM facility WHERE id = %(facility)s"
    for where in ("= %(facility)s", f"IN (SELECT id FROM facility WHERE district_code = ({district}))"):
        session_id = _take_any(connection, f"s.facility_id {where}", parameters)
        if session_id is not None:
            return _insert_hold(connection, session_id, parameters)
    return None


def hold_slot(database: Database, terms: Terms, act: HoldSlot, caller: Caller) -> object:
    """Hold a place at the chosen session, instead of the one held before; a confirmed place stays until the new is."""
    with database.transaction() as connection:
        return hold(connection, terms, act, caller)


def hold(
    connection: psycopg.Connection[Any], terms: Terms, act: HoldSlot, caller: Caller
) -> Offered | SessionFull | AgeOutside | Closed | Barred:
    """What ``hold_slot`` does, within a transaction."""
    parameters = parameters_of(terms, caller, act.worker_id)
    worker = lock_worker(connection, act.worker_id, caller)
    if worker is None:
        return Barred()
    if not is_open(worker[1], caller.now, caller.started_at):
        return Closed()
    held = connection.execute(
        "SELECT session_id FROM booking WHERE worker_id = %s AND dose = %s AND state = 'held' AND held_until > %s",
        (act.worker_id, DOSE, caller.now),
    ).fetchone()
    if held is not None and held[0] == act.session_id:
        renewed = _renew_hold(connection, act.worker_id, caller)
        if renewed is not None:
            return Offered(renewed)
    suits = connection.execute(
        f"SELECT s.id FROM vaccination_session s, worker w WHERE s.id = %(session)s AND w.id = %(worker)s "
        f"AND {_SUITS}".encode(),
        parameters | {"session": act.session_id},
    ).fetchone()
    if suits is None:
        return SessionFull() if terms.age_fits(worker[0], caller.now) else AgeOutside()
    lock_sessions(connection, act.worker_id, act.session_id)
    if not take_place(connection, act.session_id, caller.now):
        return SessionFull()
    release_hold(connection, act.worker_id, caller)
    return Offered(_insert_hold(connection, act.session_id, parameters))


def lock_worker(connection: psycopg.Connection[Any], worker_id: int, caller: Caller) -> Sequence[Any] | None:
    """Lock a worker's row, so that one worker's bookings change one after the other: (birth date, end of registration).

    None if the caller's number may not act for them (any more).
    """
    return connection.execute(
        f"SELECT w.birth_date, {CLOSES_AT} FROM worker w "
        f"WHERE w.id = %(worker)s AND {may_act(caller)} FOR UPDATE OF w".encode(),
        {"worker": worker_id, "phone": caller.phone},
    ).fetchone()


def owns(connection: psycopg.Connection[Any], booked: Slot, caller: Caller) -> bool:
    """Whether the caller may see and change what is booked; the worker's row must be locked."""
    row = connection.execute(
        f"SELECT 1 FROM booking b JOIN worker w ON w.id = b.worker_id "
        f"WHERE b.id = %(booking)s AND {owns_booking(caller)}".encode(),
        {"booking": booked.booking_id, "phone": caller.phone},
    ).fetchone()
    return row is not None


def live_slot(connection: psycopg.Connection[Any], worker_id: int, states: str) -> Slot | None:
    """The worker's booking in one of ``states`` (an SQL list), as a slot."""
    row = connection.execute(
        f"SELECT {SLOT} FROM {SLOT_FROM} WHERE b.worker_id = %s AND b.dose = %s AND b.state IN {states}".encode(),
        (worker_id, DOSE),
    ).fetchone()
    return None if row is None else slot_of(row)


def _renew_hold(connection: psycopg.Connection[Any], worker_id: int, caller: Caller) -> Slot | None:
    """The worker's hold, kept for another five minutes; one that has expired or whose session has begun is let go."""
    row = connection.execute(
        "UPDATE booking b SET held_until = %s FROM vaccination_session s WHERE s.id = b.session_id AND s.open "
        "AND s.starts_at > %s AND b.worker_id = %s AND b.dose = %s AND b.state = 'held' AND b.held_until > %s RETURNING b.id",
        (caller.now + HOLD, caller.now, worker_id, DOSE, caller.now),
    ).fetchone()
    if row is None:
        release_hold(connection, worker_id, caller)
        return None
    return live_slot(connection, worker_id, "('held')")


_CANDIDATES = """
SELECT s.id FROM vaccination_session s, worker w
WHERE w.id = %(worker)s AND {where} AND {suits} AND {has_room}
ORDER BY s.starts_at, s.id LIMIT 200
"""


def _take_any(connection: psycopg.Connection[Any], where: str, parameters: dict[str, object]) -> int | None:
    """Take a place of the first candidate that has one: those that nobody is booking first, then waiting in line."""
    sql = _CANDIDATES.format(where=where, suits=_SUITS, has_room=HAS_ROOM)
    candidates = [row[0] for row in connection.execute(sql.encode(), parameters)]
    if not candidates:
        return None
    free = connection.execute(
        "SELECT id FROM vaccination_session WHERE id = ANY(%s) AND taken < capacity "
        "ORDER BY starts_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        (candidates,),
    ).fetchone()
    if free is not None and take_place(connection, free[0], parameters["now"]):
        return int(free[0])
    for session_id in candidates:
        if take_place(connection, session_id, parameters["now"]):
            return int(session_id)
    return None


def _insert_hold(connection: psycopg.Connection[Any], session_id: int, parameters: dict[str, object]) -> Slot:
    row = connection.execute(
        f"WITH b AS (INSERT INTO booking (worker_id, dose, session_id, state, held_until, phone, created_at) "
        f"VALUES (%(worker)s, %(dose)s, %(session)s, 'held', %(until)s, nullif(%(phone)s, ''), %(now)s) RETURNING *) "
        f"SELECT {SLOT} FROM {SLOT_FROM.removeprefix('booking ')}".encode(),
        parameters | {"session": session_id},
    ).fetchone()
    if row is None:
        raise LookupError("an INSERT without conflict clause gives its row")
    return slot_of(row)
