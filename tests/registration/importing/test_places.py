"""Importing districts and facilities."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import bot.registration
from bot.registration.importing import Kind
from tests.registration.importing.conftest import DISTRICTS, FACILITIES, Registry, counts, reasons, warnings

SHIPPED = Path(bot.registration.__file__).parent / "districts.csv"


def test_the_districts_that_come_with_the_service_go_in_as_they_are(empty_registry: Registry, tmp_path: Path) -> None:
    report = empty_registry.imports(Kind.DISTRICTS, SHIPPED, rejected_path=tmp_path / "rejected.csv")
    assert counts(report) == (91, 0, 0, 0)
    assert report.cautions == ()


def test_districts_and_facilities_twice_change_nothing_and_changed_they_update(registry: Registry) -> None:
    assert counts(registry.imports(Kind.DISTRICTS, DISTRICTS)) == (0, 0, 3, 0)
    assert counts(registry.imports(Kind.FACILITIES, FACILITIES)) == (0, 0, 3, 0)
    assert counts(registry.imports(Kind.DISTRICTS, DISTRICTS.replace("DKI ", "Daerah Khusus "))) == (0, 1, 2, 0)
    assert counts(registry.imports(Kind.FACILITIES, FACILITIES.replace("P2,Puskesmas", "P2,PKM"))) == (0, 1, 2, 0)
    assert registry.column("SELECT name FROM facility ORDER BY code") == [
        "Puskesmas Menteng",
        "PKM Bara-Baraya",
        "Puskesmas Abepura",
    ]


def test_a_file_without_addresses_keeps_them(registry: Registry) -> None:
    registry.imports(Kind.FACILITIES, "code,name,district_code\nP1,Puskesmas Menteng,3171\n")
    assert registry.column("SELECT address FROM facility WHERE code = 'P1'") == ["Jl. Menteng"]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("317,Kota X,31,DKI,Asia/Jakarta", "code", "is not 4 digits"),
        ("31.71,Kota X,31,DKI,Asia/Jakarta", "code", "is not 4 digits"),
        ("3199,,31,DKI,Asia/Jakarta", "name", "is empty"),
        (f"3199,{'x' * 81},31,DKI,Asia/Jakarta", "name", "is longer than 80 characters"),
        ("3199,Kota X,DKI,DKI,Asia/Jakarta", "province_code", "is not 2 digits"),
        ("3199,Kota X,31,,Asia/Jakarta", "province", "is empty"),
        ("3199,Kota X,31,DKI,", "time_zone", "is empty"),
        ("3199,Kota X,31,DKI,WIB", "time_zone", "is not the IANA name of a time zone, such as Asia/Jakarta"),
        (
            "3199,Kota X,31,DKI,../../etc/passwd",
            "time_zone",
            "is not the IANA name of a time zone, such as Asia/Jakarta",
        ),
        ("3171,Kota X,31,DKI,Asia/Jakarta", "code", "is the same code as on line 2"),
    ],
)
def test_a_district_that_cannot_be_right_is_kept_out(
    empty_registry: Registry, row: str, column: str, reason: str
) -> None:
    report = empty_registry.imports(Kind.DISTRICTS, f"{DISTRICTS}{row}\n")
    assert reasons(report) == [(5, column, reason)]
    assert counts(report) == (3, 0, 0, 1)


def test_a_district_whose_number_is_of_another_province_goes_in_with_a_warning(empty_registry: Registry) -> None:
    report = empty_registry.imports(Kind.DISTRICTS, DISTRICTS + "6473,Kota Tarakan,65,Kalimantan Utara,Asia/Makassar\n")
    assert counts(report) == (4, 0, 0, 0)
    assert warnings(report) == {"province_code is not how the district's code begins": (5,)}


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",Puskesmas X,3171,", "code", "is empty"),
        ("P 9,Puskesmas X,3171,", "code", "has a space in it"),
        (f"{'9' * 41},Puskesmas X,3171,", "code", "is longer than 40 characters"),
        ("P9,,3171,", "name", "is empty"),
        (f"P9,{'x' * 81},3171,", "name", "is longer than 80 characters"),
        ("P9,Puskesmas X,,", "district_code", "is empty"),
        ("P9,Puskesmas X,9999,", "district_code", "is not the code of a known district"),
        (f"P9,Puskesmas X,3171,{'x' * 301}", "address", "is longer than 300 characters"),
        ("P1,Puskesmas X,3171,", "code", "is the same code as on line 2"),
    ],
)
def test_a_facility_that_cannot_be_right_is_kept_out(registry: Registry, row: str, column: str, reason: str) -> None:
    report = registry.imports(Kind.FACILITIES, f"{FACILITIES}{row}\n")
    assert reasons(report) == [(5, column, reason)]
    assert counts(report) == (0, 0, 3, 1)


def test_sessions_keep_their_local_hours_when_a_time_zone_is_corrected(registry: Registry) -> None:
    registry.sessions("P1,2021-01-14,08:00,09:00,10,1", "P2,2021-01-14,08:00,09:00,10,1")
    registry.imports(Kind.DISTRICTS, DISTRICTS.replace("Asia/Makassar", "Asia/Jayapura"))
    assert registry.column("SELECT starts_at FROM vaccination_session ORDER BY facility_id") == [
        datetime(2021, 1, 14, 1, tzinfo=UTC),
        datetime(2021, 1, 13, 23, tzinfo=UTC),
    ]


def test_sessions_keep_their_local_hours_when_a_facility_turns_out_to_be_elsewhere(registry: Registry) -> None:
    registry.sessions("P1,2021-01-14,08:00,09:00,10,1")
    registry.imports(Kind.FACILITIES, "code,name,district_code\nP1,Puskesmas Menteng,9171\n")
    assert registry.database.row("SELECT starts_at, ends_at FROM vaccination_session") == (
        datetime(2021, 1, 13, 23, tzinfo=UTC),
        datetime(2021, 1, 14, 0, tzinfo=UTC),
    )
