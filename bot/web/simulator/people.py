"""The made-up workers of a sample roster, with everything that playing them needs.

Only of a sample: whole NIKs and birth dates of real people are nobody's to read here, so a roster into which a file was
imported shows nothing, whatever else it holds.
"""

from __future__ import annotations

import enum
import re
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from bot.crypto import Vault
from bot.db.database import Database
from bot.registration.people import age_on
from bot.registration.sealed_nik import open_nik

#: Workers shown at a time.
MOST_PEOPLE: Final = 20
_LONGEST_QUERY: Final = 60
#: No Indonesian operator has this prefix, so that a message to a made-up number reaches nobody.
_NOBODYS_PREFIX: Final = "+62836"


class Roster(enum.StrEnum):
    """Whom the roster holds."""

    EMPTY = "empty"
    SAMPLE = "sample"
    REAL = "real"


class Trait(enum.StrEnum):
    """What makes a worker worth trying."""

    NO_PHONE = "no-phone"
    SHARED_PHONE = "shared-phone"
    OUTSIDE_AGES = "outside-ages"


@dataclass(frozen=True, slots=True)
class MadeUpWorker:
    """A worker of the sample, nothing masked. ``state`` is one of CONTRACT's states of a worker."""

    name: str
    nik: str
    birth_date: date
    age: int
    phone: str | None
    district: str
    facility: str | None
    state: str
    traits: tuple[Trait, ...]


_ROSTER = """
SELECT EXISTS (SELECT FROM worker),
       EXISTS (SELECT FROM audit WHERE action = 'sample.load'),
       EXISTS (SELECT FROM audit WHERE action = 'roster.import')
"""


def roster_of(database: Database) -> Roster:
    """Whom the roster holds: a sample only if nothing but samples was ever loaded; raises ``DatabaseAway``."""
    row = database.row(_ROSTER)
    anybody, sample, imported = row if row is not None else (False, False, False)
    if not anybody:
        return Roster.EMPTY
    return Roster.SAMPLE if sample and not imported else Roster.REAL


_SHARED = "EXISTS (SELECT FROM worker o WHERE o.phone = w.phone AND o.id <> w.id)"
_SHOWN = f"""
SELECT w.name, w.nik_sealed, w.birth_date, w.phone, d.name, f.name, st.state, {_SHARED}
FROM chosen
JOIN worker w USING (id)
JOIN worker_state st ON st.worker_id = w.id
JOIN district d ON d.code = w.district_code
LEFT JOIN facility f ON f.id = w.facility_id
ORDER BY chosen.place, w.id
"""

#: One worker of each kind first, then ordinary ones: on the list, with a phone of their own, not registered yet.
_FIRST = f"""
WITH ordinary AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM worker w
    WHERE phone IS NOT NULL AND birth_date BETWEEN %(eldest)s AND %(youngest)s AND NOT {_SHARED}
      AND NOT EXISTS (SELECT FROM booking b WHERE b.worker_id = w.id)
      AND NOT EXISTS (SELECT FROM screening s WHERE s.worker_id = w.id)
    ORDER BY id LIMIT %(most)s),
sharing AS (
    SELECT id FROM worker WHERE phone = (SELECT phone FROM worker w WHERE {_SHARED} ORDER BY id LIMIT 1)
    ORDER BY id LIMIT 2),
outside AS (
    SELECT id FROM worker WHERE birth_date NOT BETWEEN %(eldest)s AND %(youngest)s ORDER BY id LIMIT 1),
without AS (SELECT id FROM worker WHERE phone IS NULL ORDER BY id LIMIT 1),
registered AS (SELECT worker_id AS id FROM booking WHERE state = 'booked' ORDER BY id DESC LIMIT 1),
every AS (
    SELECT id, CASE WHEN number = 1 THEN 1 ELSE 6 END AS place FROM ordinary
    UNION ALL SELECT id, 2 FROM registered
    UNION ALL SELECT id, 3 FROM without
    UNION ALL SELECT id, 4 FROM sharing
    UNION ALL SELECT id, 5 FROM outside),
chosen AS (SELECT id, min(place) AS place FROM every GROUP BY id ORDER BY place, id LIMIT %(most)s)
{_SHOWN}
"""

# Nothing but the phone is looked at for a number, and districts are compared once each: half a million workers have to
# be walked through within the time that a page's statement may take.
_WITH_NUMBER = f"""
WITH chosen AS (SELECT id, 0 AS place FROM worker WHERE phone LIKE %(number)s ORDER BY id LIMIT %(most)s)
{_SHOWN}
"""

_WITH_WORDS = f"""
WITH chosen AS (
    SELECT id, 0 AS place FROM worker
    WHERE name ILIKE %(words)s OR district_code IN (SELECT code FROM district WHERE name ILIKE %(words)s)
    ORDER BY id LIMIT %(most)s)
{_SHOWN}
"""


@dataclass(frozen=True, slots=True)
class Cast:
    """Finds workers to play. ``ages``: those that are vaccinated, the first and the last one included."""

    database: Database
    vault: Vault
    ages: tuple[int, int]

    def first(self, today: date) -> list[MadeUpWorker]:
        """One worker of every kind, then ordinary ones; raises ``DatabaseAway``."""
        youngest, eldest = _birthday(today, self.ages[0]), _birthday(today, self.ages[1] + 1) + timedelta(days=1)
        rows = self.database.rows(_FIRST, {"youngest": youngest, "eldest": eldest, "most": MOST_PEOPLE})
        return [self._worker(row, today) for row in rows]

    def found(self, query: str, today: date) -> list[MadeUpWorker]:
        """Workers whose name, district or phone holds ``query``, in any case; raises ``DatabaseAway``."""
        # PostgreSQL has no NUL, and nobody's name holds what cannot be printed.
        words = "".join(filter(str.isprintable, query[:_LONGEST_QUERY])).strip()
        digits = re.sub(r"[^0-9]", "", words)
        if len(digits) >= 3 and not re.search(r"[^0-9+ ().-]", words):
            number = re.sub("^(0|62)", "", digits)
            rows = self.database.rows(_WITH_NUMBER, {"number": f"%{number}%", "most": MOST_PEOPLE})
        else:
            pattern = "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"
            rows = self.database.rows(_WITH_WORDS, {"words": pattern, "most": MOST_PEOPLE})
        return [self._worker(row, today) for row in rows]

    def _worker(self, row: Any, today: date) -> MadeUpWorker:
        name, sealed, birth_date, phone, district, facility, state, shared = row
        age = age_on(birth_date, today)
        traits = {
            Trait.NO_PHONE: phone is None,
            Trait.SHARED_PHONE: shared,
            Trait.OUTSIDE_AGES: not self.ages[0] <= age <= self.ages[1],
        }
        return MadeUpWorker(
            name=name,
            nik=open_nik(self.vault, sealed),
            birth_date=birth_date,
            age=age,
            phone=phone,
            district=district,
            facility=facility,
            state=state,
            traits=tuple(trait for trait, holds in traits.items() if holds),
        )


def is_listed(database: Database, phone: str) -> bool:
    """Whether somebody on the roster has this number; raises ``DatabaseAway``."""
    return bool(database.value("SELECT EXISTS (SELECT FROM worker WHERE phone = %s)", (phone,)))


def strange_number(database: Database) -> str:
    """A made-up number that nobody on the roster has; raises ``DatabaseAway``."""
    while is_listed(database, number := f"{_NOBODYS_PREFIX}{secrets.randbelow(10**8):08}"):
        pass
    return number


def _birthday(today: date, age: int) -> date:
    """The birth date of somebody who becomes ``age`` today."""
    try:
        return today.replace(year=today.year - age)
    except ValueError:  # 29 February
        return date(today.year - age, 2, 28)
