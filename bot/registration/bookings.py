"""Confirming a held place, changing it, giving it back, and sending its ticket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.db.database import Database
from bot.db.prepared import Prepared
from bot.messaging import outbox
from bot.registration.acts import (
    AlreadyBooked,
    Barred,
    CancelBooking,
    Closed,
    Done,
    NothingToDo,
    Offered,
    SendTicket,
    SlotLost,
    TakeSlot,
    Ticketed,
)
from bot.registration.closing import GRACE, STILL_OPEN, is_open
from bot.registration.holding import SLOT, SLOT_FROM, find_place, live_slot, lock_worker, owns, slot_of
from bot.registration.people import OnBehalf
from bot.registration.taking import lock_sessions, reclaim_of, release_hold
from bot.registration.terms import Terms
from bot.registration.tickets import new_ticket
from gateway_adapters.base import Channel

#: A ticket's SMS is not sent once more, on the worker's own wish, where that was done within this time.
AGAIN = timedelta(minutes=10)
#: Draws of a ticket code before giving up: with 20 million codes and a million of them used, five misses in a row happen
#: once in three million times.
_DRAWS = 5

# The usual confirmation: a live hold, asked for by the roster's number, nothing booked before. Booking and ticket SMS in
# one statement. That the place is held is said by ``held_until`` alone, as a CHECK has it: told the state, a planner who
# knows of no holds yet looks through all that there will be.
_TAKE = Prepared(f"""
WITH mine AS (
    SELECT b.id FROM booking b JOIN worker w ON w.id = b.worker_id
    WHERE b.id = %(booking)s AND b.worker_id = %(worker)s AND b.held_until > %(now)s
      AND w.phone = %(phone)s AND {STILL_OPEN}
      AND NOT EXISTS (SELECT 1 FROM booking o WHERE o.worker_id = %(worker)s AND o.dose = b.dose
                      AND o.state IN ('booked', 'attended'))
    FOR UPDATE OF b
), b AS (
    UPDATE booking SET state = 'booked', held_until = NULL, booked_at = %(now)s, ticket = %(ticket)s, phone = %(phone)s
    WHERE id = (SELECT id FROM mine) RETURNING id, session_id, worker_id, ticket
), tried AS (
    INSERT INTO attempt (lane, gateway, language, size, phone, state, created_at, due_at)
    SELECT 'reply', %(gateway)s, %(language)s, 1, %(phone)s, 'queued', %(now)s, %(now)s FROM b WHERE %(by_outbox)s
    RETURNING id
), sms AS (
    INSERT INTO message (natural_key, kind, lane, gateway, phone, language, body, worker_id, booking_id, attempt_id,
                         state, created_at)
    SELECT 'ticket:' || b.id, 'ticket', 'reply', %(gateway)s, %(phone)s, %(language)s, %(body)s, b.worker_id, b.id,
           tried.id, 'queued', %(now)s
    FROM b, tried
), spoken AS (
    UPDATE worker SET language = %(language)s WHERE id = (SELECT worker_id FROM b) AND language <> %(language)s
)
SELECT {SLOT} FROM {SLOT_FROM.removeprefix("booking ")}
""")


def take_slot(database: Database, terms: Terms, act: TakeSlot, caller: Caller) -> object:
    """Confirm a held place and give it a ticket. Where the hold is lost, the next place is held instead."""
    by_sms = caller.channel is Channel.SMS
    for _draw in range(_DRAWS):
        ticket = new_ticket()
        try:
            rows = database.said(
                _TAKE,
                {
                    "booking": act.booking_id,
                    "worker": act.worker_id,
                    "phone": caller.phone,
                    "now": caller.now,
                    "started": caller.started_at,
                    "grace": GRACE,
                    "ticket": ticket,
                    "gateway": terms.sms_gateway,
                    "language": act.language,
                    "body": act.sms.replace("{code}", ticket),
                    "by_outbox": not by_sms,
                },
            )
            if rows:
                return Ticketed(slot_of(rows[0]), by_sms)
            reclaim_of(database, act.worker_id, caller.now)
            with database.transaction() as connection:
                return take_slowly(connection, terms, act, caller, ticket)
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != "uq_booking_ticket":
                raise
    raise RuntimeError("no free ticket code was drawn")


def take_slowly(
    connection: psycopg.Connection[Any], terms: Terms, act: TakeSlot, caller: Caller, ticket: str
) -> object:
    """What is not usual: a repeated request, a change of place, a hold that is gone, the end of registration."""
    by_sms = caller.channel is Channel.SMS
    worker = lock_worker(connection, act.worker_id, caller)
    if worker is None:
        return Barred()
    booked = live_slot(connection, act.worker_id, "('booked', 'attended')")
    if booked is not None and not owns(connection, booked, caller):
        # Two numbers speak for one worker, whose hold they share: the other one has taken it meanwhile.
        return Barred()
    if booked is not None and booked.booking_id == act.booking_id:
        return Ticketed(booked, by_sms)
    if not is_open(worker[1], caller.now, caller.started_at):
        release_hold(connection, act.worker_id, caller)
        return Closed()
    held = connection.execute(
        "SELECT id FROM booking WHERE id = %s AND worker_id = %s AND state = 'held' AND held_until > %s FOR UPDATE",
        (act.booking_id, act.worker_id, caller.now),
    ).fetchone()
    if held is None:
        if booked is not None:
            return AlreadyBooked(booked)
        found = find_place(connection, terms, act.worker_id, caller)
        return SlotLost(found.slot) if isinstance(found, Offered) else found
    if booked is not None and not end_booking(connection, booked.booking_id, "changed", caller.now):
        release_hold(connection, act.worker_id, caller)
        return AlreadyBooked(booked)
    connection.execute(
        "UPDATE booking SET state = 'booked', held_until = NULL, booked_at = %s, ticket = %s, phone = %s WHERE id = %s",
        (caller.now, ticket, caller.phone or None, act.booking_id),
    )
    if caller.phone and not by_sms:
        _write_ticket(connection, terms, act, caller, f"ticket:{act.booking_id}", ticket)
    slot = live_slot(connection, act.worker_id, "('booked')")
    if slot is None:
        raise LookupError("the place was booked a moment ago in this transaction")
    return Ticketed(slot, by_sms)


def end_booking(connection: psycopg.Connection[Any], booking_id: int, state: str, now: object) -> bool:
    """End a booked place as ``state`` (changed, cancelled) and give the place back. False: it is not booked (any more)."""
    row = connection.execute(
        "UPDATE booking SET state = %s, ended_at = %s WHERE id = %s AND state = 'booked' RETURNING session_id",
        (state, now, booking_id),
    ).fetchone()
    if row is not None:
        connection.execute("UPDATE vaccination_session SET taken = taken - 1 WHERE id = %s", (row[0],))
    return row is not None


def _write_ticket(
    connection: psycopg.Connection[Any],
    terms: Terms,
    act: TakeSlot | SendTicket,
    caller: Caller,
    natural_key: str,
    ticket: str,
) -> None:
    draft = outbox.Draft(
        natural_key=natural_key,
        kind="ticket",
        lane=outbox.Lane.REPLY,
        gateway=terms.sms_gateway,
        phone=caller.phone,
        language=act.language,
        body=act.sms.replace("{code}", ticket),
        worker_id=act.worker_id,
        booking_id=act.booking_id,
    )
    outbox.write(connection, draft, caller.now)


def cancel_booking(database: Database, _terms: Terms, act: CancelBooking, caller: Caller) -> object:
    """Give the worker's confirmed place back."""
    with database.transaction() as connection:
        return cancel(connection, act, caller)


def cancel(connection: psycopg.Connection[Any], act: CancelBooking, caller: Caller) -> Done | NothingToDo | Barred:
    """What ``cancel_booking`` does, within a transaction."""
    if lock_worker(connection, act.worker_id, caller) is None:
        return Barred()
    booked = live_slot(connection, act.worker_id, "('booked')")
    if booked is None:
        return NothingToDo()
    if not owns(connection, booked, caller):
        return Barred()
    lock_sessions(connection, act.worker_id)
    release_hold(connection, act.worker_id, caller)
    end_booking(connection, booked.booking_id, "cancelled", caller.now)
    return Done()


def send_ticket(database: Database, terms: Terms, act: SendTicket, caller: Caller) -> object:
    """Send the ticket of the confirmed place once more, once per request."""
    with database.transaction() as connection:
        return send_again(connection, terms, act, caller)


def send_again(
    connection: psycopg.Connection[Any], terms: Terms, act: SendTicket, caller: Caller
) -> Done | NothingToDo | Barred:
    """What ``send_ticket`` does, within a transaction."""
    if lock_worker(connection, act.worker_id, caller) is None:
        return Barred()
    booked = live_slot(connection, act.worker_id, "('booked')")
    if booked is None or booked.ticket is None or booked.booking_id != act.booking_id:
        return NothingToDo()
    if not owns(connection, booked, caller):
        return Barred()
    if isinstance(caller, OnBehalf) or not _is_on_its_way(connection, act.booking_id, caller):
        _write_ticket(connection, terms, act, caller, again_key(act.booking_id, caller), booked.ticket)
    return Done()


def _is_on_its_way(connection: psycopg.Connection[Any], booking_id: int, caller: Caller) -> bool:
    """Whether the ticket was sent once more just now: each SMS costs money, and whoever asks all the time gets no more."""
    row = connection.execute(
        "SELECT 1 FROM message WHERE booking_id = %s AND natural_key LIKE 'ticket-again:%%' AND phone = %s "
        "AND created_at > %s AND state <> 'rejected' LIMIT 1",
        (booking_id, caller.phone, caller.now - AGAIN),
    ).fetchone()
    return row is not None


def again_key(booking_id: int, caller: Caller) -> str:
    """What a ticket's message is known by that is sent once more."""
    return f"ticket-again:{booking_id}:{caller.hop}"
