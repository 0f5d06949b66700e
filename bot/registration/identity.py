"""Who is calling: the roster's number, then a birth date; from strange numbers NIK and birth date together.

The usual way (somebody types their own birth date) is one statement, the greeting's (``expected``). Wrong answers are counted
in a transaction of their own (``guards``), apart for numbers and, for strange numbers, for NIKs, listed or not: so nothing
that a stranger does locks the roster's own number, and an unlisted NIK behaves in every way as a listed one with a wrong
birth date.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.conversation.driver import Caller
from bot.crypto import Vault
from bot.db.database import Database
from bot.db.prepared import LAZILY, Prepared
from bot.registration import expected
from bot.registration.acts import (
    Access,
    Ambiguous,
    Closed,
    KnownCaller,
    Locked,
    Person,
    ProveByPhone,
    Proven,
    StrangeCaller,
)
from bot.registration.closing import CLOSES_AT
from bot.registration.guards import PHONE, Guard, count_wrong
from bot.registration.people import PERSON, PERSON_FROM
from bot.registration.terms import Terms
from bot.text import mask_name

# The worker as the next screen shows them, if they prove themselves: see ``expected``. OFFSET 0 as in ``people``.
_GREET = Prepared(f"""
SELECT w.id, w.name, w.language, g.kind IS NOT NULL, g.locked_until, one.closes_at, w.birth_date, w.facility_id,
       w.confirmed_at IS NOT NULL, sc.outcome, d.code, d.name, EXISTS (
           SELECT 1 FROM booking b WHERE b.worker_id = w.id AND b.dose = 1 AND b.state IN ('booked', 'attended'))
FROM (SELECT {CLOSES_AT} AS closes_at) AS one
LEFT JOIN identity_guard g ON g.kind = 'phone' AND g.subject = %(phone)s
LEFT JOIN worker w ON w.phone = %(phone)s
LEFT JOIN LATERAL (SELECT code, name FROM district WHERE code = coalesce(w.domicile_code, w.district_code) OFFSET 0) d
    ON true
LEFT JOIN screening sc ON sc.worker_id = w.id
""")

# What somebody may still do after the end of registration, for those who dial then: it is not asked of the others. Who is told
# at once that it is over gives no turn to note.
_AFTER_THE_END = f"""
WITH started AS (
    UPDATE worker SET started_at = %(now)s
    WHERE id = (SELECT min(id) FROM worker WHERE phone = %(phone)s HAVING count(*) = 1) AND started_at IS NULL AND {LAZILY}
)
SELECT EXISTS (SELECT 1 FROM worker w JOIN booking b ON b.worker_id = w.id
               WHERE w.phone = %(phone)s AND b.state IN ('booked', 'attended')),
       EXISTS (SELECT 1 FROM phone_claim WHERE phone = %(phone)s)
"""

# verified_at is set only where exactly one worker fits: else nothing is proven.
_PROVE = Prepared(f"""
WITH mine AS (
    SELECT w.*, g.kind IS NOT NULL AS guarded
    FROM worker w LEFT JOIN identity_guard g ON g.kind = 'phone' AND g.subject = %(phone)s
    WHERE w.phone = %(phone)s AND w.birth_date = %(birth_date)s AND (g.locked_until > %(now)s) IS NOT TRUE
), verified AS (
    UPDATE worker SET verified_at = %(now)s, started_at = coalesce(started_at, %(now)s)
    WHERE id = (SELECT min(id) FROM mine HAVING count(*) = 1) AND verified_at IS NULL AND {LAZILY}
)
SELECT {PERSON}, w.guarded FROM {PERSON_FROM.replace("worker w", "mine w")}
""")

# Only where nobody else has the number: else one of those who share it could guess at the others' birth dates without an
# end, with their own in between.
_FORGIVE = f"""
DELETE FROM identity_guard WHERE kind = 'phone' AND subject = %(phone)s AND {LAZILY}
AND (SELECT count(*) FROM worker WHERE phone = %(phone)s) = 1
"""


def greet(database: Database, vault: Vault, terms: Terms, caller: Caller) -> object:
    """Who is on the roster under this number. That they have talked to us is told by the turns (``hops``)."""
    rows = database.said(_GREET, {"phone": caller.phone})
    first, name, language, guarded, locked_until, closes_at, *_ = rows[0]
    if locked_until is not None and locked_until > caller.now:
        return Locked(locked_until, terms.time_zone.key)
    if closes_at is not None and caller.now >= closes_at:
        booked, has_claim = database.rows(_AFTER_THE_END, {"phone": caller.phone, "now": caller.now})[0]
        if not booked and (first is not None or not has_claim):
            return Closed()
    if first is None:
        return StrangeCaller(wrong=0)
    if len(rows) > 1:
        return KnownCaller("", True, min(row[2] for row in rows), wrong=0)
    usual = not guarded and expected.holds(caller.now, closes_at)
    kept = _expected_of(vault, terms, rows[0], caller) if usual else ""
    return KnownCaller(mask_name(name), False, language, wrong=0, worker_id=first, expected=kept)


def _expected_of(vault: Vault, terms: Terms, row: Sequence[Any], caller: Caller) -> str:
    worker_id, name, language, _, _, _, birth_date, facility_id, confirmed, outcome, code, district, booked = row
    if booked:
        return ""
    person = Person(
        worker_id=worker_id,
        name=name,
        district_code=code,
        district=district,
        facility_id=facility_id,
        language=language,
        access=Access.FULL,
        confirmed=confirmed,
        screened_out=outcome == "deferred",
        fit=outcome == "fit",
        age_fits=terms.age_fits(birth_date, caller.now),
        booked=None,
        closed=False,
    )
    return expected.keep(vault, person, birth_date, caller)


def prove_by_phone(database: Database, vault: Vault, terms: Terms, act: ProveByPhone, caller: Caller) -> object:
    """Prove the caller by a birth date; several workers may share the number."""
    person = expected.proven(vault, act.expected, act.birth_date, caller)
    if person is not None:
        return Proven(person)
    parameters = {"phone": caller.phone, "birth_date": act.birth_date, "now": caller.now}
    rows = database.said(_PROVE, parameters)
    if len(rows) > 1:
        return Ambiguous()
    if rows:
        if rows[0][-1]:
            database.rows(_FORGIVE, {"phone": caller.phone})
        return Proven(terms.person(rows[0], access=Access.FULL, now=caller.now))
    with database.connection() as connection:
        known = connection.execute("SELECT 1 FROM worker WHERE phone = %s LIMIT 1", (caller.phone,)).fetchone()
        if known is None:
            return StrangeCaller(wrong=0)
        with connection.transaction():
            return count_wrong(connection, terms, caller, [Guard(PHONE, caller.phone)])
