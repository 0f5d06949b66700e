"""Importing the roster: what goes in, what is changed, what is kept out and why."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.registration.nik import Sex
from tests.registration.importing.conftest import BIRTH_DATE, Registry, counts, nik, reasons, warnings

SITI = f"{nik(1, sex=Sex.FEMALE)},Siti Wulandari,1985-08-17,F,0812-3456-7890,3171,P1,Perawat"
BUDI = f"{nik(2)},Budi Santoso,1985-08-17,,,7371,,"


def test_good_rows_go_in_as_they_stand(registry: Registry) -> None:
    assert counts(registry.roster(SITI, BUDI)) == (2, 0, 0, 0)
    assert registry.database.rows(
        "SELECT w.name, birth_date, sex, phone, w.district_code, f.code, profession, language, created_at"
        " FROM worker w LEFT JOIN facility f ON f.id = w.facility_id ORDER BY w.id"
    ) == [
        ("Siti Wulandari", BIRTH_DATE, "F", "+6281234567890", "3171", "P1", "Perawat", "id", registry.clock.now()),
        ("Budi Santoso", BIRTH_DATE, "M", None, "7371", None, "", "id", registry.clock.now()),
    ]


def test_a_nik_is_kept_sealed_and_found_by_its_hash(registry: Registry) -> None:
    registry.roster(BUDI)
    ((found, sealed, tail),) = registry.database.rows("SELECT nik_hash, nik_sealed, nik_tail FROM worker")
    assert bytes(found) == registry.vault.hash(nik(2))
    assert registry.vault.open(sealed, "nik") == nik(2)
    assert nik(2).encode() not in sealed
    assert tail == "0002"


def test_the_same_file_twice_changes_nothing(registry: Registry) -> None:
    registry.roster(SITI, BUDI)
    before = registry.database.rows("SELECT *, xmin::text FROM worker ORDER BY id")
    registry.clock.moment = datetime(2021, 1, 14, tzinfo=UTC)
    assert counts(registry.roster(SITI, BUDI)) == (0, 0, 2, 0)
    assert registry.database.rows("SELECT *, xmin::text FROM worker ORDER BY id") == before


def test_a_changed_row_updates_and_leaves_alone_what_no_file_says(registry: Registry) -> None:
    registry.roster(SITI, BUDI)
    registry.database.rows(
        "UPDATE worker SET started_at = %s, language = 'en', domicile_code = '9171'", [datetime.now(UTC)]
    )
    before = registry.database.row("SELECT id, nik_sealed, started_at, created_at FROM worker WHERE name LIKE 'Siti%%'")
    registry.clock.moment = datetime(2021, 1, 14, tzinfo=UTC)
    moved = SITI.replace("0812-3456-7890,3171,P1", "+62 856 1111 2222,9171,P3")
    assert counts(registry.roster(moved, BUDI)) == (0, 1, 1, 0)
    assert registry.database.row(
        "SELECT phone, w.district_code, f.code, language, domicile_code, w.updated_at"
        " FROM worker w JOIN facility f ON f.id = facility_id"
    ) == ("+6285611112222", "9171", "P3", "en", "9171", registry.clock.now())
    after = registry.database.row("SELECT id, nik_sealed, started_at, created_at FROM worker WHERE name LIKE 'Siti%%'")
    assert after == before


def test_a_column_that_the_file_lacks_stays_as_it_is(registry: Registry) -> None:
    registry.roster(SITI.replace(",F,", ",M,"))
    short = f"{nik(1, sex=Sex.FEMALE)},Siti W.,1985-08-17,3171"
    assert counts(registry.roster(short, header="nik,name,birth_date,district_code")) == (0, 1, 0, 0)
    assert registry.database.rows(
        "SELECT w.name, sex, phone, f.code, profession FROM worker w JOIN facility f ON f.id = facility_id"
    ) == [("Siti W.", "M", "+6281234567890", "P1", "Perawat")]


def test_an_empty_cell_empties(registry: Registry) -> None:
    registry.roster(SITI)
    registry.roster(f"{nik(1, sex=Sex.FEMALE)},Siti Wulandari,1985-08-17,,,3171,,")
    assert registry.database.rows("SELECT phone, facility_id, profession, sex FROM worker") == [(None, None, "", "F")]


def test_a_number_that_its_owner_has_replaced_is_not_put_back_by_the_old_list(registry: Registry) -> None:
    registry.roster(SITI)
    (worker,) = registry.column("SELECT id FROM worker")
    registry.database.rows(
        "INSERT INTO phone_claim (worker_id, phone, state, roster_phone, opened_at)"
        " VALUES (%s, %s, 'accepted', %s, %s)",
        [worker, "+6285600000000", "+6281234567890", registry.clock.now()],
    )
    registry.database.rows("UPDATE worker SET phone = '+6285600000000'")
    again = registry.roster(SITI)
    assert counts(again) == (0, 0, 1, 0)
    assert warnings(again) == {"phone was not put back: its owner has since replaced it by one of their own": (2,)}
    assert counts(registry.roster(SITI.replace("0812-3456-7890", "0811 222 3334"))) == (0, 1, 0, 0)
    assert registry.column("SELECT phone FROM worker") == ["+628112223334"]


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("nik", "", "is empty"),
        ("nik", "317101170885000", "is not 16 digits: it has 15"),
        ("nik", "31710117O8850001", "is not 16 digits: it has letters or signs in it"),
        ("nik", "3.17102E+15", "Excel has destroyed this number: format the column as text, enter it again and export"),
        ("name", "", "is empty"),
        ("name", "x" * 101, "is longer than 100 characters"),
        ("name", "...", "has no letter in it"),
        ("name", "Siti\x07", "has control characters in it"),
        ("birth_date", "", "is empty"),
        ("birth_date", "31/12/1985", "is not a date written YYYY-MM-DD, such as 1985-08-17"),
        ("birth_date", "19850817", "is not a date written YYYY-MM-DD, such as 1985-08-17"),
        ("birth_date", "1985-02-30", "is not a day of the calendar"),
        ("birth_date", "2021-01-14", "lies in the future"),
        ("birth_date", "1911-01-12", "is more than 110 years ago"),
        ("sex", "P", "is neither M nor F"),
        ("phone", "12345", "has too few digits"),
        (
            "phone",
            "6.28123E+12",
            "Excel has destroyed this number: format the column as text, enter it again and export",
        ),
        ("district_code", "", "is empty"),
        ("district_code", "9999", "is not the code of a known district"),
        ("facility_code", "P9", "is not the code of a known facility"),
        ("profession", "x" * 101, "is longer than 100 characters"),
    ],
)
def test_a_row_that_cannot_be_right_is_kept_out_with_the_reason(
    registry: Registry, column: str, cell: str, reason: str
) -> None:
    cells = dict(
        zip(
            ("nik", "name", "birth_date", "sex", "phone", "district_code", "facility_code", "profession"),
            BUDI.split(","),
            strict=True,
        )
    )
    report = registry.roster(SITI, ",".join((cells | {column: cell}).values()))
    assert reasons(report) == [(3, column, reason)]
    assert registry.column("SELECT name FROM worker") == ["Siti Wulandari"]
    (group,) = report.rejections
    assert (group.column, group.reason, group.rows, group.first_line) == (column, reason, 1, 3)


def test_reasons_never_repeat_what_a_person_wrote(registry: Registry) -> None:
    secret = "3171011708850001"
    report = registry.roster(f"{secret},{secret},{secret},{secret},{secret},{secret},{secret},{secret}")
    assert secret not in str(report.rejections)
    report = registry.roster(f"{nik(1)},Budi,1985-08-17,,,{secret},,")
    assert secret not in str(report.rejections)


def test_of_two_rows_with_one_nik_the_later_is_kept_out(registry: Registry) -> None:
    report = registry.roster(SITI, BUDI, SITI.replace("Siti", "Sitti"), SITI)
    reason = "is the same NIK as on line 2"
    assert reasons(report) == [(4, "nik", reason), (5, "nik", reason)]
    assert registry.column("SELECT name FROM worker ORDER BY id") == ["Siti Wulandari", "Budi Santoso"]


def test_a_row_that_is_kept_out_anyway_does_not_keep_out_its_double(registry: Registry) -> None:
    report = registry.roster(BUDI.replace("7371", "9999"), BUDI)
    assert [line for line, _, _ in reasons(report)] == [2]
    assert counts(report) == (1, 0, 0, 1)


def test_a_birth_date_that_contradicts_the_nik_goes_in_with_a_warning(registry: Registry) -> None:
    report = registry.roster(SITI, BUDI.replace("1985-08-17", "1985-08-18"))
    assert counts(report) == (2, 0, 0, 0)
    assert warnings(report) == {"birth_date is not the one that the NIK states": (3,)}
    assert date(1985, 8, 18) in registry.column("SELECT birth_date FROM worker")


def test_a_sex_that_contradicts_the_nik_goes_in_with_a_warning(registry: Registry) -> None:
    assert warnings(registry.roster(SITI.replace(",F,", ",m,"))) == {"sex is not the one that the NIK states": (2,)}
    assert registry.column("SELECT sex FROM worker") == ["M"]


def test_only_rows_that_go_in_are_warned_of(registry: Registry) -> None:
    report = registry.roster(BUDI.replace("1985-08-17", "1985-08-18").replace("7371", "9999"))
    assert counts(report) == (0, 0, 0, 1)
    assert report.cautions == ()


def test_an_apostrophe_that_marks_text_is_taken_off_and_told(registry: Registry) -> None:
    report = registry.roster(f"'{nik(1)},'Aisyiyah,'1985-08-17,M,'+6281234567890,'3171,'P1,Bidan")
    assert counts(report) == (1, 0, 0, 0)
    assert warnings(report) == {"a leading apostrophe was taken off": (2,)}
    assert registry.database.rows("SELECT name, phone FROM worker") == [("'Aisyiyah", "+6281234567890")]


def test_names_lose_odd_spaces_and_invisible_marks(registry: Registry) -> None:
    registry.roster(f"{nik(1)},  Siti \u00a0 \u200bWulandari\u202c ,1985-08-17,,\u202a0812\u00a03456 7890\u202c,3171,,")
    assert registry.database.rows("SELECT name, phone FROM worker") == [("Siti Wulandari", "+6281234567890")]


def test_twenty_thousand_rows(registry: Registry) -> None:
    rows = [
        f"{nik(n % 9999 + 1, date(1970 + n // 9999, 5, 4))},Siti {n},{1970 + n // 9999}-05-04,,,3171,P1,"
        for n in range(20_000)
    ]
    assert counts(registry.roster(*rows)) == (20_000, 0, 0, 0)
    rows[7] = rows[7].replace("Siti", "Sitti")
    assert counts(registry.roster(*rows)) == (0, 1, 19_999, 0)
