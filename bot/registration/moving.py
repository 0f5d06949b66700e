"""Moving everybody of a cancelled session to another, and telling them.

One person a transaction: the new place is held, the old one ended, the new one booked, the SMS written. What is left to
do is told by the rows alone (a cancelled session in which somebody is booked), so a worker that is killed in the middle
leaves nobody between two places, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from bot.db import audit
from bot.db.database import Database
from bot.messaging import outbox
from bot.registration import holding
from bot.registration.acts import Slot
from bot.registration.bookings import end_booking
from bot.registration.officer import Reach, for_worker, subject
from bot.registration.terms import Terms
from bot.registration.tickets import new_ticket

#: Draws of a ticket code before giving up.
_DRAWS: Final = 5
#: People to be called that are shown.
MOST: Final = 500

#: An SMS about a place in a language; ``{code}`` stands for the ticket, where there is one.
PlaceText = Callable[[Slot, str], str]


@dataclass(frozen=True, slots=True)
class Texts:
    """What people are told: of their new place, or of the old one that there is no other and that they will be called."""

    moved: PlaceText
    no_place: PlaceText


@dataclass(frozen=True, slots=True)
class ToCall:
    """Somebody to be called: there was no place for them, or no number to write to. ``is_near``: in the officer's area."""

    worker_id: int
    name: str
    phone: str | None
    new_place: str | None
    new_day: Any
    is_near: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the people of a cancelled session are."""

    left: int
    moved: int
    without: int


def move_waiting(
    database: Database, terms: Terms, texts: Texts, now: Callable[[], datetime], goes_on: Callable[[], bool]
) -> int:
    """Move whoever is booked in a cancelled session, in the order in which they booked; returns how many."""
    waiting = database.rows(
        "SELECT b.id FROM vaccination_session s JOIN booking b ON b.session_id = s.id AND b.state = 'booked' "
        "WHERE s.cancelled_at IS NOT NULL ORDER BY s.starts_at, b.booked_at, b.id"
    )
    done = 0
    for (booking_id,) in waiting:
        if not goes_on():
            break
        done += move(database, terms, texts, booking_id, now())
    return done


def move(database: Database, terms: Terms, texts: Texts, booking_id: int, now: datetime) -> bool:
    """Move one person, or end their booking where there is no place. False: they are not booked there any more."""
    for _draw in range(_DRAWS):
        try:
            with database.transaction() as connection:
                return _move(connection, terms, texts, booking_id, now)
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != "uq_booking_ticket":
                raise
    raise RuntimeError("no free ticket code was drawn")


_WHO = """
SELECT w.id, w.language, coalesce(w.phone, b.phone), s.facility_id, s.cancelled_by
FROM booking b JOIN worker w ON w.id = b.worker_id JOIN vaccination_session s ON s.id = b.session_id
WHERE b.id = %s AND s.cancelled_at IS NOT NULL FOR UPDATE OF w
"""


def _move(connection: psycopg.Connection[Any], terms: Terms, texts: Texts, booking_id: int, now: datetime) -> bool:
    who = connection.execute(_WHO, (booking_id,)).fetchone()
    if who is None:
        return False
    worker_id, language, phone, facility_id, actor = who
    old = holding.live_slot(connection, worker_id, "('booked')")
    if old is None or old.booking_id != booking_id:
        return False  # changed or cancelled while we waited for their row
    new = holding.hold_near(connection, terms, worker_id, for_worker(phone, now), facility_id)
    detail: dict[str, object] = {"booking": booking_id}
    if new is None:
        end_booking(connection, booking_id, "cancelled", now)
        audit.record(connection, now, actor, "booking.no-place", subject(worker_id), detail)
        if phone is not None:
            body = texts.no_place(old, language)
            _write(
                connection, terms, ("unplaced", "notice"), booking_id, booking_id, worker_id, phone, language, body, now
            )
        return True
    ticket = new_ticket()
    end_booking(connection, booking_id, "changed", now)
    connection.execute(
        "UPDATE booking SET state = 'booked', held_until = NULL, booked_at = %s, ticket = %s, phone = %s WHERE id = %s",
        (now, ticket, phone, new.booking_id),
    )
    audit.record(connection, now, actor, "booking.move", subject(worker_id), {**detail, "to": new.booking_id})
    if phone is not None:
        body = texts.moved(new, language).replace("{code}", ticket)
        _write(
            connection, terms, ("moved", "ticket"), booking_id, new.booking_id, worker_id, phone, language, body, now
        )
    return True


def _write(
    connection: psycopg.Connection[Any],
    terms: Terms,
    key_and_kind: tuple[str, str],
    old_id: int,
    booking_id: int,
    worker_id: int,
    phone: str,
    language: str,
    body: str,
    now: datetime,
) -> None:
    """Write the SMS, one for each booking that ended."""
    draft = outbox.Draft(
        natural_key=f"{key_and_kind[0]}:{old_id}",
        kind=key_and_kind[1],
        lane=outbox.Lane.REPLY,
        gateway=terms.sms_gateway,
        phone=phone,
        language=language,
        body=body,
        worker_id=worker_id,
        booking_id=booking_id,
    )
    outbox.write(connection, draft, now)


# Bookings that the cancellation ended, with where their holders are booked now.
_ENDED = """
FROM vaccination_session s JOIN booking b ON b.session_id = s.id AND b.ticket IS NOT NULL AND b.ended_at >= s.cancelled_at
    AND b.state IN ('changed', 'cancelled')
JOIN worker w ON w.id = b.worker_id
LEFT JOIN booking n ON n.worker_id = w.id AND n.dose = b.dose AND n.state IN ('booked', 'attended')
WHERE s.id = %(session)s
"""


def standing(database: Database, session_id: int) -> Standing:
    """How far the people of a cancelled session are: still to be moved, moved, and without a place."""
    row = database.rows(
        "SELECT (SELECT count(*) FROM booking WHERE session_id = %(session)s AND state = 'booked'), "
        f"count(*) FILTER (WHERE n.id IS NOT NULL), count(*) FILTER (WHERE n.id IS NULL) {_ENDED}",
        {"session": session_id},
    )[0]
    return Standing(*row)


def to_call(database: Database, session_id: int, reach: Reach) -> list[ToCall]:
    """Who of a cancelled session is to be called: without a place, or with one but without a number."""
    rows = database.rows(
        f"SELECT w.id, w.name, coalesce(w.phone, b.phone), f.name, v.local_date, {reach.workers} "
        + _ENDED.replace(
            "WHERE",
            "LEFT JOIN vaccination_session v ON v.id = n.session_id LEFT JOIN facility f ON f.id = v.facility_id WHERE",
        )
        + f" AND (n.id IS NULL OR coalesce(w.phone, b.phone) IS NULL) ORDER BY lower(w.name), w.id LIMIT {MOST}",
        {**reach.parameters, "session": session_id},
    )
    return [ToCall(*row) for row in rows]
