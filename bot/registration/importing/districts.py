"""Districts: codes as they stand in a NIK, names, provinces and time zones."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final, LiteralString, NamedTuple

from bot.registration.importing.cells import BadCell, read_digits, read_name, required
from bot.registration.importing.importer import Connection, Importer, Merged, Notice
from bot.registration.importing.local_times import realign_sessions
from bot.registration.importing.report import Kind
from bot.registration.importing.staging import upsert

LONGEST_NAME: Final = 80


class DistrictRow(NamedTuple):
    """A district as it is staged."""

    code: str
    name: str
    province_code: str
    province: str
    time_zone: str


class DistrictImporter(Importer):
    """Imports districts."""

    kind = Kind.DISTRICTS
    required = ("code", "name", "province_code", "province", "time_zone")
    optional = ()
    free_text = frozenset({"name", "province"})
    staged = "staged_district"
    types: ClassVar[Mapping[LiteralString, LiteralString]] = {
        "code": "text",
        "name": "text",
        "province_code": "text",
        "province": "text",
        "time_zone": "text",
    }
    target = "district"
    key = ("code",)
    key_column = "code"
    key_words = "the same code"

    def read(self, cells: Sequence[str]) -> tuple[DistrictRow, Notice]:
        code, name, province_code, province, time_zone = cells
        district = DistrictRow(
            code=read_digits(code, "code", 4),
            name=read_name(name, "name", LONGEST_NAME),
            province_code=read_digits(province_code, "province_code", 2),
            province=read_name(province, "province", LONGEST_NAME),
            time_zone=_read_zone(time_zone),
        )
        return district, Notice.NONE if code.startswith(province_code) else Notice.PROVINCE

    def check(self, connection: Connection) -> None:
        connection.execute(
            """
            UPDATE staged_district s
            SET rejected_column = 'time_zone', rejected_reason = 'is not a time zone that PostgreSQL knows'
            WHERE rejected_reason IS NULL AND NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = s.time_zone)
            """
        )

    def merge(self, connection: Connection, present: frozenset[str], now: datetime) -> Merged:
        merged = upsert(
            connection,
            "district",
            "SELECT * FROM staged_district WHERE rejected_reason IS NULL",
            key=("code",),
            compared=("name", "province_code", "province", "time_zone"),
            now=now,
        )
        if merged.updated:
            realign_sessions(connection)
        return merged


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _read_zone(text: str) -> str:
    if required(text, "time_zone") not in _zones():
        raise BadCell("time_zone", "is not the IANA name of a time zone, such as Asia/Jakarta")
    return text
