"""Lists are uploaded, tried, imported, and their rejected rows fetched."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from openpyxl import Workbook
from rq import Queue

from bot import invariants, office
from bot.db.database import Database
from bot.officers.accounts import Role
from bot.privacy import retention
from bot.registration import uploads
from bot.registration.nik import Sex, make_nik
from bot.services import Services
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.world import World

HEADER = "nik,name,birth_date,phone,district_code"


@pytest.fixture
def unlimited(services: Services) -> Iterator[Database]:
    database = Database(services.settings.database_url, limit=None)
    yield database
    database.close()


def _roster(rows: int, bad: int) -> bytes:
    """A roster; the first ``bad`` rows have a NIK that is none."""
    born = date(1985, 8, 17)
    lines = [HEADER]
    for number in range(1, rows + 1):
        nik = "12345" if number <= bad else make_nik("3273", born, Sex.FEMALE, number).text
        lines.append(f"{nik},Siti Nomor {number},1985-08-17,08120{number:07d},3273")
    return ("\n".join(lines) + "\n").encode()


def _uploads(officer: Officer, content: bytes, kind: str = "roster", name: str = "roster.csv") -> str:
    answer = officer.sends("/admin/lists/", {"kind": kind, "file": (io.BytesIO(content), name)})
    assert answer.status_code == 302
    return str(answer.location)


def _people(world: World) -> int:
    return int(world.database.value("SELECT count(*) FROM worker"))


def test_a_roster_with_bad_rows_is_tried_then_imported_and_its_bad_rows_come_back(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    sri = sign_in(name="sri")
    page = _uploads(sri, _roster(2000, 30))
    waiting = sri.reads(page)
    assert 'hx-trigger="every 1s"' in waiting
    assert office.work_off(services, unlimited)["read"] == 1
    tried = sri.reads(page)
    assert "hx-trigger" not in tried
    assert "Import 1,970 rows now" in tried
    assert "is not 16 digits" in tried
    assert _people(world) == 0
    for _double_click in range(2):
        assert sri.sends(f"{page}/import").status_code == 302
    assert office.work_off(services, unlimited)["read"] == 1
    assert "The list is imported." in sri.reads(page)
    assert _people(world) == 1970
    rejected = sri.reads(f"{page}/rejected.csv")
    rows = list(csv.DictReader(io.StringIO(rejected)))
    assert len(rows) == 30
    assert rows[0]["line"] == "2"
    assert rows[0]["column"] == "nik"
    assert rows[0]["name"] == "Siti Nomor 1"
    actions = {row[0] for row in world.database.rows("SELECT action FROM audit WHERE actor = 'sri'")}
    assert {"upload.receive", "upload.import", "roster.import", "upload.rejected"} <= actions
    assert not [found for found in invariants.check(services.database, services.clock.now()) if found.count]


def test_what_is_wrong_is_said_in_the_admin_s_language(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    sri = sign_in(name="sri", language="id")
    lines = _roster(4, 1).decode().splitlines()
    again = lines[2].replace("Nomor 2", "Nomor 9")
    strange = lines[4].removesuffix("3273") + "9999"
    page = _uploads(sri, "\n".join([*lines[:4], again, strange]).encode())
    broken = _uploads(sri, b"nik;name\n1;2\n", name="broken.csv")
    for _each in range(2):
        office.work_off(services, unlimited)
    tried = sri.reads(page)
    for reason in (
        "bukan 16 angka: jumlahnya 5",
        "NIK yang sama dengan baris 3",
        "bukan kode kabupaten/kota yang terdaftar",
    ):
        assert reason in tried
    assert "Berkas masih memerlukan kolom: birth_date, district_code; yang ada: nik, name." in sri.reads(broken)
    rejected = list(csv.DictReader(io.StringIO(sri.reads(f"{page}/rejected.csv"))))
    assert [(row["line"], row["reason"]) for row in rejected][:2] == [
        ("2", "bukan 16 angka: jumlahnya 5"),
        ("5", "NIK yang sama dengan baris 3"),
    ]
    assert rejected[1]["name"] == "Siti Nomor 9"


def test_the_office_s_worker_is_told_at_once_and_once(sign_in: SignIn, world: World, services: Services) -> None:
    sri = sign_in()
    for _ in range(2):
        _uploads(sri, _roster(2, 0))
    assert Queue("office", connection=services.queue).count == 1


def test_the_same_file_twice_changes_nothing(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    sri = sign_in(name="sri")
    page = _uploads(sri, _roster(20, 0))
    office.work_off(services, unlimited)
    sri.sends(f"{page}/import")
    office.work_off(services, unlimited)
    again = _uploads(sri, _roster(20, 0))
    office.work_off(services, unlimited)
    assert "There is nothing to import" in sri.reads(again)
    assert _people(world) == 20


def test_files_lie_sealed_and_go_after_a_week(
    app: Flask, sign_in: SignIn, world: World, services: Services, unlimited: Database, clock: MovableClock
) -> None:
    sri = sign_in(name="sri")
    page = _uploads(sri, _roster(5, 2))
    [[sealed]] = world.database.rows("SELECT content_sealed FROM upload")
    assert b"Siti" not in bytes(sealed)
    office.work_off(services, unlimited)
    [[bad]] = world.database.rows("SELECT rejected_sealed FROM upload")
    assert b"Siti" not in bytes(bad)
    clock.passes(days=7, minutes=1)
    retention.run(unlimited, services.settings.kept_for, clock.now, lambda: True)
    assert world.database.rows("SELECT content_sealed, rejected_sealed FROM upload") == [(None, None)]
    sri = Officer(app.test_client())
    sri.signs_in("sri")
    assert sri.opens(f"{page}/rejected.csv").status_code == 404
    assert "Upload it again" in sri.reads(page)


def test_districts_facilities_and_sessions_are_lists_too_as_workbooks_as_well(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    sri = sign_in(name="sri")
    book = Workbook()
    assert book.active is not None
    book.active.append(["facility_code", "date", "start", "end", "capacity"])
    book.active.append(["P1", "2021-01-15", "08:00", "10:00", "25"])
    sheet = io.BytesIO()
    book.save(sheet)
    for kind, name, content in (
        ("districts", "d.csv", b"code,name,province_code,province,time_zone\n7371,Makassar,73,Sulsel,Asia/Makassar\n"),
        ("facilities", "f.csv", b"code,name,district_code\nP1,Puskesmas Bara,7371\n"),
        ("sessions", "s.xlsx", sheet.getvalue()),
    ):
        page = _uploads(sri, content, kind, name)
        office.work_off(services, unlimited)
        sri.sends(f"{page}/import")
        office.work_off(services, unlimited)
        assert "The list is imported." in sri.reads(page), kind
    assert world.database.value("SELECT capacity FROM vaccination_session") == 25


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x00\x01\x02nothing", "is neither CSV nor XLSX"),
        (b"PK\x03\x04 and then nothing", "is not a workbook that can be read"),
        (b"\xd0\xcf\x11\xe0old", "of the old kind"),
        (b"a,b\n1,2\n", "column"),
    ],
)
def test_what_is_no_list_is_told_plainly(
    sign_in: SignIn, world: World, services: Services, unlimited: Database, content: bytes, told: str
) -> None:
    sri = sign_in()
    page = _uploads(sri, content)
    office.work_off(services, unlimited)
    said = sri.reads(page)
    assert told in said
    assert "Not imported" in said


def _bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        archive.writestr("_rels/.rels", f'<R><Relationship Id="a" Type="{kind}/officeDocument" Target="w.xml"/></R>')
        archive.writestr("w.xml", '<w><sheets><sheet name="S" id="s"/></sheets></w>')
        archive.writestr("_rels/w.xml.rels", '<R><Relationship Id="s" Type="x/worksheet" Target="s.xml"/></R>')
        with archive.open("s.xml", "w") as sheet:
            sheet.write(b"<worksheet>")
            for _ in range(64):
                sheet.write(b" " * 1024**2)
            sheet.write(b"</worksheet>")
    return made.getvalue()


def test_a_bomb_does_not_go_off(sign_in: SignIn, world: World, services: Services, unlimited: Database) -> None:
    content = _bomb()
    assert len(content) < 200_000
    sri = sign_in()
    page = _uploads(sri, content, name="bomb.xlsx")
    office.work_off(services, unlimited)
    assert "unpacks to far more than a list can be" in sri.reads(page)


def test_an_archive_of_a_million_parts_is_refused_before_its_list_is_read(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number:030d}", b"")
    sri = sign_in()
    page = _uploads(sri, made.getvalue(), name="parts.xlsx")
    office.work_off(services, unlimited)
    assert "more parts than a workbook can have" in sri.reads(page)


def test_an_upload_whose_worker_died_is_read_anew_and_given_up_at_last(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    sri = sign_in()
    page = _uploads(sri, _roster(5, 0))
    world.database.rows("UPDATE upload SET state = 'running', report = '{\"tries\": 1}'")
    assert office.work_off(services, unlimited)["read"] == 1
    assert "Import 5 rows now" in sri.reads(page)
    world.database.rows("UPDATE upload SET state = 'running', report = '{\"tries\": 3}'")
    office.work_off(services, unlimited)
    assert "Split the file" in sri.reads(page)


def test_two_workers_never_read_one_upload_together(
    sign_in: SignIn, world: World, services: Services, unlimited: Database
) -> None:
    _uploads(sign_in(), _roster(5, 0))
    [[number]] = world.database.rows("SELECT id FROM upload")
    with uploads._held(unlimited, number) as held:
        assert held
        assert uploads.read_next(unlimited, services.vault, services.clock) is None
    assert uploads.read_next(unlimited, services.vault, services.clock) == number


def test_only_uploads_may_be_large_and_only_by_those_who_may_upload(app: Flask, sign_in: SignIn, world: World) -> None:
    large = b"x" * 200_000
    form = {"kind": "roster", "file": (io.BytesIO(large), "a.csv")}
    assert sign_in(Role.PROVINCE, "32").sends("/admin/lists/", dict(form)).status_code in {403, 413}
    stranger = Officer(app.test_client())
    answer = stranger.sends("/admin/lists/", {"kind": "roster", "file": (io.BytesIO(large), "a.csv")})
    assert answer.status_code == 413
    assert sign_in().sends("/admin/users/add", {"name": "x" * 200_000}).status_code == 413
    assert world.database.value("SELECT count(*) FROM upload") == 0


def test_a_file_is_needed_and_a_name_is_only_a_name(sign_in: SignIn, world: World) -> None:
    sri = sign_in()
    assert sri.sends("/admin/lists/", {"kind": "roster"}).location == "/admin/lists/"
    assert (
        sri.sends("/admin/lists/", {"kind": "roster", "file": (io.BytesIO(b""), "a.csv")}).location == "/admin/lists/"
    )
    _uploads(sri, b"nik\n", name="../../etc/p<a>sswd.csv")
    assert world.database.value("SELECT file_name FROM upload") == "p_a_sswd.csv"
    assert "p_a_sswd.csv" in sri.reads("/admin/lists/")
