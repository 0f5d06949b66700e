"""Strange numbers: NIK and birth date together prove a person, but not that the number is theirs.

Such a number opens a claim. The roster's number is told by SMS; if it has been silent for 24 hours after the gateway took
that SMS, or an officer approves, the claim is accepted and the number becomes the worker's. TOLAK rejects it for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.messaging import outbox
from bot.metrics import IDENTITY_LOCKS
from bot.phone import mask_phone
from bot.registration.acts import (
    Access,
    Done,
    LeaveEnquiry,
    Locked,
    NikSealed,
    NothingToDo,
    ObjectToClaim,
    ProveByNik,
    Proven,
    SealNik,
    TooLate,
    TooManyPeople,
)
from bot.registration.claim_limit import speaks_for_too_many
from bot.registration.guards import count_wrong, guards_of_stranger, locked_until
from bot.registration.people import PERSON, PERSON_FROM
from bot.registration.terms import Terms

SILENCE = timedelta(hours=24)
_NIK = "nik"
_CONVERSATION_NIK = "conversation.nik"

_FIND = f"SELECT {PERSON} FROM {PERSON_FROM} WHERE w.nik_hash = ANY(%(niks)s) AND w.birth_date = %(birth_date)s"


# What a rejected number has booked is the roster's number's from now on: who is shut out gets no reminder with the ticket.
_BOOKED_FOR_THE_ROSTER = """
UPDATE booking b SET phone = w.phone FROM phone_claim c JOIN worker w ON w.id = c.worker_id
WHERE c.id = ANY(%s) AND b.worker_id = c.worker_id AND b.phone = c.phone AND b.state IN ('held', 'booked')
"""

# By the notices to this number: no index has the numbers that settled claims were about.
_TOLD_TOO_LONG_AGO = """
SELECT 1 FROM message m
JOIN phone_claim c ON c.id = split_part(m.natural_key, ':', 2)::bigint
JOIN worker w ON w.id = c.worker_id AND w.phone = c.phone
WHERE m.phone = %s AND m.kind = 'claim' AND c.state = 'accepted' AND c.settled_by = 'system' LIMIT 1
"""


def seal_nik(vault: Vault, act: SealNik) -> NikSealed:
    """Put a NIK under seal for the conversation."""
    return NikSealed(vault.seal(act.nik, _CONVERSATION_NIK).hex())


def _open_nik(vault: Vault, sealed: str) -> str:
    return vault.open(bytes.fromhex(sealed), _CONVERSATION_NIK)


def prove_by_nik(database: Database, vault: Vault, terms: Terms, act: ProveByNik, caller: Caller) -> object:
    """Prove a caller by NIK and birth date; says what the number may do."""
    nik_hashes = vault.hashes(_open_nik(vault, act.sealed_nik))
    with database.transaction() as connection:
        # One after the other for one NIK, so that two claims cannot be opened past each other.
        for number in sorted(int.from_bytes(nik_hash[:7], "big") for nik_hash in nik_hashes):
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (number,))
        row = connection.execute(_FIND.encode(), {"niks": nik_hashes, "birth_date": act.birth_date}).fetchone()
        own = row is not None and row[9] == caller.phone
        guards = guards_of_stranger(caller.phone, nik_hashes)
        if own:
            guards = guards[:1]
        locked = locked_until(connection, guards, caller.now)
        if locked is not None:
            return Locked(locked, terms.time_zone.key)
        if not own and speaks_for_too_many(connection, caller.phone, row[0] if row else None, caller.now):
            IDENTITY_LOCKS.labels("claims").inc()
            return TooManyPeople()
        if row is None:
            return count_wrong(connection, terms, caller, guards)
        connection.execute(
            "UPDATE worker SET verified_at = coalesce(verified_at, %(now)s), started_at = coalesce(started_at, %(now)s) "
            "WHERE id = %(id)s",
            {"now": caller.now, "id": row[0]},
        )
        access = Access.FULL if own else _access_of_stranger(connection, terms, act, caller, row)
        return Proven(terms.person(row, access=access, now=caller.now))


def _access_of_stranger(
    connection: psycopg.Connection[Any], terms: Terms, act: ProveByNik, caller: Caller, row: Sequence[Any]
) -> Access:
    worker_id, language, roster_phone, booking_id, booked_from = row[0], row[5], row[9], row[10], row[12]
    own_booking = booking_id is not None and booked_from == caller.phone
    claim = connection.execute(
        "SELECT id, state, roster_phone FROM phone_claim WHERE worker_id = %s AND phone = %s FOR UPDATE",
        (worker_id, caller.phone),
    ).fetchone()
    if claim is None:
        claim_id = _open_claim(connection, worker_id, roster_phone, caller)
        if roster_phone is None and booking_id is None:
            # Nobody to ask and nothing to lose: the number becomes the worker's.
            accept(connection, claim_id, caller.now, actor="system")
            return Access.FULL
        if roster_phone is not None:
            key = f"claim:{claim_id}"
            _tell_roster_number(connection, terms, act, caller, key, worker_id, roster_phone, language)
    elif claim[1] == "rejected":
        return Access.NONE
    elif claim[1] == "open" and roster_phone is not None and claim[2] != roster_phone:
        # An import, or another claim, has changed the number since: whoever has it now was never asked.
        connection.execute("UPDATE phone_claim SET roster_phone = %s WHERE id = %s", (roster_phone, claim[0]))
        key = f"claim:{claim[0]}:{int(caller.now.timestamp())}"
        _tell_roster_number(connection, terms, act, caller, key, worker_id, roster_phone, language)
    elif claim[1] == "accepted" or _has_been_silent(connection, claim[0], roster_phone or claim[2], caller.now):
        accept(connection, claim[0], caller.now, actor="system")
        return Access.FULL
    return Access.BOOK if booking_id is None or own_booking else Access.NONE


def _open_claim(connection: psycopg.Connection[Any], worker_id: int, roster_phone: str | None, caller: Caller) -> int:
    row = connection.execute(
        "INSERT INTO phone_claim (worker_id, phone, state, roster_phone, opened_at) VALUES (%s, %s, 'open', %s, %s) "
        "RETURNING id",
        (worker_id, caller.phone, roster_phone, caller.now),
    ).fetchone()
    if row is None:
        raise LookupError("an INSERT without conflict clause gives its row")
    audit.record(connection, caller.now, "system", "claim.open", f"worker:{worker_id}")
    return int(row[0])


def _tell_roster_number(
    connection: psycopg.Connection[Any],
    terms: Terms,
    act: ProveByNik,
    caller: Caller,
    natural_key: str,
    worker_id: int,
    roster_phone: str,
    language: str,
) -> None:
    notices = dict(act.notices)
    body = (notices.get(language) or act.notices[0][1]).replace("{stranger}", mask_phone(caller.phone))
    draft = outbox.Draft(
        natural_key=natural_key,
        kind="claim",
        lane=outbox.Lane.REPLY,
        gateway=terms.sms_gateway,
        phone=roster_phone,
        language=language,
        body=body,
        worker_id=worker_id,
    )
    outbox.write(connection, draft, caller.now)


def _has_been_silent(
    connection: psycopg.Connection[Any], claim_id: int, roster_phone: str | None, now: datetime
) -> bool:
    """Whether the roster's number was told at least 24 hours ago: a notice that no gateway took tells nobody."""
    row = connection.execute(
        "SELECT state IN ('accepted', 'delivered') AND settled_at <= %s FROM message "
        "WHERE phone = %s AND kind = 'claim' AND split_part(natural_key, ':', 2) = %s ORDER BY id DESC LIMIT 1",
        (now - SILENCE, roster_phone, str(claim_id)),
    ).fetchone()
    return bool(row and row[0])


def accept(connection: psycopg.Connection[Any], claim_id: int, now: datetime, *, actor: str) -> None:
    """Make the claimed number the worker's own. Safe to repeat."""
    row = connection.execute(
        "UPDATE phone_claim SET state = 'accepted', settled_at = %s, settled_by = %s "
        "WHERE id = %s AND state = 'open' RETURNING worker_id, phone",
        (now, actor, claim_id),
    ).fetchone()
    if row is not None:
        connection.execute("UPDATE worker SET phone = %s, updated_at = %s WHERE id = %s", (row[1], now, row[0]))
        audit.record(connection, now, actor, "claim.accept", f"worker:{row[0]}")


def reject(connection: psycopg.Connection[Any], claim_id: int, now: datetime, *, actor: str) -> None:
    """Shut the claimed number out for good. Safe to repeat."""
    row = connection.execute(
        "UPDATE phone_claim SET state = 'rejected', settled_at = %s, settled_by = %s "
        "WHERE id = %s AND state = 'open' RETURNING worker_id",
        (now, actor, claim_id),
    ).fetchone()
    if row is not None:
        connection.execute(_BOOKED_FOR_THE_ROSTER, ([claim_id],))
        audit.record(connection, now, actor, "claim.reject", f"worker:{row[0]}")


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A claim that waits: for the silence of the roster's number, or for an officer."""

    id: int
    worker: str
    district_code: str
    phone: str
    roster_phone: str | None
    opened_at: datetime


def open_claims(database: Database) -> list[OpenClaim]:
    """The claims that wait, oldest first."""
    rows = database.rows(
        "SELECT c.id, w.name, w.district_code, c.phone, c.roster_phone, c.opened_at "
        "FROM phone_claim c JOIN worker w ON w.id = c.worker_id WHERE c.state = 'open' ORDER BY c.opened_at, c.id"
    )
    return [OpenClaim(*row) for row in rows]


def decide(database: Database, claim_id: int, *, approve: bool, now: datetime, actor: str) -> bool:
    """An officer's decision on an open claim. False: there is no such open claim."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT 1 FROM phone_claim WHERE id = %s AND state = 'open' FOR UPDATE", (claim_id,)
        ).fetchone()
        if row is None:
            return False
        settle = accept if approve else reject
        settle(connection, claim_id, now, actor=actor)
        return True


def object_to_claims(database: Database, _act: ObjectToClaim, caller: Caller) -> object:
    """TOLAK: reject every open claim on a worker of this number. One that silence has accepted is an officer's to undo."""
    with database.transaction() as connection:
        rows = connection.execute(
            "UPDATE phone_claim SET state = 'rejected', settled_at = %s, settled_by = 'roster number' "
            "WHERE roster_phone = %s AND state = 'open' RETURNING id, worker_id",
            (caller.now, caller.phone),
        ).fetchall()
        connection.execute(_BOOKED_FOR_THE_ROSTER, ([row[0] for row in rows],))
        for _, worker_id in rows:
            audit.record(connection, caller.now, "roster number", "claim.reject", f"worker:{worker_id}")
        if rows:
            return Done()
        late = connection.execute(_TOLD_TOO_LONG_AGO, (caller.phone,)).fetchone()
        return TooLate() if late else NothingToDo()


def leave_enquiry(database: Database, vault: Vault, act: LeaveEnquiry, caller: Caller) -> object:
    """Keep the data of somebody who is not found, once per number and NIK."""
    nik = _open_nik(vault, act.sealed_nik)
    row = database.row(
        "INSERT INTO enquiry (phone, nik_hash, nik_sealed, district_code, created_at) "
        "SELECT %(phone)s, %(hash)s, %(sealed)s, (SELECT code FROM district WHERE code = %(district)s), %(now)s "
        "WHERE NOT EXISTS (SELECT 1 FROM enquiry WHERE phone = %(phone)s AND nik_hash = ANY(%(hashes)s)) "
        "ON CONFLICT (phone, nik_hash) DO NOTHING RETURNING id",
        {
            "phone": caller.phone,
            "hash": vault.hash(nik),
            "hashes": vault.hashes(nik),
            "sealed": vault.seal(nik, _NIK),
            "district": nik[:4],
            "now": caller.now,
        },
    )
    return Done() if row else NothingToDo()
