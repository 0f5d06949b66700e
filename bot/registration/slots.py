"""The usual offer of a place: one statement.

``vaccination_session.taken`` counts, with a CHECK, every place that is held, booked, attended or missed. A hold is one
statement: take a place of the nearest session with room, write the booking. Under a rush that statement does not queue:
it passes over sessions that somebody else is just booking (SKIP LOCKED), so that a facility's sessions fill side by
side; a session that is full but for expired holds is freed of them, and the statement said again. What it cannot settle
(all locked, all full, a hold from before, another district, a number that is not the roster's) goes the slow way, one
transaction that waits (``holding``).
"""

from __future__ import annotations

from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.db.database import Database
from bot.db.prepared import LAZILY, Prepared
from bot.registration.acts import Offered, OfferSlot
from bot.registration.closing import STILL_OPEN
from bot.registration.holding import HAS_ROOM, find_place, lock_worker, parameters_of, slot_of
from bot.registration.taking import reclaim, reclaim_of
from bot.registration.terms import Terms

# The usual offer, to the roster's number and at the worker's own facility. What stands there is what nearly everybody
# needs, since a statement pays for all its parts. Without a hold in its row, the session is full but for expired holds.
# That they have talked to us and proved themselves is told by the turns, some seconds later, or by this, which is not lost.
# The worker's row is locked as the hold's foreign key will have it anyway: of who is just being erased nothing is held.
# "+ 0" keeps the planner at the index that has the sessions in the order in which they are wanted.
_OFFER = Prepared(f"""
WITH who AS (
    SELECT w.facility_id, w.birth_date + make_interval(years => %(youngest)s::int) AS first_day,
           w.birth_date + make_interval(years => %(oldest)s::int + 1) AS too_late
    FROM worker w
    WHERE w.id = %(worker)s AND w.phone = %(phone)s AND w.domicile_code IS NULL AND {STILL_OPEN} AND {LAZILY}
      AND NOT EXISTS (SELECT 1 FROM booking b WHERE b.worker_id = %(worker)s AND b.dose = %(dose)s
                      AND b.state IN ('held', 'booked', 'attended'))
    FOR KEY SHARE OF w
), room AS (
    SELECT s.id, s.facility_id, s.local_date, s.start_time, s.end_time FROM vaccination_session s
    WHERE s.facility_id = (SELECT facility_id FROM who) AND s.dose = %(dose)s AND s.open AND s.starts_at > %(now)s
      AND s.local_date + 0 >= (SELECT first_day FROM who) AND s.local_date + 0 < (SELECT too_late FROM who)
      AND {HAS_ROOM}
    ORDER BY s.starts_at LIMIT 1 FOR UPDATE SKIP LOCKED
), place AS (
    UPDATE vaccination_session SET taken = taken + 1 WHERE id = (SELECT id FROM room) AND taken < capacity RETURNING id
), hold AS (
    INSERT INTO booking (worker_id, dose, session_id, state, held_until, phone, created_at)
    SELECT %(worker)s, %(dose)s, place.id, 'held', %(until)s::timestamptz, %(phone)s, %(now)s FROM place
    RETURNING id
), screened AS (
    INSERT INTO screening (worker_id, outcome, screened_at)
    SELECT %(worker)s, 'fit', %(now)s FROM hold WHERE %(fit)s::boolean
    ON CONFLICT (worker_id) DO UPDATE
        SET outcome = 'fit', answer_sealed = NULL, screened_at = EXCLUDED.screened_at
        WHERE screening.outcome <> 'fit'
), confirmed AS (
    UPDATE worker SET confirmed_at = %(now)s, verified_at = coalesce(verified_at, %(now)s),
                      started_at = coalesce(started_at, %(now)s)
    WHERE id = %(worker)s AND confirmed_at IS NULL AND %(fit)s AND (SELECT id FROM hold) IS NOT NULL
)
SELECT (SELECT id FROM hold), f.id, f.name, r.local_date, r.start_time, r.end_time, d.time_zone, NULL, r.id
FROM room r JOIN facility f ON f.id = r.facility_id JOIN district d ON d.code = f.district_code
""")


def offer_slot(database: Database, terms: Terms, act: OfferSlot, caller: Caller) -> object:
    """Hold the nearest place: at the worker's own facility, the earliest with room; elsewhere only when that is full.

    A hold, and the screening before it, may be lost with the last second before a crash of PostgreSQL: whoever wants to
    take it then is offered the next place. Only taking a place waits for the disk.
    """
    parameters = parameters_of(terms, caller, act.worker_id)
    parameters["fit"] = act.fit
    try:
        rows = database.said(_OFFER, parameters)
        if rows and rows[0][0] is None:
            reclaim(database, rows[0][-1], caller.now)
            rows = database.said(_OFFER, parameters)
    except psycopg.errors.UniqueViolation:
        rows = []  # the same request twice at once: the other one has the hold
    if rows and rows[0][0] is not None:
        return Offered(slot_of(rows[0][:-1]))
    reclaim_of(database, act.worker_id, caller.now)
    with database.transaction() as connection:
        if act.fit and lock_worker(connection, act.worker_id, caller) is not None:
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
