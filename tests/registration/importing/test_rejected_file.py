"""The file of rejected rows: for its owner's eyes, harmless in a spreadsheet, and good to be imported again."""

from __future__ import annotations

import csv
import os
import stat
from pathlib import Path

import pytest

from bot.registration.importing import ImportFailed, Kind
from tests.registration.importing.conftest import ROSTER_HEADER, Registry, counts, nik, warnings

GOOD = f"{nik(1)},Siti,1985-08-17,,,3171,,"
BAD = f"{nik(2)},Budi,1985-08-17,,+62 812 3456 7890,9999,,"


def test_only_its_owner_may_read_it_whatever_the_umask(registry: Registry) -> None:
    before = os.umask(0)
    try:
        report = registry.roster(GOOD, BAD)
    finally:
        os.umask(before)
    assert report.rejected_file == registry.folder / "roster.csv.rejected.csv"
    assert stat.S_IMODE(report.rejected_file.stat().st_mode) == 0o600


def test_it_replaces_an_older_one_that_others_could_read(registry: Registry) -> None:
    path = registry.file("roster.csv.rejected.csv", "old")
    path.chmod(0o644)
    registry.roster(BAD)
    assert "old" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_holds_line_column_reason_and_the_row_as_it_was(registry: Registry) -> None:
    report = registry.roster(GOOD, BAD, header=f"{ROSTER_HEADER}".replace("nik", "NIK"))
    assert report.rejected_file is not None
    assert report.rejected_file.read_text().splitlines() == [
        "line,column,reason," + ROSTER_HEADER.replace("nik", "NIK"),
        f"3,district_code,is not the code of a known district,{nik(2)},Budi,1985-08-17,,'+62 812 3456 7890,9999,,",
    ]


def test_no_cell_is_a_formula(registry: Registry) -> None:
    dangerous = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"]
    report = registry.imports(Kind.FACILITIES, "code,name,district_code,address,=x\n" + ",".join(dangerous) + "\n")
    assert report.rejected_file is not None
    with report.rejected_file.open(newline="") as file:
        header, row = csv.reader(file)
    assert header[3:] == ["code", "name", "district_code", "address", "'=x"]
    assert row[3:] == [f"'{cell}" for cell in dangerous]


def test_mended_it_is_imported_without_ado(registry: Registry) -> None:
    report = registry.roster(BAD)
    assert report.rejected_file is not None
    mended = registry.file("mended.csv", report.rejected_file.read_text().replace("9999", "3171"))
    again = registry.imports(Kind.ROSTER, mended)
    assert counts(again) == (1, 0, 0, 0)
    assert list(warnings(again)) == ["a leading apostrophe was taken off"]


def test_a_file_with_semicolons_gets_one_with_semicolons(registry: Registry) -> None:
    report = registry.imports(Kind.FACILITIES, "code;name;district_code\nP8;X;9\n")
    assert report.rejected_file is not None
    assert report.rejected_file.read_text().startswith("line;column;reason;code;name;district_code\n")


def test_it_goes_where_it_is_told_to(registry: Registry) -> None:
    report = registry.imports(Kind.ROSTER, f"{ROSTER_HEADER}\n{BAD}\n", rejected_path=registry.folder / "elsewhere.csv")
    assert report.rejected_file == registry.folder / "elsewhere.csv"
    assert not (registry.folder / "roster.csv.rejected.csv").exists()


def test_there_is_none_when_every_row_goes_in(registry: Registry) -> None:
    assert registry.roster(GOOD).rejected_file is None
    assert [path.name for path in registry.folder.glob("*rejected*")] == []


@pytest.mark.parametrize("place", ["nowhere/rejected.csv", ".", "roster.csv"])
def test_where_it_cannot_be_written_nothing_is_imported(registry: Registry, place: str) -> None:
    path = registry.file("roster.csv", f"{ROSTER_HEADER}\n{GOOD}\n{BAD}\n")
    with pytest.raises(ImportFailed, match=r"^roster\.csv: its rejected rows cannot"):
        registry.imports(Kind.ROSTER, path, rejected_path=registry.folder / place)
    assert registry.column("SELECT count(*) FROM worker") == [0]
    assert path.read_text().endswith(f"{BAD}\n")


def test_a_failed_import_leaves_no_draft_behind(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _files(registry.folder)
    registry.database.rows(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no audit today'; END $$"
    )
    registry.database.rows("CREATE TRIGGER refuse BEFORE INSERT ON audit EXECUTE FUNCTION refuse()")
    with pytest.raises(Exception, match="no audit today"):
        registry.roster(GOOD, BAD)
    assert _files(registry.folder) == before | {"roster.csv"}
    assert registry.column("SELECT count(*) FROM worker") == [0]


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
