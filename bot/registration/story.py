"""One worker's story for an officer: who they are, where they stand, what they booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from bot.db import audit
from bot.db.database import Database
from bot.registration.closing import CLOSES_AT
from bot.registration.officer import Officer, OutOfReach, subject


@dataclass(frozen=True, slots=True)
class Standing:
    """A worker. The NIK is masked, the number whole; ``screening`` is an outcome, never what was answered.

    ``locked_until``: wrong answers have locked their number, or strange numbers out of their NIK. ``sharing``: how many
    others on the list have the number. ``has_closed``: registration is over.
    """

    id: int
    name: str
    nik: str
    birth_year: int
    sex: str
    phone: str | None
    district: str
    domicile: str | None
    facility: str | None
    profession: str
    language: str
    state: str
    started_at: datetime | None
    verified_at: datetime | None
    screening: str | None
    opted_out_since: datetime | None
    wrong_since: datetime | None
    locked_until: datetime | None
    sharing: int
    time_zone: str
    has_closed: bool


@dataclass(frozen=True, slots=True)
class BookingLine:
    """A booking there is or was, in the district's own time. ``booked_by``, ``ended_by``: an officer, if one did it."""

    id: int
    state: str
    ticket: str | None
    facility: str
    day: date
    start: time
    end: time
    time_zone: str
    dose: int
    booked_at: datetime | None
    ended_at: datetime | None
    booked_by: str | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A strange number that claims to be the worker's and waits."""

    id: int
    phone: str
    opened_at: datetime


_STANDING = """
SELECT w.id, w.name, w.nik_tail, extract(year FROM w.birth_date)::int, w.sex, w.phone, d.name, dom.name, f.name,
       w.profession, w.language, st.state, w.started_at, w.verified_at, sc.outcome, o.since, wr.since,
       (SELECT max(g.locked_until) FROM identity_guard g WHERE g.locked_until > %(now)s AND (
            (g.kind = 'phone' AND g.subject = w.phone) OR (g.kind = 'nik' AND g.subject = encode(w.nik_hash, 'hex')))),
       (SELECT count(*) FROM worker other WHERE other.phone = w.phone AND other.id <> w.id),
       coalesce(dom.time_zone, d.time_zone), coalesce({closes_at} <= %(now)s, false)
FROM worker w
JOIN district d ON d.code = w.district_code
LEFT JOIN district dom ON dom.code = w.domicile_code
LEFT JOIN facility f ON f.id = w.facility_id
JOIN worker_state st ON st.worker_id = w.id
LEFT JOIN screening sc ON sc.worker_id = w.id
LEFT JOIN opt_out o ON o.phone = w.phone
LEFT JOIN wrong_number wr ON wr.phone = w.phone
WHERE w.id = %(worker)s AND w.erased_at IS NULL AND {reach}
"""

# What officers did stands in the audit log, by worker: some lines each.
_BOOKINGS = """
SELECT b.id, b.state, b.ticket, f.name, s.local_date, s.start_time, s.end_time, d.time_zone, b.dose, b.booked_at,
       b.ended_at,
       (SELECT a.actor FROM audit a WHERE a.subject = %(subject)s AND a.action IN ('booking.book', 'booking.change')
        AND a.detail ->> 'booking' = b.id::text LIMIT 1),
       (SELECT a.actor FROM audit a WHERE a.subject = %(subject)s AND (
            (a.action = 'booking.cancel' AND a.detail ->> 'booking' = b.id::text)
            OR (a.action = 'booking.change' AND a.detail ->> 'instead_of' = b.id::text)) LIMIT 1)
FROM booking b
JOIN vaccination_session s ON s.id = b.session_id
JOIN facility f ON f.id = s.facility_id
JOIN district d ON d.code = f.district_code
WHERE b.worker_id = %(worker)s AND b.booked_at IS NOT NULL
ORDER BY b.booked_at DESC, b.id DESC LIMIT 50
"""


def standing(database: Database, worker_id: int, officer: Officer, now: datetime) -> Standing:
    """Who a worker is and where they stand; raises ``OutOfReach``."""
    sql = _STANDING.format(reach=officer.reach.workers, closes_at=CLOSES_AT)
    row = database.row(sql, {**officer.reach.parameters, "worker": worker_id, "now": now})
    if row is None:
        raise OutOfReach(str(worker_id))
    return Standing(row[0], row[1], f"************{row[2]}", *row[3:])


def booking_lines(database: Database, worker_id: int) -> list[BookingLine]:
    """What a worker (who is within reach) booked, the last first. Places that were only held are left out."""
    rows = database.rows(_BOOKINGS, {"worker": worker_id, "subject": subject(worker_id)})
    return [BookingLine(*row) for row in rows]


def claim_lines(database: Database, worker_id: int) -> list[ClaimLine]:
    """The open claims on a worker (who is within reach), the oldest first."""
    rows = database.rows(
        "SELECT id, phone, opened_at FROM phone_claim WHERE worker_id = %s AND state = 'open' ORDER BY opened_at, id",
        (worker_id,),
    )
    return [ClaimLine(*row) for row in rows]


def note_look(database: Database, worker_id: int, officer: Officer, now: datetime) -> None:
    """Write to the audit log that somebody looked at a worker's page."""
    with database.transaction() as connection:
        audit.record(connection, now, officer.name, "person.look", subject(worker_id))


def note_search(database: Database, by: str, found: int, officer: Officer, now: datetime) -> None:
    """Write to the audit log that somebody searched: by what, never for whom, and how many were found."""
    with database.transaction() as connection:
        audit.record(connection, now, officer.name, "people.search", "people", {"by": by, "found": found})
