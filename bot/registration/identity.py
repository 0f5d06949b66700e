"""Who is calling: the roster's number, then a birth date; from strange numbers NIK and birth date together.

The usual way (somebody types their own birth date) is one statement. Wrong answers are counted in a transaction of their
own, apart for numbers and, for strange numbers, for NIKs, listed or not: so nothing that a stranger does locks the
roster's own number, and an unlisted NIK behaves in every way as a listed one with a wrong birth date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.db import audit
from bot.db.database import Database
from bot.phone import mask_phone
from bot.registration.acts import (
    Access,
    Ambiguous,
    Closed,
    GreetCaller,
    KnownCaller,
    Locked,
    ProveByPhone,
    Proven,
    StrangeCaller,
    Wrong,
)
from bot.registration.closing import CLOSES_AT
from bot.registration.people import PERSON, PERSON_FROM
from bot.registration.terms import Terms
from bot.text import mask_name

MOST_WRONG = 5
LOCK = timedelta(hours=1)
#: Wrong answers older than this are forgotten.
FORGET = timedelta(hours=24)

_GREET = f"""
WITH touched AS (
    UPDATE worker SET started_at = %(now)s
    WHERE id = (SELECT min(id) FROM worker WHERE phone = %(phone)s HAVING count(*) = 1) AND started_at IS NULL
)
SELECT w.id, w.name, w.language, one.locked_until, one.closes_at
FROM (SELECT (SELECT locked_until FROM identity_guard WHERE kind = 'phone' AND subject = %(phone)s) AS locked_until,
             {CLOSES_AT} AS closes_at) AS one
LEFT JOIN worker w ON w.phone = %(phone)s
"""

# What somebody may still do after the end of registration, for those who dial then: it is not asked of the others.
_AFTER_THE_END = """
SELECT EXISTS (SELECT 1 FROM worker w JOIN booking b ON b.worker_id = w.id
               WHERE w.phone = %(phone)s AND b.state IN ('booked', 'attended')),
       EXISTS (SELECT 1 FROM phone_claim WHERE phone = %(phone)s)
"""

# verified_at is set only where exactly one worker fits: else nothing is proven.
_PROVE = f"""
WITH mine AS (
    SELECT w.*, g.kind IS NOT NULL AS guarded
    FROM worker w LEFT JOIN identity_guard g ON g.kind = 'phone' AND g.subject = %(phone)s
    WHERE w.phone = %(phone)s AND w.birth_date = %(birth_date)s AND (g.locked_until > %(now)s) IS NOT TRUE
), verified AS (
    UPDATE worker SET verified_at = %(now)s, started_at = coalesce(started_at, %(now)s)
    WHERE id = (SELECT min(id) FROM mine HAVING count(*) = 1) AND verified_at IS NULL
)
SELECT {PERSON}, w.guarded FROM {PERSON_FROM.replace("worker w", "mine w")}
"""

_COUNT_WRONG = """
INSERT INTO identity_guard AS g (kind, subject, failures, last_failure_at, last_hop)
VALUES (%(kind)s, %(subject)s, 1, %(now)s, %(hop)s)
ON CONFLICT (kind, subject) DO UPDATE SET
    failures = CASE
        WHEN g.locked_until <= %(now)s OR g.last_failure_at < %(forget)s THEN 1
        WHEN g.last_hop = EXCLUDED.last_hop THEN g.failures
        ELSE g.failures + 1 END,
    locked_until = CASE WHEN g.locked_until <= %(now)s THEN NULL ELSE g.locked_until END,
    last_failure_at = EXCLUDED.last_failure_at, last_hop = EXCLUDED.last_hop
RETURNING failures, locked_until
"""


@dataclass(frozen=True, slots=True)
class Guard:
    """Whose wrong answers are counted: a number ("phone"), or a NIK by its hash ("nik")."""

    kind: str
    subject: str


def greet(database: Database, terms: Terms, _act: GreetCaller, caller: Caller) -> object:
    """Who is on the roster under this number."""
    rows = database.rows(_GREET, {"phone": caller.phone, "now": caller.now}, lazy=True)
    first, name, language, locked_until, closes_at = rows[0]
    if locked_until is not None and locked_until > caller.now:
        return Locked(locked_until, terms.time_zone.key)
    if closes_at is not None and caller.now >= closes_at:
        booked, has_claim = database.rows(_AFTER_THE_END, {"phone": caller.phone})[0]
        if not booked and (first is not None or not has_claim):
            return Closed()
    if first is None:
        return StrangeCaller(wrong=0)
    if len(rows) > 1:
        return KnownCaller("", True, min(row[2] for row in rows), wrong=0)
    return KnownCaller(mask_name(name), False, language, wrong=0, worker_id=first)


def prove_by_phone(database: Database, terms: Terms, act: ProveByPhone, caller: Caller) -> object:
    """Prove the caller by a birth date; several workers may share the number."""
    parameters = {"phone": caller.phone, "birth_date": act.birth_date, "now": caller.now}
    rows = database.rows(_PROVE, parameters, lazy=True)
    if len(rows) > 1:
        return Ambiguous()
    if rows:
        if rows[0][-1]:
            database.rows(
                "DELETE FROM identity_guard WHERE kind = 'phone' AND subject = %s", (caller.phone,), lazy=True
            )
        return Proven(terms.person(rows[0], access=Access.FULL, now=caller.now))
    with database.connection() as connection:
        known = connection.execute("SELECT 1 FROM worker WHERE phone = %s LIMIT 1", (caller.phone,)).fetchone()
        if known is None:
            return StrangeCaller(wrong=0)
        with connection.transaction():
            return count_wrong(connection, terms, caller, [Guard("phone", caller.phone)])


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
    """Count a wrong answer on every guard, once per hop; the fifth locks for an hour and goes to the audit log."""
    locked = locked_until(connection, guards, caller.now)
    if locked is not None:
        return Locked(locked, terms.time_zone.key)
    worst = 0
    for guard in guards:
        row = connection.execute(
            _COUNT_WRONG,
            {
                "kind": guard.kind,
                "subject": guard.subject,
                "now": caller.now,
                "hop": caller.hop,
                "forget": caller.now - FORGET,
            },
        ).fetchone()
        failures = int(row[0]) if row else 0
        worst = max(worst, failures)
        if failures >= MOST_WRONG:
            connection.execute(
                "UPDATE identity_guard SET locked_until = %s WHERE kind = %s AND subject = %s",
                (caller.now + LOCK, guard.kind, guard.subject),
            )
            shown = mask_phone(guard.subject) if guard.kind == "phone" else guard.subject[:12]
            audit.record(connection, caller.now, "system", "identity.lock", f"{guard.kind}:{shown}")
    if worst >= MOST_WRONG:
        return Locked(caller.now + LOCK, terms.time_zone.key)
    return Wrong(MOST_WRONG - worst)
