"""Holding and taking places.

``vaccination_session.taken`` counts, with a CHECK, every place that is held, booked, attended or missed. A hold is one
statement: take a place of the nearest session with room, write the booking. Under a rush that statement does not queue:
it passes over sessions that somebody else is just booking (SKIP LOCKED), so that a facility's sessions fill side by
side; a session that is full but for expired holds is freed of them, and the statement said again. What it cannot settle
(all locked, all full, a hold from before, another district, a number that is not the roster's) goes the slow way, one
transaction that waits.
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
    OfferSlot,
    SessionFull,
    Slot,
)
from bot.registration.closing import CLOSES_AT, GRACE, STILL_OPEN, is_open
from bot.registration.people import age_on, may_act
from bot.registration.terms import DOSE, HOLD, HORIZON, Terms

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
_HAS_ROOM = """(s.taken < s.capacity OR (SELECT b.id FROM booking b WHERE b.session_id = s.id
    AND b.state = 'held' AND b.held_until <= %(now)s ORDER BY b.held_until LIMIT 1) IS NOT NULL)"""

SLOT = "b.id, f.id, f.name, s.local_date, s.start_time, s.end_time, d.time_zone, b.ticket"
SLOT_FROM = """booking b JOIN vaccination_session s ON s.id = b.session_id
    JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code"""

# The usual offer, to the roster's number and at the worker's own facility. What stands there is what nearly everybody
# needs, since a statement pays for all its parts. Without a hold in its row, the session is full but for expired holds.
# "+ 0" keeps the planner at the index that has the sessions in the order in which they are wanted.
_OFFER = f"""
WITH who AS (
    SELECT w.facility_id, w.birth_date + make_interval(years => %(youngest)s::int) AS first_day,
           w.birth_date + make_interval(years => %(oldest)s::int + 1) AS too_late
    FROM worker w
    WHERE w.id = %(worker)s AND w.phone = %(phone)s AND w.domicile_code IS NULL AND {STILL_OPEN}
      AND NOT EXISTS (SELECT 1 FROM booking b WHERE b.worker_id = %(worker)s AND b.dose = %(dose)s
                      AND b.state IN ('held', 'booked', 'attended'))
), room AS (
    SELECT s.id, s.facility_id, s.local_date, s.start_time, s.end_time FROM vaccination_session s
    WHERE s.facility_id = (SELECT facility_id FROM who) AND s.dose = %(dose)s AND s.open AND s.starts_at > %(now)s
      AND s.local_date + 0 >= (SELECT first_day FROM who) AND s.local_date + 0 < (SELECT too_late FROM who)
      AND {_HAS_ROOM}
    ORDER BY s.starts_at LIMIT 1 FOR UPDATE SKIP LOCKED
), place AS (
    UPDATE vaccination_session SET taken = taken + 1 WHERE id = (SELECT id FROM room) AND taken < capacity RETURNING id
), hold AS (
    INSERT INTO booking (worker_id, dose, session_id, state, held_until, phone, created_at)
    SELECT %(worker)s, %(dose)s, place.id, 'held', %(until)s, %(phone)s, %(now)s FROM place
    RETURNING id
), screened AS (
    INSERT INTO screening (worker_id, outcome, screened_at)
    SELECT %(worker)s, 'fit', %(now)s FROM hold WHERE %(fit)s
    ON CONFLICT (worker_id) DO UPDATE
        SET outcome = 'fit', answer_sealed = NULL, screened_at = EXCLUDED.screened_at
        WHERE screening.outcome <> 'fit'
), confirmed AS (
    UPDATE worker SET confirmed_at = %(now)s WHERE id = %(worker)s AND confirmed_at IS NULL AND %(fit)s
)
SELECT (SELECT id FROM hold), f.id, f.name, r.local_date, r.start_time, r.end_time, d.time_zone, NULL, r.id
FROM room r JOIN facility f ON f.id = r.facility_id JOIN district d ON d.code = f.district_code
"""


def slot_of(row: Sequence[Any]) -> Slot:
    """The slot of a row of ``SLOT``."""
    return Slot(*row)


def _parameters(terms: Terms, caller: Caller, worker_id: int) -> dict[str, object]:
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


def offer_slot(database: Database, terms: Terms, act: OfferSlot, caller: Caller) -> object:
    """Hold the nearest place: at the worker's own facility, the earliest with room; elsewhere only when that is full.

    A hold, and the screening before it, may be lost with the last second before a crash of PostgreSQL: whoever wants to
    take it then is offered the next place. Only taking a place waits for the disk.
    """
    parameters = _parameters(terms, caller, act.worker_id)
    parameters["fit"] = act.fit
    try:
        row = database.row(_OFFER, parameters, lazy=True)
        if row is not None and row[0] is None:
            _reclaim(database, row[-1], caller.now)
            row = database.row(_OFFER, parameters, lazy=True)
    except psycopg.errors.UniqueViolation:
        row = None  # the same request twice at once: the other one has the hold
    if row is not None and row[0] is not None:
        return Offered(slot_of(row[:-1]))
    with database.transaction() as connection:
        if act.fit:
            pass_screening(connection, act.worker_id, caller)
        return find_place(connection, terms, act.worker_id, caller)


def pass_screening(connection: psycopg.Connection[Any], worker_id: int, caller: Caller) -> None:
    """Write down that the screening was passed and the person confirmed."""
    connection.execute(
        "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', %s) ON CONFLICT (worker_id) "
        "DO UPDATE SET outcome = 'fit', answer_sealed = NULL, screened_at = EXCLUDED.screened_at",
        (worker_id, caller.now),
    )
    connection.execute(
        "UPDATE worker SET confirmed_at = %s WHERE id = %s AND confirmed_at IS NULL", (caller.now, worker_id)
    )


def find_place(
    connection: psycopg.Connection[Any], terms: Terms, worker_id: int, caller: Caller
) -> Offered | AlreadyBooked | NoPlace | AgeOutside | Closed | Barred:
    """The slow way to a hold, within a transaction: may wait for rows that others are booking."""
    worker = lock_worker(connection, worker_id, caller)
    if worker is None:
        return Barred()
    booked = live_slot(connection, worker_id, "('booked', 'attended')")
    if booked is not None:
        return AlreadyBooked(booked)
    if not is_open(worker[1], caller.now, caller.started_at):
        release_hold(connection, worker_id, caller)
        return Closed()
    held = _renew_hold(connection, worker_id, caller)
    if held is not None:
        return Offered(held)
    if not _age_fits(terms, caller, worker[0]):
        return AgeOutside()
    parameters = _parameters(terms, caller, worker_id)
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
    parameters = _parameters(terms, caller, worker_id) | {"facility": facility_id}
    release_hold(connection, worker_id, caller)
    district = "SELECT district_code FROM facility WHERE id = %(facility)s"
    for where in ("= %(facility)s", f"IN (SELECT id FROM facility WHERE district_code = ({district}))"):
        session_id = _take_any(connection, f"s.facility_id {where}", parameters)
        if session_id is not None:
            return _insert_hold(connection, session_id, parameters)
    return None


def lock_worker(connection: psycopg.Connection[Any], worker_id: int, caller: Caller) -> Sequence[Any] | None:
    """Lock a worker's row, so that one worker's bookings change one after the other: (birth date, end of registration).

    None if the caller's number may not act for them (any more).
    """
    return connection.execute(
        f"SELECT w.birth_date, {CLOSES_AT} FROM worker w "
        f"WHERE w.id = %(worker)s AND {may_act(caller)} FOR UPDATE OF w".encode(),
        {"worker": worker_id, "phone": caller.phone},
    ).fetchone()


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


def _age_fits(terms: Terms, caller: Caller, birth_date: Any) -> bool:
    today = caller.now.astimezone(terms.time_zone).date()
    return age_on(birth_date, today) <= terms.ages[1] and age_on(birth_date, today + HORIZON) >= terms.ages[0]


_CANDIDATES = """
SELECT s.id FROM vaccination_session s, worker w
WHERE w.id = %(worker)s AND {where} AND {suits} AND {has_room}
ORDER BY s.starts_at, s.id LIMIT 200
"""


def _take_any(connection: psycopg.Connection[Any], where: str, parameters: dict[str, object]) -> int | None:
    """Take a place of the first candidate that has one: those that nobody is booking first, then waiting in line."""
    sql = _CANDIDATES.format(where=where, suits=_SUITS, has_room=_HAS_ROOM)
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


def take_place(connection: psycopg.Connection[Any], session_id: int, now: object) -> bool:
    """Take one place of a session, waiting for its row; reclaims its expired holds first. False: it is full."""
    locked = connection.execute(
        "SELECT taken < capacity FROM vaccination_session WHERE id = %s FOR UPDATE", (session_id,)
    ).fetchone()
    if locked is None:
        return False
    if not locked[0]:
        reclaim_expired(connection, session_id, now)
    taken = connection.execute(
        "UPDATE vaccination_session SET taken = taken + 1 WHERE id = %s AND taken < capacity", (session_id,)
    )
    return taken.rowcount == 1


def reclaim_expired(connection: psycopg.Connection[Any], session_id: int, now: object) -> int:
    """Let go of a session's expired holds (those that nobody is just confirming); its row must be locked."""
    row = connection.execute(
        "WITH over AS (SELECT id FROM booking WHERE session_id = %(session)s AND state = 'held' "
        "AND held_until <= %(now)s FOR UPDATE SKIP LOCKED), "
        "ended AS (UPDATE booking SET state = 'expired', held_until = NULL, ended_at = %(now)s "
        "WHERE id IN (SELECT id FROM over) RETURNING 1) "
        "UPDATE vaccination_session SET taken = taken - (SELECT count(*) FROM ended) WHERE id = %(session)s "
        "RETURNING (SELECT count(*) FROM ended)",
        {"session": session_id, "now": now},
    ).fetchone()
    return int(row[0]) if row else 0


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


def release_hold(connection: psycopg.Connection[Any], worker_id: int, caller: Caller) -> None:
    """Let the worker's hold go, if there is one."""
    row = connection.execute(
        "UPDATE booking SET state = 'expired', held_until = NULL, ended_at = %s "
        "WHERE worker_id = %s AND dose = %s AND state = 'held' RETURNING session_id",
        (caller.now, worker_id, DOSE),
    ).fetchone()
    if row is not None:
        connection.execute("UPDATE vaccination_session SET taken = taken - 1 WHERE id = %s", (row[0],))


def hold_slot(database: Database, terms: Terms, act: HoldSlot, caller: Caller) -> object:
    """Hold a place at the chosen session, instead of the one held before; a confirmed place stays until the new is."""
    with database.transaction() as connection:
        return hold(connection, terms, act, caller)


def hold(
    connection: psycopg.Connection[Any], terms: Terms, act: HoldSlot, caller: Caller
) -> Offered | SessionFull | AgeOutside | Closed | Barred:
    """What ``hold_slot`` does, within a transaction."""
    parameters = _parameters(terms, caller, act.worker_id)
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
        return SessionFull() if _age_fits(terms, caller, worker[0]) else AgeOutside()
    if not take_place(connection, act.session_id, caller.now):
        return SessionFull()
    release_hold(connection, act.worker_id, caller)
    return Offered(_insert_hold(connection, act.session_id, parameters))


def sweep_expired(database: Database, now: object) -> int:
    """Let go of every hold that has expired; returns how many. Safe to run anywhere, any number of times."""
    sessions = database.rows(
        "SELECT DISTINCT session_id FROM booking WHERE state = 'held' AND held_until <= %s ORDER BY session_id", (now,)
    )
    released = 0
    for (session_id,) in sessions:
        released += _reclaim(database, session_id, now)
    return released


def _reclaim(database: Database, session_id: int, now: object) -> int:
    with database.transaction() as connection:
        connection.execute("SELECT 1 FROM vaccination_session WHERE id = %s FOR UPDATE", (session_id,))
        return reclaim_expired(connection, session_id, now)
