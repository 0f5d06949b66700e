"""Wrong answers: counted, and answered by a lock that lasts longer each time.

Counted on a number ("phone"); for strange numbers also on the NIK's hash, listed or not ("nik"), and on the block of ten
thousand numbers that differ in their last four digits ("block"), for whoever guesses buys SIM cards by the dozen. A block
counts only a number's second wrong answer and those after it: people who are not on the list try once, with their own NIK.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from bot.conversation.driver import Caller
from bot.db import audit
from bot.db.database import Database
from bot.metrics import IDENTITY_LOCKS, IDENTITY_WRONG
from bot.phone import mask_phone
from bot.registration.acts import Locked, Wrong
from bot.registration.terms import Terms

PHONE, NIK, BLOCK = "phone", "nik", "block"
KINDS: Final = (PHONE, NIK, BLOCK)

#: Wrong answers that lock a number or a NIK, and a block.
MOST_WRONG: Final = 5
MOST_WRONG_OF_BLOCK: Final = 40
#: How long the first, the second, and each further lock lasts. One that is older than ``REMEMBER`` is forgiven.
LOCKS: Final = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
REMEMBER: Final = timedelta(days=7)
#: Wrong answers are forgotten when the last one, or for a block the first one, is older than this.
FORGET: Final = timedelta(hours=24)
FORGET_OF_BLOCK: Final = timedelta(hours=1)
#: Wrong pairs from strange numbers in an hour that are more than people's own mistakes make in a rush.
MANY_AN_HOUR: Final = 500
_DIGITS_OF_BLOCK: Final = 4

_COUNT_WRONG = """
INSERT INTO identity_guard AS g (kind, subject, failures, counted_since, last_failure_at, last_hop)
VALUES (%(kind)s, %(subject)s, 1, %(now)s, %(now)s, %(hop)s)
ON CONFLICT (kind, subject) DO UPDATE SET
    failures = CASE
        WHEN g.locked_until <= %(now)s OR %(begin)s > (
            CASE WHEN g.kind = 'block' THEN g.counted_since ELSE g.last_failure_at END) THEN 1
        WHEN g.last_hop = EXCLUDED.last_hop THEN g.failures
        ELSE g.failures + 1 END,
    counted_since = CASE
        WHEN g.locked_until <= %(now)s OR g.counted_since IS NULL OR g.counted_since < %(begin)s THEN EXCLUDED.counted_since
        ELSE g.counted_since END,
    locked_until = CASE WHEN g.locked_until <= %(now)s THEN NULL ELSE g.locked_until END,
    last_failure_at = EXCLUDED.last_failure_at, last_hop = EXCLUDED.last_hop
RETURNING failures
"""
_LOCK = """
UPDATE identity_guard SET
    locks = CASE WHEN last_locked_at > %(remember)s THEN locks + 1 ELSE 1 END,
    last_locked_at = %(now)s,
    locked_until = %(now)s + CASE WHEN last_locked_at > %(remember)s
        THEN (%(spans)s::interval[])[least(locks + 1, cardinality(%(spans)s::interval[]))]
        ELSE (%(spans)s::interval[])[1] END
WHERE kind = %(kind)s AND subject = %(subject)s
RETURNING locked_until, locks
"""


@dataclass(frozen=True, slots=True)
class Guard:
    """Whose wrong answers are counted: ``subject`` is a number, a NIK's hash, or what the numbers of a block share."""

    kind: str
    subject: str

    @property
    def most(self) -> int:
        """The wrong answer that locks."""
        return MOST_WRONG_OF_BLOCK if self.kind == BLOCK else MOST_WRONG

    @property
    def forgets(self) -> timedelta:
        """After how long counting begins anew."""
        return FORGET_OF_BLOCK if self.kind == BLOCK else FORGET

    @property
    def shown(self) -> str:
        """As the audit log names it."""
        match self.kind:
            case "phone":
                return f"phone:{mask_phone(self.subject)}"
            case "block":
                return f"block:{self.subject[:6]}***"
            case _:
                return f"{self.kind}:{self.subject[:12]}"


def guards_of_stranger(phone: str, nik_hashes: list[bytes]) -> list[Guard]:
    """Who counts the wrong answers of a strange number; a NIK while its key is replaced by both its hashes."""
    niks = [Guard(NIK, each) for each in sorted(nik_hash.hex() for nik_hash in nik_hashes)]
    return [Guard(PHONE, phone), *niks, Guard(BLOCK, phone[:-_DIGITS_OF_BLOCK])]


def locked_until(connection: psycopg.Connection[Any], guards: list[Guard], now: datetime) -> datetime | None:
    """Until when one of the guards is locked, if any is."""
    row = connection.execute(
        "SELECT max(locked_until) FROM identity_guard "
        "WHERE locked_until > %s AND (kind, subject) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
        (now, [guard.kind for guard in guards], [guard.subject for guard in guards]),
    ).fetchone()
    return row[0] if row else None


def count_wrong(
    connection: psycopg.Connection[Any], terms: Terms, caller: Caller, guards: list[Guard]
) -> Wrong | Locked:
    """Count a wrong answer on every guard, once per hop; one too many locks and goes to the audit log.

    ``guards``: in the order of ``KINDS``, so that no two callers wait for each other.
    """
    locked = locked_until(connection, guards, caller.now)
    if locked is not None:
        return Locked(locked, terms.time_zone.key)
    worst, first_of_number = 0, False
    for guard in guards:
        if guard.kind == BLOCK and first_of_number:
            continue
        failures = _count(connection, guard, caller)
        first_of_number |= guard.kind == PHONE and failures == 1
        if failures >= guard.most:
            until = _lock(connection, guard, caller.now)
            locked = until if locked is None else max(locked, until)
        if guard.kind != BLOCK:
            worst = max(worst, failures)
    IDENTITY_WRONG.labels("own" if len(guards) == 1 else "strange").inc()
    return Wrong(MOST_WRONG - worst) if locked is None else Locked(locked, terms.time_zone.key)


def _count(connection: psycopg.Connection[Any], guard: Guard, caller: Caller) -> int:
    values = {
        "kind": guard.kind,
        "subject": guard.subject,
        "now": caller.now,
        "hop": caller.hop,
        "begin": caller.now - guard.forgets,
    }
    row = connection.execute(_COUNT_WRONG, values).fetchone()
    return int(row[0]) if row else 0


def _lock(connection: psycopg.Connection[Any], guard: Guard, now: datetime) -> datetime:
    values = {
        "kind": guard.kind,
        "subject": guard.subject,
        "now": now,
        "remember": now - REMEMBER,
        "spans": list(LOCKS),
    }
    row = connection.execute(_LOCK, values).fetchone()
    if row is None:
        raise LookupError("a guard that was just counted is there")
    audit.record(connection, now, "system", "identity.lock", guard.shown, {"locks": row[1]})
    IDENTITY_LOCKS.labels(guard.kind).inc()
    until: datetime = row[0]
    return until


@dataclass(frozen=True, slots=True)
class Guessing:
    """How much is being guessed. ``locked``: guards locked now, by kind; ``wrong_pairs``: wrong answers of the last hour
    from strange numbers, about ``niks`` different NIKs."""

    locked: dict[str, int]
    wrong_pairs: int
    niks: int

    @property
    def looks_like_an_attack(self) -> bool:
        """Whether it is more than people's own mistakes."""
        return self.locked.get(BLOCK, 0) > 0 or self.wrong_pairs > MANY_AN_HOUR


def guessing(database: Database, now: datetime) -> Guessing:
    """How much is being guessed at this moment; two looks into indexes."""
    locked = dict.fromkeys(KINDS, 0)
    locked |= dict(
        database.rows("SELECT kind, count(*) FROM identity_guard WHERE locked_until > %s GROUP BY kind", (now,))
    )
    row = database.row(
        "SELECT coalesce(sum(failures), 0)::bigint, count(*) FROM identity_guard WHERE kind = 'nik' AND last_failure_at > %s",
        (now - timedelta(hours=1),),
    )
    wrong_pairs, niks = row if row is not None else (0, 0)
    return Guessing(locked, wrong_pairs, niks)
