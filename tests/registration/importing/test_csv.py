"""CSV as people have it: of every encoding and separator, and damaged in every way."""

from __future__ import annotations

import codecs

import pytest

from bot.registration.importing import ImportFailed, Kind
from tests.registration.importing.conftest import Registry, counts, reasons

PLAIN = "code,name,district_code,address\nP8,Puskesmas Cikini,3171,Jl. Cikini\nP9,Klinik Sehat,7371,\n"


def failure(registry: Registry, content: str | bytes) -> str:
    with pytest.raises(ImportFailed) as told:
        registry.imports(Kind.FACILITIES, content)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").encode("utf-8-sig"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        codecs.BOM_UTF16_LE + PLAIN.replace(",", "\t").encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        b"\xef\xbb\xbfsep=;\r\n" + PLAIN.replace(",", ";").encode(),
        "\n ,,,\n" + PLAIN,
        PLAIN.replace("\nP9", "\n\n,,,\nP9"),
        PLAIN.replace("code,name", '"Code" , NAME').replace("district_code", "District Code"),
        PLAIN.rstrip("\n"),
        PLAIN.replace("7371,\n", "7371\n"),
        PLAIN.replace("\n", ",,\n"),
        PLAIN.replace("Klinik Sehat", '"Klinik Sehat"'),
    ],
)
def test_one_list_in_many_spellings(registry: Registry, content: str | bytes) -> None:
    report = registry.imports(Kind.FACILITIES, content)
    assert counts(report) == (2, 0, 0, 0)
    assert report.cautions == ()
    assert registry.database.rows(
        "SELECT code, name, district_code, address FROM facility WHERE code IN ('P8', 'P9') ORDER BY code"
    ) == [("P8", "Puskesmas Cikini", "3171", "Jl. Cikini"), ("P9", "Klinik Sehat", "7371", "")]


def test_cells_may_hold_separators_quotation_marks_and_line_breaks(registry: Registry) -> None:
    registry.imports(
        Kind.FACILITIES,
        'code;name;district_code;address\nP8;"Klinik ""Sehat""; Cikini";3171;"Jl. Cikini\nNo. 5"\nP9;X;3171;\n',
    )
    assert registry.database.rows("SELECT name, address FROM facility WHERE code = 'P8'") == [
        ('Klinik "Sehat"; Cikini', "Jl. Cikini No. 5")
    ]


def test_lines_are_counted_as_an_editor_counts_them(registry: Registry) -> None:
    report = registry.imports(
        Kind.FACILITIES,
        'sep=,\ncode,name,district_code,address\nP8,X,3171,"Jl.\nCikini\n5"\n\nP9,,3171,\nP9,X,31,"Jl.\nCikini"\n',
    )
    assert reasons(report) == [
        (7, "name", "is empty"),
        (
            8,
            "district_code",
            "is not the code of a known district",
        ),
    ]


def test_a_row_with_too_many_cells_says_why_that_may_be(registry: Registry) -> None:
    report = registry.imports(Kind.FACILITIES, "code,name,district_code\nP8,Klinik dr. Budi, Sp.PD,3171\n")
    assert reasons(report) == [
        (2, "", "has more cells than the header: a cell that holds the separator needs quotation marks")
    ]


def test_a_row_that_is_not_utf8_is_kept_out_alone(registry: Registry) -> None:
    report = registry.imports(
        Kind.FACILITIES, "code,name,district_code\nP8,Café,3171\nP9,Klinik,3171\n".encode("cp1252")
    )
    assert reasons(report) == [(2, "name", "has characters that are not UTF-8: save the file as CSV UTF-8")]
    assert counts(report) == (1, 0, 0, 1)


def test_a_misplaced_quotation_mark_costs_its_row(registry: Registry) -> None:
    report = registry.imports(Kind.FACILITIES, 'code,name,district_code\nP8,"Klinik"X,3171\nP9,Klinik,3171\n')
    assert reasons(report) == [(2, "", "has a quotation mark in a wrong place")]
    assert counts(report) == (1, 0, 0, 1)


def test_a_quotation_mark_that_swallows_a_few_rows_is_suspected(registry: Registry) -> None:
    report = registry.imports(
        Kind.FACILITIES, 'code,name,district_code\nP7,"Klinik,3171\nP8,X,3171\nP9,"Y",3171\nP6,Z,3171\n'
    )
    assert counts(report) == (1, 0, 0, 1)
    ((line, _, reason),) = reasons(report)
    assert (line, "the row goes on to line 4: is a quotation mark missing?" in reason) == (2, True)


def test_a_quotation_mark_that_swallows_the_rest_stops_the_import(registry: Registry) -> None:
    rows = "".join(f"Q{number},Klinik,3171\n" for number in range(50))
    told = failure(registry, f'code,name,district_code\n{rows}P8,"Klinik,3171\n{rows.replace("Q", "R")}')
    assert told.startswith("facilities.csv: has a quotation mark on line 52 that is not closed before line")
    assert registry.column("SELECT count(*) FROM facility") == [3]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "facilities.csv: is empty"),
        ("\n\n , \n", "facilities.csv: is empty"),
        (b"\xef\xbb\xbf", "facilities.csv: is empty"),
        (b"%PDF-1.7\n\x00\x01\x02", "facilities.csv: is neither CSV nor XLSX (if it is UTF-16, save it as CSV UTF-8)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
            "facilities.csv: is an Excel workbook of the old kind (.xls) or with a password:"
            " save it as XLSX without one",
        ),
        ("code,name,caf\xe9\n".encode("cp1252"), "facilities.csv: is not UTF-8: save it as CSV UTF-8"),
        ("code,naam\n", "facilities.csv: needs more columns: name, district_code; it has: code, naam"),
        ("code,name,x\n", "facilities.csv: needs more columns: district_code; it has: code, name, x"),
        ("x" * 1_000_001, "facilities.csv: is not CSV: a line has more than 1,000,000 characters"),
        (
            "code,name,district_code,Name\n",
            "facilities.csv: has in its header more than once: name",
        ),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_one_line(registry: Registry, content: str | bytes, told: str) -> None:
    assert failure(registry, content) == told


def test_a_file_that_is_not_there(registry: Registry) -> None:
    with pytest.raises(ImportFailed, match=r"^nowhere\.csv: cannot be read: No such file or directory$"):
        registry.imports(Kind.FACILITIES, registry.folder / "nowhere.csv")


def test_a_folder_is_no_file(registry: Registry) -> None:
    with pytest.raises(ImportFailed, match=r"cannot be read: Is a directory$"):
        registry.imports(Kind.FACILITIES, registry.folder)


def test_columns_nobody_knows_are_ignored_and_named(registry: Registry) -> None:
    report = registry.imports(Kind.FACILITIES, "No.,code,name,district_code,Kepala  Puskesmas,\n1,P8,X,3171,Y,\n")
    assert counts(report) == (1, 0, 0, 0)
    assert [caution.text for caution in report.cautions] == ["columns that were ignored: No., Kepala Puskesmas"]


def test_a_header_alone_is_a_list_of_nobody(registry: Registry) -> None:
    assert counts(registry.imports(Kind.FACILITIES, "code,name,district_code\n")) == (0, 0, 0, 0)
