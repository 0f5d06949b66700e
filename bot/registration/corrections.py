"""What officers put right about a worker: number, language, invitations, locks, claims; and reading a whole NIK.

Each is one transaction with its line in the audit log, which holds nothing personal, and raises ``OutOfReach`` for
somebody whom the officer does not see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.messaging.optouts import REGISTER
from bot.registration import claims
from bot.registration.officer import Officer, OutOfReach, lock_in_reach, subject
from bot.registration.sealed_nik import open_nik

#: Characters of a reason, at least and at most.
SHORTEST_REASON: Final = 5
LONGEST_REASON: Final = 200
#: More digits than any reason has: a NIK, a phone number.
_PERSONAL: Final = re.compile(r"(?:[0-9][ .-]?){8}")


class BadReason(ValueError):
    """A reason that says nothing, or holds somebody's number."""


@dataclass(frozen=True, slots=True)
class NumberChanged:
    """The number is the worker's now.

    ``barred``: the numbers that could act for them before. ``declined``: how many of those had an open claim.
    ``others``: how many more on the list have the number.
    """

    barred: tuple[str, ...]
    declined: int
    others: int


@dataclass(frozen=True, slots=True)
class SameNumber:
    """The worker had that number. ``was_wrong``: it counted as one that reaches nobody, and does no more."""

    was_wrong: bool


# What an import compares with: the number that the file has, which may be that of a claim or correction before.
_ROSTER_PHONE = """
SELECT CASE WHEN c.id IS NULL THEN w.phone ELSE c.roster_phone END
FROM worker w LEFT JOIN phone_claim c ON c.worker_id = w.id AND c.phone = w.phone AND c.state = 'accepted'
WHERE w.id = %(worker)s
"""

_OTHERS_OUT = """
UPDATE phone_claim SET state = 'rejected', settled_at = %(now)s, settled_by = %(actor)s
FROM (SELECT id, state AS before FROM phone_claim WHERE worker_id = %(worker)s AND phone <> %(phone)s
      AND state <> 'rejected' FOR UPDATE) AS other
WHERE phone_claim.id = other.id RETURNING other.before, phone_claim.phone
"""

_OWN = """
INSERT INTO phone_claim (worker_id, phone, state, roster_phone, opened_at, settled_at, settled_by)
VALUES (%(worker)s, %(phone)s, 'accepted', %(roster)s, %(now)s, %(now)s, %(actor)s)
ON CONFLICT (worker_id, phone) DO UPDATE
    SET state = 'accepted', roster_phone = EXCLUDED.roster_phone, settled_at = EXCLUDED.settled_at,
        settled_by = EXCLUDED.settled_by
"""


def change_number(
    database: Database, worker_id: int, phone: str, officer: Officer, now: datetime
) -> NumberChanged | SameNumber:
    """Make ``phone`` (E.164) the worker's number, and count it as one that reaches them.

    It is kept as an accepted claim, so that importing the old file again does not undo it. Every other number loses what
    it could do for the worker; the place that is booked goes with the new one. What blasts could not deliver to the old
    number, the clock sends once more to the new one.
    """
    with database.transaction() as connection:
        [old] = lock_in_reach(connection, officer, worker_id, "w.phone")
        wrong = connection.execute("DELETE FROM wrong_number WHERE phone = %s", (phone,)).rowcount > 0
        if old == phone:
            if wrong:
                audit.record(connection, now, officer.name, "person.number-right", subject(worker_id))
            return SameNumber(wrong)
        changed = _give_number(connection, worker_id, old, phone, officer, now)
        detail = {"others": changed.others, "claims_declined": changed.declined}
        audit.record(connection, now, officer.name, "person.number", subject(worker_id), detail)
        return changed


def _give_number(
    connection: psycopg.Connection[Any], worker_id: int, old: str | None, phone: str, officer: Officer, now: datetime
) -> NumberChanged:
    values: dict[str, object] = {
        "worker": worker_id,
        "phone": phone,
        "old": old,
        "now": now,
        "actor": officer.name,
    }
    roster = connection.execute(_ROSTER_PHONE.encode(), values).fetchone()
    before = connection.execute(_OTHERS_OUT.encode(), values).fetchall()
    connection.execute(_OWN.encode(), {**values, "roster": None if roster is None else roster[0]})
    connection.execute("UPDATE worker SET phone = %(phone)s, updated_at = %(now)s WHERE id = %(worker)s", values)
    connection.execute(
        "UPDATE booking SET phone = %(phone)s WHERE worker_id = %(worker)s AND state IN ('held', 'booked')", values
    )
    others = connection.execute(
        "SELECT count(*) FROM worker WHERE phone = %(phone)s AND id <> %(worker)s", values
    ).fetchone()
    barred = {number for _, number in before} | ({old} if old is not None else set())
    declined = sum(state == "open" for state, _ in before)
    return NumberChanged(tuple(sorted(barred)), declined, 0 if others is None else int(others[0]))


def check_there(database: Database, worker_id: int, officer: Officer) -> None:
    """Raise ``OutOfReach`` for somebody whom the officer does not see."""
    with database.transaction() as connection:
        lock_in_reach(connection, officer, worker_id, "1")


def set_language(database: Database, worker_id: int, language: str, officer: Officer, now: datetime) -> bool:
    """Write to the worker in a language from now on. False: that is what is done already."""
    with database.transaction() as connection:
        [before] = lock_in_reach(connection, officer, worker_id, "w.language")
        if before == language:
            return False
        connection.execute("UPDATE worker SET language = %s WHERE id = %s", (language, worker_id))
        audit.record(connection, now, officer.name, "person.language", subject(worker_id), {"language": language})
        return True


def set_opted_out(database: Database, worker_id: int, officer: Officer, now: datetime, *, opted_out: bool) -> bool:
    """Put the worker's number on the register of those that want no invitations, or take it off. False: it was so."""
    with database.transaction() as connection:
        [phone] = lock_in_reach(connection, officer, worker_id, "w.phone")
        if opted_out:
            written = phone is not None and connection.execute(REGISTER, (phone, "officer", now)).rowcount > 0
        else:
            written = connection.execute("DELETE FROM opt_out WHERE phone = %s", (phone,)).rowcount > 0
        if written:
            action = "person.opt-out" if opted_out else "person.opt-in"
            audit.record(connection, now, officer.name, action, subject(worker_id))
        return written


def unlock(database: Database, vault: Vault, worker_id: int, officer: Officer, now: datetime) -> bool:
    """Forget the wrong answers that were counted against the worker's number and NIK. False: there were none."""
    with database.transaction() as connection:
        phone, nik_hash, sealed = lock_in_reach(connection, officer, worker_id, "w.phone, w.nik_hash, w.nik_sealed")
        nik = open_nik(vault, sealed)
        hashes = {bytes(nik_hash), *(vault.hashes(nik) if nik else ())}
        gone = connection.execute(
            "DELETE FROM identity_guard WHERE (kind = 'phone' AND subject = %s) OR (kind = 'nik' AND subject = ANY(%s))",
            (phone, [each.hex() for each in hashes]),
        )
        if gone.rowcount > 0:
            audit.record(connection, now, officer.name, "identity.unlock", subject(worker_id))
        return gone.rowcount > 0


def decide_claim(
    database: Database, worker_id: int, claim_id: int, officer: Officer, now: datetime, *, approve: bool
) -> tuple[str, str | None] | None:
    """Settle an open claim on the worker: (the claimed number, the worker's before). None: it is settled already."""
    with database.transaction() as connection:
        [old] = lock_in_reach(connection, officer, worker_id, "w.phone")
        row = connection.execute(
            "SELECT phone, state FROM phone_claim WHERE id = %s AND worker_id = %s FOR UPDATE", (claim_id, worker_id)
        ).fetchone()
        if row is None:
            raise OutOfReach(str(claim_id))
        if row[1] != "open":
            return None
        settle = claims.accept if approve else claims.reject
        settle(connection, claim_id, now, actor=officer.name)
        return row[0], old


def checked_reason(text: str) -> str:
    """A reason as the audit log keeps it; raises ``BadReason``."""
    reason = " ".join(text.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON or _PERSONAL.search(reason):
        raise BadReason
    return reason


def reveal_nik(database: Database, vault: Vault, worker_id: int, reason: str, officer: Officer, now: datetime) -> str:
    """The whole NIK ("" where it is not kept any more), for a reason that goes to the audit log; raises ``BadReason``."""
    reason = checked_reason(reason)
    with database.transaction() as connection:
        [sealed] = lock_in_reach(connection, officer, worker_id, "w.nik_sealed")
        audit.record(connection, now, officer.name, "nik.reveal", subject(worker_id), {"reason": reason})
    return open_nik(vault, sealed)
