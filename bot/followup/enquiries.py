"""Enquiries of people who are not on the list: an officer puts them on the roster, or declines and says why."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import psycopg

from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.followup.enquiry_texts import APPROVED, DECLINED, Decline
from bot.messaging import outbox
from bot.officers.areas import Area
from bot.phone import mask_phone
from bot.registration.nik import Nik
from bot.registration.officer import subject
from bot.registration.people import age_on

PAGE: Final = 50
LONGEST: Final = 100
_NIK: Final = "nik"
#: What somebody who has left no word of their language is told in.
_LANGUAGE: Final = "id"
#: Nobody younger works in health: so much of a birth date's century.
_YOUNGEST: Final = 15


class Settled(enum.Enum):
    """What came of settling."""

    DONE = "done"
    ALREADY = "already"
    LISTED = "listed"
    NO_BIRTH_DATE = "no birth date"
    NO_FACILITY = "no facility"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Enquiry:
    """Somebody who asks. ``nik``: masked; ``age`` is None where the NIK states no date."""

    id: int
    phone: str
    nik: str
    age: int | None
    district: str | None
    created_at: datetime
    outcome: str | None
    settled_at: datetime | None
    settled_by: str | None
    decline_reason: str | None
    district_code: str | None


@dataclass(frozen=True, slots=True)
class Office:
    """Who settles, and how those concerned are told."""

    name: str
    area: Area
    gateway: str
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewWorker:
    """What an officer says of somebody who is put on the roster. ``birth_date``: where the NIK's is not right."""

    name: str
    facility_id: int
    profession: str
    birth_date: date | None = None


_COLUMNS = (
    "e.id, e.phone, e.nik_sealed, d.name, e.created_at, e.outcome, e.settled_at, e.settled_by, e.decline_reason, "
    "e.district_code"
)


def of_enquiries(area: Area) -> str:
    """A condition on ``enquiry e``: those of the area's districts; of no known district, the ministry's."""
    if area.is_country:
        return "true"
    return f"e.district_code IN (SELECT d.code FROM district d WHERE {area.of_districts()})"


def enquiries(
    database: Database, vault: Vault, area: Area, today: date, *, settled: bool, before: int | None = None
) -> tuple[list[Enquiry], int | None]:
    """A page of those that wait or are settled, the newest first; and the id before which there are more."""
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM enquiry e LEFT JOIN district d ON d.code = e.district_code "
        f"WHERE (e.outcome IS NOT NULL) = %(settled)s AND (%(before)s::bigint IS NULL OR e.id < %(before)s) "
        f"AND {of_enquiries(area)} ORDER BY e.id DESC LIMIT {PAGE + 1}",
        {**area.parameters, "settled": settled, "before": before},
    )
    found = [_read(vault, row, today) for row in rows[:PAGE]]
    return found, found[-1].id if len(rows) > PAGE else None


def enquiry(database: Database, vault: Vault, area: Area, number: int, today: date) -> Enquiry | None:
    """One enquiry of the area; None for any other."""
    row = database.row(
        f"SELECT {_COLUMNS} FROM enquiry e LEFT JOIN district d ON d.code = e.district_code "
        f"WHERE e.id = %(id)s AND {of_enquiries(area)}",
        {**area.parameters, "id": number},
    )
    return None if row is None else _read(vault, row, today)


def _read(vault: Vault, row: Any, today: date) -> Enquiry:
    nik = vault.open(bytes(row[2]), _NIK)
    born = stated_birth_date(nik, today)
    phone = row[1] if row[5] is None else mask_phone(row[1])
    return Enquiry(row[0], phone, f"************{nik[-4:]}", None if born is None else age_on(born, today), *row[3:])


def stated_birth_date(nik: str, today: date) -> date | None:
    """The birth date that a NIK states; None if it is no date. The century is the latest in which they can have grown up."""
    day = int(nik[6:8]) % 40 if int(nik[6:8]) > 40 else int(nik[6:8])
    for century in (2000, 1900):
        try:
            born = date(century + int(nik[10:12]), int(nik[8:10]), day)
        except ValueError:
            continue
        if age_on(born, today) >= _YOUNGEST:
            return born
    return None


_SETTLE = """
UPDATE enquiry e SET outcome = %(outcome)s, settled_at = %(now)s, settled_by = %(by)s, decline_reason = %(why)s
WHERE e.id = %(id)s AND e.outcome IS NULL AND {area}
RETURNING e.phone, e.nik_sealed
"""
_FACILITY = "SELECT f.district_code FROM facility f WHERE f.id = %(facility)s AND {area}"
_ADD = """
INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone, district_code, facility_id, profession,
                    created_at, updated_at)
SELECT %(nik_hash)s, %(nik_sealed)s, %(nik_tail)s, %(name)s, %(birth_date)s, %(sex)s, %(phone)s, %(district)s,
       %(facility)s, %(profession)s, %(now)s, %(now)s
WHERE NOT EXISTS (SELECT 1 FROM worker WHERE nik_hash = ANY(%(nik_hashes)s))
ON CONFLICT (nik_hash) DO NOTHING RETURNING id
"""


class _Not(Exception):
    """Nothing is to be written after all."""

    def __init__(self, why: Settled) -> None:
        super().__init__(why.value)
        self.why = why


def approve(
    database: Database, vault: Vault, number: int, new: NewWorker, office: Office, now: datetime, today: date
) -> Settled:
    """Put somebody on the roster with the number that they asked from, and tell them; once, however often it is said."""

    def add(connection: psycopg.Connection[Any], phone: str, nik_sealed: bytes) -> int:
        place = connection.execute(
            _FACILITY.format(area=office.area.of_facilities()).encode(),
            {**office.area.parameters, "facility": new.facility_id},
        ).fetchone()
        if place is None:
            raise _Not(Settled.NO_FACILITY)
        nik = Nik(vault.open(nik_sealed, _NIK))
        born = new.birth_date or stated_birth_date(nik.text, today)
        if born is None:
            raise _Not(Settled.NO_BIRTH_DATE)
        row = connection.execute(
            _ADD,
            {
                "nik_hash": vault.hash(nik.text),
                "nik_hashes": vault.hashes(nik.text),
                "nik_sealed": vault.seal(nik.text, _NIK),
                "nik_tail": nik.tail,
                "name": new.name,
                "birth_date": born,
                "sex": nik.sex.value,
                "phone": phone,
                "district": place[0],
                "facility": new.facility_id,
                "profession": new.profession,
                "now": now,
            },
        ).fetchone()
        if row is None:
            raise _Not(Settled.LISTED)
        audit.record(connection, now, office.name, "worker.add", subject(row[0]), {"enquiry": number})
        return int(row[0])

    return _settle(database, number, office, now, "approved", None, APPROVED, add)


def decline(database: Database, number: int, why: Decline, office: Office, now: datetime) -> Settled:
    """Decline an enquiry, and tell why; once."""
    return _settle(database, number, office, now, "declined", why, DECLINED[why], lambda *_: None)


def _settle(
    database: Database,
    number: int,
    office: Office,
    now: datetime,
    outcome: str,
    why: Decline | None,
    text: Mapping[str, str],
    add: Callable[[psycopg.Connection[Any], str, bytes], int | None],
) -> Settled:
    """One transaction: the enquiry, the worker, the audit log, the SMS. Two officers wait for the enquiry's row."""
    parameters = {**office.area.parameters, "id": number, "now": now, "by": office.name, "outcome": outcome}
    parameters["why"] = None if why is None else why.value
    condition = of_enquiries(office.area)
    try:
        with database.transaction() as connection:
            row = connection.execute(_SETTLE.format(area=condition).encode(), parameters).fetchone()
            if row is None:
                there = connection.execute(
                    f"SELECT 1 FROM enquiry e WHERE e.id = %(id)s AND {condition}".encode(), parameters
                ).fetchone()
                return Settled.GONE if there is None else Settled.ALREADY
            worker_id = add(connection, row[0], bytes(row[1]))
            detail = {} if why is None else {"reason": why.value}
            audit.record(connection, now, office.name, f"enquiry.{outcome}", f"enquiry:{number}", detail)
            outbox.write(
                connection,
                outbox.Draft(
                    natural_key=f"enquiry:{number}",
                    kind="enquiry",
                    lane=outbox.Lane.REPLY,
                    gateway=office.gateway,
                    phone=row[0],
                    language=_LANGUAGE,
                    body=text[_LANGUAGE].format(**office.codes),
                    worker_id=worker_id,
                ),
                now,
            )
    except _Not as stopped:
        return stopped.why
    return Settled.DONE
