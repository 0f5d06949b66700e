"""XLSX as spreadsheets keep it: numbers, dates and times where people meant text."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from bot.registration.importing import ImportFailed, Kind
from tests.registration.importing.conftest import (
    BIRTH_DATE,
    ROSTER_HEADER,
    SESSIONS_HEADER,
    Registry,
    counts,
    nik,
    reasons,
    warnings,
)

DESTROYED = "Excel has destroyed this number: format the column as text, enter it again and export"


def roster(registry: Registry, *rows: tuple[object, ...]) -> Path:
    return registry.workbook("roster.xlsx", [ROSTER_HEADER.split(","), *rows])


def test_a_roster_with_real_dates_and_numeric_codes(registry: Registry) -> None:
    path = roster(
        registry,
        (nik(1), "Siti Wulandari", BIRTH_DATE, "F", "081234567890", "3171", "P1", "Perawat"),
        (nik(2), "Budi", datetime(1985, 8, 17), None, 81234567891, 3171.0, None, None),
        (nik(3), "Tono", "1985-08-17", "M", 6281234567892, 7371, "P2", None),
    )
    assert counts(registry.imports(Kind.ROSTER, path)) == (3, 0, 0, 0)
    assert registry.database.rows("SELECT name, birth_date, phone, district_code FROM worker ORDER BY id") == [
        ("Siti Wulandari", BIRTH_DATE, "+6281234567890", "3171"),
        ("Budi", BIRTH_DATE, "+6281234567891", "3171"),
        ("Tono", BIRTH_DATE, "+6281234567892", "7371"),
    ]
    assert counts(registry.imports(Kind.ROSTER, path)) == (0, 0, 3, 0)


def test_a_numeric_nik_goes_in_where_no_digit_can_be_lost(registry: Registry) -> None:
    whole = int(nik(1234))
    assert counts(registry.imports(Kind.ROSTER, roster(registry, (whole, "Budi", BIRTH_DATE, "", "", 3171)))) == (
        1,
        0,
        0,
        0,
    )
    assert registry.column("SELECT nik_tail FROM worker") == ["1234"]


@pytest.mark.parametrize(
    "number",
    [
        int(nik(1230)),  # Excel keeps 15 digits and puts a zero in place of the last
        int(nik(1000)),
        3.17101170885e15,
        9471011708850011,  # above 2**53 a spreadsheet has even numbers only
    ],
)
def test_a_numeric_nik_that_may_have_lost_digits_is_kept_out(registry: Registry, number: float) -> None:
    report = registry.imports(Kind.ROSTER, roster(registry, (number, "Budi", BIRTH_DATE, "", "", 3171)))
    assert reasons(report) == [(2, "nik", DESTROYED)]


def test_a_date_that_lost_its_format_is_told(registry: Registry) -> None:
    report = registry.imports(Kind.ROSTER, roster(registry, (nik(1), "Budi", 31276, "", "", 3171)))
    assert reasons(report) == [(2, "birth_date", "is not a date written YYYY-MM-DD, such as 1985-08-17")]


def test_sessions_with_real_times(registry: Registry) -> None:
    path = registry.workbook(
        "sessions.xlsx",
        [
            SESSIONS_HEADER.split(","),
            ("P1", date(2021, 1, 14), time(8), time(9, 30), 10, 1.0),
            ("P1", "2021-01-15", "08:00", "09:00", "10", None),
        ],
    )
    assert counts(registry.imports(Kind.SESSIONS, path)) == (2, 0, 0, 0)
    assert registry.database.rows("SELECT local_date, start_time, end_time FROM vaccination_session ORDER BY id") == [
        (date(2021, 1, 14), time(8), time(9, 30)),
        (date(2021, 1, 15), time(8), time(9)),
    ]


def test_lines_are_the_sheets_rows(registry: Registry) -> None:
    path = registry.workbook(
        "roster.xlsx", [(), ROSTER_HEADER.split(","), (nik(1), "Budi", BIRTH_DATE, "", "", "3171"), (), ("1", "Tono")]
    )
    assert reasons(registry.imports(Kind.ROSTER, path)) == [(5, "nik", "is not 16 digits: it has 1")]


def test_the_file_of_rejected_rows_shows_cells_as_text(registry: Registry) -> None:
    report = registry.imports(
        Kind.ROSTER, roster(registry, (int(nik(1230)), "Budi", BIRTH_DATE, "", 81234567891, 3171))
    )
    assert report.rejected_file is not None
    assert report.rejected_file.read_text().splitlines()[1] == (
        f'2,nik,"{DESTROYED}",3.17101170885123E+15,Budi,1985-08-17,,81234567891,3171,,'
    )


def test_the_first_visible_sheet_is_read_and_that_is_told(registry: Registry) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.sheet_state = "hidden"
    listed = book.create_sheet("Daftar")
    listed.append(["code", "name", "district_code"])
    listed.append(["P8", "Puskesmas Cikini", 3171])
    book.save(registry.folder / "facilities.xlsx")
    report = registry.imports(Kind.FACILITIES, registry.folder / "facilities.xlsx")
    assert counts(report) == (1, 0, 0, 0)
    assert warnings(report) == {"only the sheet 'Daftar' was read, of 2": ()}


def test_a_workbook_is_known_by_its_content_not_its_name(registry: Registry) -> None:
    path = registry.workbook("facilities.xlsx", [("code", "name", "district_code"), ("P8", "X", "3171")])
    assert counts(registry.imports(Kind.FACILITIES, path.rename(registry.folder / "facilities.csv"))) == (1, 0, 0, 0)


def test_an_empty_workbook(registry: Registry) -> None:
    with pytest.raises(ImportFailed, match=r"^empty\.xlsx: is empty$"):
        registry.imports(Kind.ROSTER, registry.workbook("empty.xlsx", []))


def test_a_damaged_workbook_is_refused_in_one_line(registry: Registry) -> None:
    path = roster(registry, *((nik(n), "Budi", BIRTH_DATE, "", "", "3171") for n in range(1, 2000)))
    whole = path.read_bytes()
    told = "is not a workbook that can be read: save it again as XLSX, or as CSV UTF-8"
    for damaged in (whole[:400], whole[: len(whole) // 2], b"PK\x03\x04" + bytes(2000), _with_noise(whole)):
        path.write_bytes(damaged)
        with pytest.raises(ImportFailed, match=f"^roster.xlsx: {told}$"):
            registry.imports(Kind.ROSTER, path)
    assert registry.column("SELECT count(*) FROM worker") == [0]


def test_a_document_that_is_a_zip_but_no_workbook(registry: Registry) -> None:
    import zipfile

    path = registry.folder / "roster.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(ImportFailed, match="is not a workbook that can be read"):
        registry.imports(Kind.ROSTER, path)


def test_formulas_count_by_their_results(registry: Registry) -> None:
    path = registry.workbook("facilities.xlsx", [("code", "name", "district_code"), ("P8", '="Puskesmas"', 3171)])
    assert load_workbook(path).active is not None
    # A workbook that no spreadsheet has calculated holds no results yet.
    assert reasons(registry.imports(Kind.FACILITIES, path)) == [(2, "name", "is empty")]


def _with_noise(whole: bytes) -> bytes:
    middle = len(whole) // 3
    return whole[:middle] + bytes(200) + whole[middle + 200 :]
