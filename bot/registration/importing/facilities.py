"""Facilities: where people are vaccinated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final, LiteralString, NamedTuple

from bot.registration.importing.cells import read_code, read_name, read_text, required
from bot.registration.importing.importer import Connection, Importer, Merged, Notice
from bot.registration.importing.local_times import realign_sessions
from bot.registration.importing.report import Kind
from bot.registration.importing.staging import reject_unknown, upsert

LONGEST_CODE: Final = 40
LONGEST_NAME: Final = 80
LONGEST_ADDRESS: Final = 300


class FacilityRow(NamedTuple):
    """A facility as it is staged."""

    code: str
    name: str
    address: str
    district_code: str


class FacilityImporter(Importer):
    """Imports facilities."""

    kind = Kind.FACILITIES
    required = ("code", "name", "district_code")
    optional = ("address",)
    free_text = frozenset({"name", "address"})
    staged = "staged_facility"
    types: ClassVar[Mapping[LiteralString, LiteralString]] = {
        "code": "text",
        "name": "text",
        "address": "text",
        "district_code": "text",
    }
    target = "facility"
    key = ("code",)
    key_column = "code"
    key_words = "the same code"

    def read(self, cells: Sequence[str]) -> tuple[FacilityRow, Notice]:
        code, name, district_code, address = cells
        facility = FacilityRow(
            code=read_code(code, "code", LONGEST_CODE),
            name=read_name(name, "name", LONGEST_NAME),
            address=read_text(address, "address", LONGEST_ADDRESS),
            district_code=required(district_code, "district_code"),
        )
        return facility, Notice.NONE

    def check(self, connection: Connection) -> None:
        reject_unknown(connection, "staged_facility", "district_code", "district")

    def merge(self, connection: Connection, present: frozenset[str], now: datetime) -> Merged:
        merged = upsert(
            connection,
            "facility",
            "SELECT * FROM staged_facility WHERE rejected_reason IS NULL",
            key=("code",),
            compared=("name", "address", "district_code"),
            kept=frozenset(self.optional) - present,
            now=now,
        )
        if merged.updated:
            realign_sessions(connection)
        return merged
