"""Booking for a worker who calls, or has no phone: an officer acts, by the same functions as conversations do.

The officer has seen or heard who it is, so nothing is to be proved. Everything else holds as it does for the worker: age
limits, screening, capacity, the end of registration. Each act is one transaction with its line in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.registration import bookings, choices, holding, slots
from bot.registration.acts import (
    AgeOutside,
    AlreadyBooked,
    CancelBooking,
    Closed,
    Defer,
    Done,
    HoldSlot,
    NothingToDo,
    Offered,
    SendTicket,
    SessionFull,
    Slot,
    TakeSlot,
    Ticketed,
)
from bot.registration.closing import is_open
from bot.registration.officer import Officer, OutOfReach, for_worker, lock_in_reach, subject
from bot.registration.terms import DOSE, Terms
from bot.registration.tickets import new_ticket

#: The answer to the screening that lets somebody book.
FIT = "none"
#: Draws of a ticket code before giving up.
_DRAWS = 5

#: The SMS of a place in a language, ``{code}`` standing for the ticket.
TicketText = Callable[[Slot, str], str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be booked.

    ``instead_of``: the booking that was shown to the officer, None where there was none. ``condition``: the answer to the
    screening, ``FIT`` or what applies; None if it was not asked.
    """

    worker_id: int
    session_id: int
    instead_of: int | None
    condition: str | None


@dataclass(frozen=True, slots=True)
class ScreeningWanted:
    """The screening has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """One of the conditions applies: the vaccination is deferred."""


@dataclass(frozen=True, slots=True)
class NoNumber:
    """There is no number to send to."""


Booked = Ticketed | AlreadyBooked | SessionFull | AgeOutside | Closed | ScreeningWanted | Deferred | NothingToDo


def book(
    database: Database, vault: Vault, terms: Terms, wish: Wish, officer: Officer, sms: TicketText, now: datetime
) -> Booked:
    """Book a place, or the new one instead of the old. The same wish again changes nothing and gives the same ticket.

    Raises ``OutOfReach`` for a worker or a session that the officer does not see. Somebody's own district is always
    within reach of a booking.
    """
    for _draw in range(_DRAWS):
        try:
            with database.transaction() as connection:
                return _book(connection, vault, terms, wish, officer, sms, now)
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != "uq_booking_ticket":
                raise
    raise RuntimeError("no free ticket code was drawn")


def _book(
    connection: psycopg.Connection[Any],
    vault: Vault,
    terms: Terms,
    wish: Wish,
    officer: Officer,
    sms: TicketText,
    now: datetime,
) -> Booked:
    home = "coalesce(w.domicile_code, w.district_code)"
    phone, language, district = lock_in_reach(connection, officer, wish.worker_id, f"w.phone, w.language, {home}")
    caller = for_worker(phone, now)
    there = _standing_in_the_way(connection, wish)
    if there is not None:
        return there
    locked = holding.lock_worker(connection, wish.worker_id, caller)
    if locked is None or not is_open(locked[1], now, now):
        return Closed()
    _check_session(connection, officer, wish.session_id, district)
    unfit = _screen(connection, vault, wish, officer, caller)
    if unfit is not None:
        return unfit
    held = holding.hold(connection, terms, HoldSlot(wish.worker_id, wish.session_id), caller)
    if isinstance(held, SessionFull | AgeOutside):
        return held
    if not isinstance(held, Offered):
        return Closed()
    take = TakeSlot(wish.worker_id, held.slot.booking_id, language, sms(held.slot, language))
    taken = bookings.take_slowly(connection, terms, take, caller, new_ticket())
    if not isinstance(taken, Ticketed):
        return Closed()
    detail: dict[str, object] = {"booking": taken.slot.booking_id, "session": wish.session_id}
    if wish.instead_of is None:
        _record(connection, officer, "booking.book", wish.worker_id, detail, now)
    else:
        _record(connection, officer, "booking.change", wish.worker_id, {**detail, "instead_of": wish.instead_of}, now)
    return taken


def _standing_in_the_way(connection: psycopg.Connection[Any], wish: Wish) -> Booked | None:
    """What came of the same wish before, or has changed since the officer looked."""
    row = connection.execute(
        "SELECT id, session_id, state FROM booking WHERE worker_id = %s AND dose = %s AND state IN ('booked', 'attended')",
        (wish.worker_id, DOSE),
    ).fetchone()
    if row is None:
        return None if wish.instead_of is None else NothingToDo()
    slot = holding.live_slot(connection, wish.worker_id, "('booked', 'attended')")
    if slot is None:
        raise LookupError("the booking was there a moment ago in this transaction")
    if row[2] == "booked" and row[1] == wish.session_id:
        return Ticketed(slot, by_sms=False)
    return None if row[2] == "booked" and row[0] == wish.instead_of else AlreadyBooked(slot)


def _check_session(connection: psycopg.Connection[Any], officer: Officer, session_id: int, district: str) -> None:
    row = connection.execute(
        "SELECT 1 FROM vaccination_session s JOIN facility f ON f.id = s.facility_id WHERE s.id = %(session)s "
        f"AND (f.district_code = %(home)s OR {officer.reach.facilities})".encode(),
        {**officer.reach.parameters, "session": session_id, "home": district},
    ).fetchone()
    if row is None:
        raise OutOfReach(str(session_id))


def _screen(
    connection: psycopg.Connection[Any], vault: Vault, wish: Wish, officer: Officer, caller: Caller
) -> ScreeningWanted | Deferred | None:
    """Keep the answer to the screening, where it is still to be given; None if the worker may be vaccinated."""
    row = connection.execute("SELECT outcome FROM screening WHERE worker_id = %s", (wish.worker_id,)).fetchone()
    if row is not None and row[0] == "fit":
        return None
    if wish.condition is None:
        return ScreeningWanted()
    if wish.condition == FIT:
        slots.pass_screening(connection, wish.worker_id, caller)
        return None
    statement, parameters = choices.deferral(vault, Defer(wish.worker_id, wish.condition), caller)
    connection.execute(statement.encode(), parameters)
    _record(connection, officer, "screening.defer", wish.worker_id, {}, caller.now)
    return Deferred()


def cancel(database: Database, worker_id: int, booking_id: int, officer: Officer, now: datetime) -> Done | NothingToDo:
    """Give a booked place back; nothing happens if it is not booked any more. Raises ``OutOfReach``."""
    with database.transaction() as connection:
        [phone] = lock_in_reach(connection, officer, worker_id, "w.phone")
        booked = holding.live_slot(connection, worker_id, "('booked')")
        if booked is None or booked.booking_id != booking_id:
            return NothingToDo()
        bookings.cancel(connection, CancelBooking(worker_id), for_worker(phone, now))
        _record(connection, officer, "booking.cancel", worker_id, {"booking": booking_id}, now)
        return Done()


def send_ticket(
    database: Database,
    terms: Terms,
    worker_id: int,
    booking_id: int,
    officer: Officer,
    sms: TicketText,
    now: datetime,
    *,
    once: str,
) -> Done | NothingToDo | NoNumber:
    """Send the ticket once more, once for each ``once``. Raises ``OutOfReach``."""
    with database.transaction() as connection:
        phone, language = lock_in_reach(connection, officer, worker_id, "w.phone, w.language")
        booked = holding.live_slot(connection, worker_id, "('booked')")
        if booked is None or booked.booking_id != booking_id:
            return NothingToDo()
        if phone is None:
            return NoNumber()
        caller = for_worker(phone, now, once)
        sent_before = connection.execute(
            "SELECT 1 FROM message WHERE natural_key = %s", (bookings.again_key(booking_id, caller),)
        ).fetchone()
        if sent_before is None:
            act = SendTicket(worker_id, booking_id, language, sms(booked, language))
            bookings.send_again(connection, terms, act, caller)
            _record(connection, officer, "ticket.send", worker_id, {"booking": booking_id}, now)
        return Done()


def _record(
    connection: psycopg.Connection[Any],
    officer: Officer,
    action: str,
    worker_id: int,
    detail: Mapping[str, object],
    now: datetime,
) -> None:
    audit.record(connection, now, officer.name, action, subject(worker_id), detail)
