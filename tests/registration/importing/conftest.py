"""An empty registry, and files to import into it."""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from bot.clock import ManualClock
from bot.crypto import Vault
from bot.db.database import Database
from bot.registration.importing import ImportReport, Kind, import_file
from bot.registration.nik import Sex, make_nik

BIRTH_DATE = date(1985, 8, 17)

DISTRICTS = """code,name,province_code,province,time_zone
3171,Kota Jakarta Pusat,31,DKI Jakarta,Asia/Jakarta
7371,Kota Makassar,73,Sulawesi Selatan,Asia/Makassar
9171,Kota Jayapura,91,Papua,Asia/Jayapura
"""
FACILITIES = """code,name,district_code,address
P1,Puskesmas Menteng,3171,Jl. Menteng
P2,Puskesmas Bara-Baraya,7371,
P3,Puskesmas Abepura,9171,
"""
ROSTER_HEADER = "nik,name,birth_date,sex,phone,district_code,facility_code,profession"
SESSIONS_HEADER = "facility_code,date,start,end,capacity,dose"


def nik(serial: int, birth_date: date = BIRTH_DATE, sex: Sex = Sex.MALE) -> str:
    """A NIK of Jakarta Pusat."""
    return make_nik("3171", birth_date, sex, serial).text


def roster_line(n: int, stated: Sex = Sex.MALE, **cells: str) -> str:
    """The ``n``-th of as many lines of a roster as are wanted; ``cells`` as they are to stand in it, ``stated`` by the NIK."""
    born = date(1970 + n // 9999, 5, 4)
    row = {
        "nik": nik(n % 9999 + 1, born, stated),
        "name": f"Siti {n}",
        "birth_date": f"{born}",
        "sex": "",
        "phone": "",
        "district": "3171",
        "facility": "P1",
        "profession": "",
    }
    return ",".join((row | cells).values())


@dataclass
class Registry:
    """A database, and a folder for files."""

    database: Database
    vault: Vault
    clock: ManualClock
    folder: Path

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def workbook(self, name: str, rows: Sequence[Sequence[object]]) -> Path:
        book = Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(list(row))
        book.save(self.folder / name)
        return self.folder / name

    def imports(self, kind: Kind, content: str | bytes | Path, **options: Any) -> ImportReport:
        """Import a file, or a text as a CSV file."""
        path = content if isinstance(content, Path) else self.file(f"{kind}.csv", content)
        return import_file(self.database, self.vault, self.clock, kind, path, **options)

    def roster(self, *rows: str, header: str = ROSTER_HEADER) -> ImportReport:
        return self.imports(Kind.ROSTER, "\n".join((header, *rows)) + "\n")

    def sessions(self, *rows: str, header: str = SESSIONS_HEADER) -> ImportReport:
        return self.imports(Kind.SESSIONS, "\n".join((header, *rows)) + "\n")

    def column(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        return [row[0] for row in self.database.rows(statement, parameters)]


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    """Added, updated, unchanged, rejected."""
    return report.rows.added, report.rows.updated, report.rows.unchanged, report.rows.rejected


def reasons(report: ImportReport) -> list[tuple[int, str, str]]:
    """The rejected rows as (line, column, reason), from the file of rejected rows."""
    assert report.rejected_file is not None
    with report.rejected_file.open(newline="") as file:
        return [(int(row["line"]), row["column"], row["reason"]) for row in csv.DictReader(file)]


def warnings(report: ImportReport) -> dict[str, tuple[int, ...]]:
    """The lines of each warning by its text."""
    return {caution.text: caution.lines for caution in report.cautions}


@pytest.fixture
def empty_registry(database_url: str, tmp_path: Path) -> Iterator[Registry]:
    database = Database(database_url, limit=None)
    vault = Vault(base64.urlsafe_b64encode(bytes(range(32))).decode())
    yield Registry(database, vault, ManualClock(datetime(2021, 1, 13, 12, tzinfo=UTC)), tmp_path)
    database.close()


@pytest.fixture
def registry(empty_registry: Registry) -> Registry:
    """Three districts, one in each time zone, with a facility each."""
    empty_registry.imports(Kind.DISTRICTS, DISTRICTS)
    empty_registry.imports(Kind.FACILITIES, FACILITIES)
    return empty_registry
