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
WITH own AS (
    SELECT w.id, w.name, w.language, w.started_at,
           EXISTS (SELECT 1 FROM booking b WHERE b.worker_id = w.id AND b.state IN ('booked', 'attended')) AS booked
    FROM worker w WHERE w.phone = %(phone)s
), touched AS (
    UPDATE worker SET started_at = %(now)s
    WHERE id = (SELECT id FROM own) AND started_at IS NULL AND (SELECT count(*) FROM own) = 1
)
SELECT (SELECT count(*) FROM own), (SELECT min(name) FROM own), (SELECT min(language) FROM own),
       (SELECT bool_or(booked) FROM own), g.locked_until, EXISTS (SELECT 1 FROM phone_claim WHERE phone = %(phone)s),
       {CLOSES_AT}
FROM (VALUES (1)) AS one
LEFT JOIN identity_guard g ON g.kind = 'phone' AND g.subject = %(phone)s
"""

# A guard row is deleted, and verified_at set, only where exactly one worker fits: else nothing is proven.
_PROVE = f"""
WITH mine AS (
    SELECT w.id FROM worker w
    WHERE w.phone = %(phone)s AND w.birth_date = %(birth_date)s
      AND NOT EXISTS (SELECT 1 FROM identity_guard
                      WHERE kind = 'phone' AND subject = %(phone)s AND locked_until > %(now)s)
), one AS (
    SELECT min(id) AS id FROM mine HAVING count(*) = 1
), verified AS (
    UPDATE worker SET verified_at = %(now)s, started_at = coalesce(started_at, %(now)s)
    WHERE id = (SELECT id FROM one) AND verified_at IS NULL
), cleared AS (
    DELETE FROM identity_guard
    WHERE kind = 'phone' AND subject = %(phone)s AND EXISTS (SELECT 1 FROM one)
)
SELECT {PERSON} FROM {PERSON_FROM} WHERE w.id IN (SELECT id FROM mine)
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
    row = database.row(_GREET, {"phone": caller.phone, "now": caller.now}, lazy=True)
    if row is None:
        raise LookupError("the greeting's statement gives one row")
    count, name, language, booked, locked_until, has_claim, closes_at = row
    if locked_until is not None and locked_until > caller.now:
        return Locked(locked_until, terms.time_zone.key)
    over = closes_at is not None and caller.now >= closes_at
    if count == 0:
        return Closed() if over and not has_claim else StrangeCaller(wrong=0)
    if over and not booked:
        return Closed()
    several = count > 1
    return KnownCaller("" if several else mask_name(name), several, language, wrong=0)


def prove_by_phone(database: Database, terms: Terms, act: ProveByPhone, caller: Caller) -> object:
    """Prove the caller by a birth date; several workers may share the number."""
    parameters = {"phone": caller.phone, "birth_date": act.birth_date, "now": caller.now}
    rows = database.rows(_PROVE, parameters, lazy=True)
    if len(rows) > 1:
        return Ambiguous()
    if rows:
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
