"""Names and texts that are code: in the registry, in lists, in campaigns and in SMS. No page or download carries them out."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from bot.evaluation import figures
from bot.followup import gathering
from bot.officers.accounts import Role
from bot.services import Services
from tests.web.admin.conftest import SignIn
from tests.web.admin.neighbours import Neighbours, neighbours
from tests.web.admin.test_follow_up import blast
from tests.web.api.conftest import draft_of
from tests.world import MORNING, World

#: HTML, an attribute's end, a spreadsheet's formula, and the placeholders of Jinja, of str.format and of %.
NASTY = '=HYPERLINK("http://evil.example")<script>alert(1)</script>"onmouseover=\'x\'{{7*7}}{0.__class__}%(x)s'
_ESCAPED = "&lt;script&gt;alert(1)"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.fixture
def town(world: World, services: Services) -> Neighbours:
    made = neighbours(world)
    made.world.booking(made.here)
    return made


@pytest.fixture
def hostile(town: Neighbours, services: Services, sign_in: SignIn) -> dict[str, object]:
    """Everything that comes from elsewhere is nasty; returns the values of addresses."""
    database = services.database
    officer = sign_in(name="first")
    form = {"session": town.session, "condition": "none"}
    officer.sends(f"/admin/people/{town.here.id}/book", {**form, "once": "hostile-1"})
    booking = database.value(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at, phone) "
        "VALUES (%s, %s, 'booked', 'ABC234', %s, %s, '+6285700000001') ON CONFLICT DO NOTHING RETURNING id",
        (town.here.id, town.session, MORNING, MORNING),
    ) or database.value("SELECT id FROM booking LIMIT 1")
    campaign = draft_of(services, "hostile")
    blast(town.world, town.here, "rejected")
    database.rows("UPDATE message SET reason = %s, body = %s", (NASTY, NASTY))
    enquiry = database.value(
        "INSERT INTO enquiry (phone, nik_hash, nik_sealed, district_code, created_at, decline_reason) "
        "VALUES ('+6285700000009', 'x', %s, '3273', %s, %s) RETURNING id",
        (services.vault.seal("3273015708850042", "nik"), MORNING, NASTY),
    )
    upload = database.value(
        "INSERT INTO upload (kind, file_name, dry_run, state, uploaded_by, uploaded_at, total, report) "
        "VALUES ('roster', %s, true, 'failed', %s, %s, 100, jsonb_build_object('fault', %s::text)) RETURNING id",
        (NASTY, NASTY, MORNING, NASTY),
    )
    database.rows(
        "INSERT INTO audit (at, actor, action, subject, detail) VALUES (%s, %s, %s, %s, jsonb_build_object('x', %s::text))",
        (MORNING, NASTY, NASTY, f"worker:{town.here.id}", NASTY),
    )
    database.rows(
        "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, reason, received_at) "
        "VALUES ('africastalking', 'x1', %s, %s, 'dead', %s, %s)",
        (town.here.phone, services.vault.seal(NASTY, "inbound"), NASTY, MORNING),
    )
    figures.make(database, services.clock)
    gathering.gather(database, services.clock)
    database.rows("UPDATE worker SET name = %s, profession = %s", (NASTY, NASTY))
    database.rows("UPDATE facility SET name = %s, address = %s", (NASTY, NASTY))
    database.rows("UPDATE district SET name = %s, province = %s", (NASTY, NASTY))
    database.rows("UPDATE campaign SET name = %s, created_by = %s", (NASTY, NASTY))
    figures.make(database, services.clock)
    return {
        "worker": town.here.id,
        "session_id": town.session,
        "facility_id": town.place,
        "booking_id": booking,
        "district": "3273",
        "campaign": campaign.id,
        "enquiry": enquiry,
        "upload": upload,
        "user": database.value("SELECT id FROM admin WHERE name = 'first'"),
    }


def _numbered(rule: Rule, values: dict[str, object]) -> dict[str, object]:
    """The values of one rule: what ``number`` counts is told by where it stands."""
    kinds = {"/campaigns/": "campaign", "/evaluation/": "campaign", "/enquiries/": "enquiry", "/lists/": "upload"}
    number = next((values[kind] for part, kind in kinds.items() if part in rule.rule), values["user"])
    return {**values, "number": number}


def _pages(app: Flask, values: dict[str, object]) -> list[str]:
    """Every address that is opened by GET, with every kind of download that it has."""
    adapter, found = app.url_map.bind("balas.example"), []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if not rule.endpoint.startswith("admin.") or "GET" not in (rule.methods or set()):
            continue
        if rule.endpoint in {"admin.static", "admin.nowhere"}:
            continue
        named = _numbered(rule, values)
        for kind in ("csv", "xlsx") if "kind" in rule.arguments else ("",):
            for what in ("districts", "provinces", "facilities", "curve") if "what" in rule.arguments else ("",):
                given = {**named, "kind": kind, "what": what}
                found.append(adapter.build(rule.endpoint, {name: given[name] for name in rule.arguments}))
    return found


def _cells(answer: TestResponse) -> list[str]:
    if "spreadsheetml" in answer.content_type:
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
            parts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")}
        assert not any("<f>" in part or "<hyperlink" in part for part in parts.values())
        return []
    text = answer.get_data().decode("utf-8-sig")
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def test_no_page_and_no_download_carries_out_what_stands_in_a_name(
    app: Flask, sign_in: SignIn, hostile: dict[str, object]
) -> None:
    officer = sign_in(name="second")
    shown: set[str] = set()
    downloads = 0
    more = {"/admin/people/": {"typed": "x"}, "/admin/evaluation/compare": {"a": str(hostile["campaign"])}}
    for path in _pages(app, hostile):
        answer = officer.opens(path, **more.get(path, {}))
        assert answer.status_code < 500, path
        if answer.status_code != 200:
            continue
        if "attachment" in answer.headers.get("Content-Disposition", ""):
            downloads += 1
            bad = [
                cell for cell in _cells(answer) if cell.startswith(_FORMULA) and not re.fullmatch(r"[+-][0-9.]+", cell)
            ]
            assert bad == [], path
            continue
        page = answer.get_data(as_text=True)
        assert "<script>alert" not in page, path
        assert '"onmouseover' not in page.replace('\\"onmouseover', ""), path
        assert "{49}" not in page, path
        assert "}}49" not in page, path
        if _ESCAPED in page:
            shown.add(re.sub(r"[0-9]+", "N", path))
    assert downloads >= 6
    # the walk has seen what it looked for
    assert {
        "/admin/campaigns/",
        "/admin/campaigns/N/",
        "/admin/follow-up/N/",
        "/admin/follow-up/N/print",
        "/admin/lists/",
        "/admin/lists/N",
        "/admin/people/N",
        "/admin/progress/",
        "/admin/sessions/N",
        "/admin/system/",
        "/admin/system/audit",
    } <= shown, shown


def test_a_search_shows_names_as_names(sign_in: SignIn, town: Neighbours, services: Services) -> None:
    name = "<img src=x onerror=alert(1)> {{7*7}}"
    services.database.rows("UPDATE worker SET name = %s", (name,))
    officer = sign_in(Role.DISTRICT, "3273")
    page = officer.sends("/admin/people/", {"typed": town.here.phone}).get_data(as_text=True)
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; {{7*7}}" in page


def test_what_is_typed_comes_back_as_text(sign_in: SignIn) -> None:
    officer = sign_in()
    for path, field in (("/admin/people/", "typed"), ("/admin/account/tokens", "name"), ("/admin/users/add", "name")):
        page = officer.sends(path, {field: NASTY, "role": "national"}).get_data(as_text=True)
        assert "<script>alert" not in page, path
        assert '"onmouseover' not in page, path
    page = officer.sends("/admin/campaigns/new", {"name": NASTY, "text_id": NASTY}).get_data(as_text=True)
    assert "<script>alert" not in page
    page = officer.opens("/admin/system/audit", actor=NASTY, action=NASTY, subject=NASTY).get_data(as_text=True)
    assert "<script>alert" not in page


def test_a_campaigns_text_is_not_a_program(sign_in: SignIn, services: Services) -> None:
    officer = sign_in()
    for text in (
        "{0.__class__}",
        "{name.__class__.__init__.__globals__}",
        "{{7*7}}",
        "{name!r}",
        "{name:>99999999}",
        "{%x%}",
    ):
        answer = officer.sends("/admin/campaigns/new", {"name": "x", "text_id": text, "gateway": "africastalking"})
        assert answer.status_code != 302, text
        assert "49" not in re.findall(r"<textarea.*?</textarea>", answer.get_data(as_text=True), re.S)[0].replace(
            text, ""
        )
    assert services.database.value("SELECT count(*) FROM campaign") == 0
