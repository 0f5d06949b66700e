"""The roster: everybody who is to be vaccinated.

The NIK is hashed to be found again and sealed to be read; in the clear it goes nowhere, not even into staging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import ClassVar, Final, LiteralString, NamedTuple

from bot.crypto import Vault
from bot.phone import NotAPhone, parse_phone
from bot.registration.importing.cells import (
    BadCell,
    read_code,
    read_date,
    read_name,
    read_text,
    refuse_number,
    required,
)
from bot.registration.importing.codes import Codes
from bot.registration.importing.facilities import LONGEST_CODE
from bot.registration.importing.importer import Connection, Importer, Merged, Notice
from bot.registration.importing.plain_workers import SEPARATORS, PlainWorkers
from bot.registration.importing.report import Kind
from bot.registration.importing.source import Glance
from bot.registration.importing.staging import reject_unknown, upsert
from bot.registration.nik import Nik, NotANik, Sex

LONGEST_NAME: Final = 100
LONGEST_PROFESSION: Final = 100
OLDEST: Final = 110

_MANY: Final = 65_536
_NONE: Final = Notice.NONE
_SEXES: Final = {sex.value: sex for sex in Sex}


class WorkerRow(NamedTuple):
    """A worker as staged."""

    nik_hash: bytes
    nik_sealed: bytes
    nik_tail: str
    name: str
    birth_date: date
    sex: str
    phone: str | None
    district_code: str
    facility_code: str | None
    profession: str
    #: With our other keys; None where we have but one.
    other_hashes: list[bytes] | None

    @classmethod
    def of(
        cls,
        vault: Vault,
        nik: Nik,
        *,
        name: str,
        birth_date: date,
        sex: Sex,
        phone: str | None,
        district_code: str,
        facility_code: str | None,
        profession: str,
    ) -> WorkerRow:
        """A worker whose NIK is hashed and sealed here."""
        return cls(
            vault.hash(nik.text),
            vault.seal(nik.text, "nik"),
            nik.tail,
            name,
            birth_date,
            sex,
            phone,
            district_code,
            facility_code,
            profession,
            vault.other_hashes(nik.text) or None,
        )


#: Put between cells that have been taken apart; in no plain one.
_BETWEEN: Final = "\x1f"


class RosterImporter(Importer):
    """Imports the roster; ``today`` is the day by which birth dates are judged."""

    kind = Kind.ROSTER
    required = ("nik", "name", "birth_date", "district_code")
    optional = ("sex", "phone", "facility_code", "profession")
    free_text = frozenset({"name", "profession"})
    staged = "staged_worker"
    types: ClassVar[Mapping[LiteralString, LiteralString]] = {
        "nik_hash": "bytea",
        "nik_sealed": "bytea",
        "nik_tail": "text",
        "name": "text",
        "birth_date": "date",
        "sex": "text",
        "phone": "text",
        "district_code": "text",
        "facility_code": "text",
        "profession": "text",
        "other_hashes": "bytea[]",
    }
    target = "worker"
    key = ("nik_hash",)
    key_column = "nik"
    key_words = "the same NIK"

    def __init__(self, vault: Vault, today: date) -> None:
        self._vault = vault
        self._today = today
        self._earliest = date(today.year - OLDEST, today.month, min(today.day, 28))
        self._codes: Codes | None = None
        self._plain = self._plain_workers((*self.required, *self.optional), _BETWEEN)

    def glance(self, columns: Sequence[str | None], separator: str) -> Glance | None:
        # What a NIK states is compared with the sex as well.
        if self._vault.has_others or "sex" not in columns or separator not in SEPARATORS:
            return None
        return self._plain_workers(columns, separator).packed

    def plain(self, line: int, cells: Sequence[str]) -> bytes | None:
        return None if self._vault.has_others else self._plain.packed(line, _BETWEEN.join(cells))

    def pack_straight(self, codes: Codes) -> None:
        self._codes = codes
        self._plain = self._plain_workers((*self.required, *self.optional), _BETWEEN)

    def _plain_workers(self, columns: Sequence[str | None], separator: str) -> PlainWorkers:
        return PlainWorkers(self._vault, self._earliest, self._today, columns, separator, self._codes)

    def read(self, cells: Sequence[str]) -> tuple[WorkerRow, Notice]:
        nik_text, name, birth_date_text, district_code, sex_text, phone, facility_code, profession = cells
        nik = _read_nik(nik_text)
        birth_date = self._read_birth_date(birth_date_text)
        sex = _read_sex(sex_text) or nik.sex
        notices = _NONE if nik.birth_date_matches(birth_date) else Notice.BIRTH_DATE
        if sex is not nik.sex:
            notices |= Notice.SEX
        worker = WorkerRow.of(
            self._vault,
            nik,
            name=read_name(name, "name", LONGEST_NAME),
            birth_date=birth_date,
            sex=sex,
            phone=_read_phone(phone) if phone else None,
            district_code=required(district_code, "district_code"),
            facility_code=_read_facility(facility_code) if facility_code else None,
            profession=_read_profession(profession),
        )
        return worker, notices

    def check(self, connection: Connection) -> None:
        reject_unknown(connection, "staged_worker", "district_code", "district")
        reject_unknown(connection, "staged_worker", "facility_code", "facility")

    def merge(self, connection: Connection, present: frozenset[str], now: datetime) -> Merged:
        if self._vault.has_others:
            _know_by_other_keys(connection)
        _keep_proven_numbers(connection)
        absent = frozenset(self.optional) - present
        return upsert(
            connection,
            "worker",
            """
            SELECT s.*, f.id AS facility_id, %(now)s::timestamptz AS created_at, %(now)s::timestamptz AS updated_at
            FROM staged_worker s LEFT JOIN facility f ON f.code = s.facility_code WHERE s.rejected_reason IS NULL
            """,
            key=("nik_hash",),
            compared=("name", "birth_date", "sex", "phone", "district_code", "facility_id", "profession"),
            added_only=("nik_sealed", "nik_tail", "created_at"),
            touched=("updated_at",),
            kept=frozenset("facility_id" if name == "facility_code" else name for name in absent),
            may_be_bare=True,
            now=now,
        )

    def _read_birth_date(self, text: str) -> date:
        birth_date = _read_day(text)
        if birth_date > self._today:
            raise BadCell("birth_date", "lies in the future")
        if birth_date < self._earliest:
            raise BadCell("birth_date", f"is more than {OLDEST} years ago")
        return birth_date


def _know_by_other_keys(connection: Connection) -> None:
    """Whoever is on the list under a hash with another of our keys is that person, not a new one.

    The registry's lock keeps whoever replaces a key from hashing them anew meanwhile.
    """
    connection.execute(
        """
        UPDATE staged_worker s SET nik_hash = w.nik_hash
        FROM worker w WHERE w.nik_hash = ANY(s.other_hashes) AND s.rejected_reason IS NULL
        """
    )


def _keep_proven_numbers(connection: Connection) -> None:
    """Where a worker has replaced the roster's number, and the file still has that old one, stay with the new one.

    Otherwise the same file imported again would undo what its owner has proved.
    """
    connection.execute(
        """
        UPDATE staged_worker s SET phone = w.phone, notices = s.notices | %s
        FROM worker w JOIN phone_claim c ON c.worker_id = w.id AND c.phone = w.phone
        WHERE w.nik_hash = s.nik_hash AND c.state = 'accepted' AND s.rejected_reason IS NULL
            AND c.roster_phone IS NOT DISTINCT FROM s.phone
        """,
        [Notice.NUMBER_KEPT.value],
    )


# Few values that stand in many rows: read once.
@lru_cache(_MANY)
def _read_day(text: str) -> date:
    return read_date(text, "birth_date")


@lru_cache(_MANY)
def _read_facility(text: str) -> str:
    return read_code(text, "facility_code", LONGEST_CODE)


@lru_cache(_MANY)
def _read_profession(text: str) -> str:
    return read_text(text, "profession", LONGEST_PROFESSION)


def _read_nik(text: str) -> Nik:
    try:
        return Nik(text)
    except NotANik as error:
        refuse_number(text, "nik", error.reason)


def _read_phone(text: str) -> str:
    try:
        return parse_phone(text)
    except NotAPhone as error:
        refuse_number(text, "phone", error.reason)


def _read_sex(text: str) -> Sex | None:
    if not text:
        return None
    sex = _SEXES.get(text.upper())
    if sex is None:
        raise BadCell("sex", "is neither M nor F")
    return sex
