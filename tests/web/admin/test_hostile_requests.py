"""The command room attacked: forms without their token, other people's areas, other hosts, other sites."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule

from bot.evaluation import figures
from bot.followup import gathering
from bot.officers.accounts import Role
from bot.services import Services
from tests.web.admin.conftest import SignIn
from tests.web.admin.neighbours import Neighbours, neighbours
from tests.web.admin.test_follow_up import blast
from tests.web.api.conftest import draft_of
from tests.world import MORNING, World

_SECRET_NAME = "Zahra Terlarang"


@pytest.fixture
def town(world: World) -> Neighbours:
    return neighbours(world)


def _rules(app: Flask, method: str) -> list[Rule]:
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and method in (rule.methods or ())
    ]
    return sorted(rules, key=lambda rule: rule.rule)


def _audited(services: Services) -> int:
    return int(services.database.value("SELECT count(*) FROM audit"))


def test_no_form_does_anything_without_this_sessions_token(app: Flask, sign_in: SignIn, services: Services) -> None:
    officer, other = sign_in(name="first"), sign_in(name="second")
    before = _audited(services)
    rules = _rules(app, "POST")
    assert len(rules) > 45
    for rule in rules:
        path = re.sub(r"<(int:)?[^>]+>", lambda found: "1" if found[1] else "x", rule.rule)
        for token in ({}, {"csrf_token": ""}, {"csrf_token": other.token()}, {"csrf_token": "é" * 40}):
            answer = officer.client.post(path, data=token)
            assert answer.status_code == 400, (path, token, answer.status_code)
        assert officer.client.post(f"{path}?csrf_token={officer.token()}").status_code == 400, path
    assert _audited(services) == before


def test_what_changes_something_is_never_a_get(app: Flask) -> None:
    # A form that another site sends as a link, and methods that a page cannot send, find nothing.
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS", "POST"}, rule.rule
            assert not {"GET", "POST"} <= (rule.methods or set()), rule.rule


def test_no_address_answers_to_trace(app: Flask) -> None:
    client = app.test_client()
    for path in ("/admin/", "/admin/account", "/api/v1/progress", "/healthz", "/metrics", "/webhooks/twilio/sms"):
        answer = client.open(path, method="TRACE", headers={"X-Mine": "echo"})
        assert answer.status_code == 405, path
        assert "echo" not in answer.get_data(as_text=True)


def test_a_browsers_session_opens_nothing_of_the_api(sign_in: SignIn) -> None:
    officer = sign_in()
    for method, path in (("GET", "/api/v1/progress"), ("POST", "/api/v1/system/sending"), ("GET", "/api/v1/audit")):
        assert officer.client.open(path, method=method, json={}).status_code == 401
    answer = officer.client.get("/api/v1/progress", headers={"Origin": "https://evil.example"})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_every_page_says_what_browsers_must_keep_to(app: Flask, sign_in: SignIn, town: Neighbours) -> None:
    officer = sign_in()
    for rule in _rules(app, "GET"):
        path = re.sub(r"<(int:)?[^>]+>", lambda found: "1" if found[1] else "x", rule.rule)
        headers = officer.opens(path).headers
        policy = headers["Content-Security-Policy"]
        for part in (
            "default-src 'self'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ):
            assert part in policy, path
        assert "unsafe" not in policy, path
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["Cache-Control"] == "no-store", path


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere", "/api/v1/", "/api/v1/openapi.json", "/admin"])
def test_so_does_every_other_answer(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_only_what_is_there_is_kept_by_caches(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/admin/static/js/main.js").headers["Cache-Control"].startswith("public")
    answer = client.get("/admin/static/js/nothing.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize("path", ["/admin", "/admin/users", "/admin/", "/admin/account"])
def test_nobody_is_led_to_the_host_that_a_request_names(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert answer.status_code in {302, 308}
    assert answer.headers["Location"].startswith("/admin/")
    assert "evil.example" not in answer.headers["Location"]


@pytest.mark.parametrize(
    "target",
    [
        *(
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
        ),
        *(
            "/\t/evil.example/admin/",
            "//evil.example/admin/",
            "http:/admin/",
            "data:text/html,/admin/",
            "/admin/\\..\\evil",
        ),
        *(
            "https:evil.example/admin/",
            "//evil.example\\@/admin/",
            "/%2f/evil.example",
            "/admin\r\nSet-Cookie: x=1",
            "/api/v1/",
        ),
        *("/simulator/", "admin/", "?x", "#x", " //evil.example/admin/", "\x00//evil.example/admin/"),
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in_or_choosing_a_language(sign_in: SignIn, target: str) -> None:
    officer = sign_in()
    form = {"name": officer.name, "password": "correct horse battery", "csrf_token": officer.token()}
    answer = officer.client.post("/admin/sign-in", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.location) == (302, "/admin/")
    answer = officer.sends("/admin/language", {"language": "en", "back": target})
    assert (answer.status_code, answer.location) == (302, "/admin/")


@pytest.fixture
def elsewhere(town: Neighbours, services: Services, world: World) -> dict[str, object]:
    """Ids of everything that lies in the other district, where a name stands that nobody here may read."""
    database = services.database
    blast(world, town.there, "rejected")
    claim = database.value(
        "INSERT INTO phone_claim (worker_id, phone, state, roster_phone, opened_at) "
        "VALUES (%s, '+6285700000009', 'open', %s, %s) RETURNING id",
        (town.there.id, town.there.phone, MORNING),
    )
    booking = database.value(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "VALUES (%s, %s, 'booked', 'ABC234', %s, %s) RETURNING id",
        (town.there.id, town.session_there, MORNING, MORNING),
    )
    enquiry = database.value(
        "INSERT INTO enquiry (phone, nik_hash, nik_sealed, district_code, created_at) "
        "VALUES ('+6285700000009', 'x', %s, '3578', %s) RETURNING id",
        (services.vault.seal("3578015708850042", "nik"), MORNING),
    )
    upload = database.value(
        "INSERT INTO upload (kind, file_name, dry_run, state, uploaded_by, uploaded_at, total) "
        "VALUES ('roster', %s, true, 'finished', 'somebody', %s, 100) RETURNING id",
        (_SECRET_NAME, MORNING),
    )
    campaign = draft_of(services, "there", {"district": "3578"})
    figures.make(database, services.clock)
    gathering.gather(database, services.clock)
    database.rows("UPDATE worker SET name = %s WHERE id = %s", (_SECRET_NAME, town.there.id))
    database.rows("UPDATE facility SET name = %s WHERE id = %s", (_SECRET_NAME, town.place_there))
    database.rows("UPDATE campaign SET name = %s WHERE id = %s", (_SECRET_NAME, campaign.id))
    database.rows("UPDATE vaccination_session SET taken = 1 WHERE id = %s", (town.session_there,))
    return {
        "worker": town.there.id,
        "claim_id": claim,
        "session_id": town.session_there,
        "facility_id": town.place_there,
        "booking_id": booking,
        "district": "3578",
        "campaign": campaign.id,
        "enquiry": enquiry,
        "upload": upload,
        "user": database.value("SELECT min(id) FROM admin") or 1,
    }


def _paths(app: Flask, method: str, values: dict[str, object]) -> list[str]:
    adapter, found = app.url_map.bind("balas.example"), []
    for rule in _rules(app, method):
        if rule.endpoint in {"admin.static", "admin.nowhere", "admin.sign_out", "admin.sign_in_now"}:
            continue
        kinds = {"/campaigns/": "campaign", "/evaluation/": "campaign", "/enquiries/": "enquiry", "/lists/": "upload"}
        number = next((values[kind] for part, kind in kinds.items() if part in rule.rule), values["user"])
        for what in ("open", "close", "cancel", "capacity") if "what" in rule.arguments else ("",):
            given = {**values, "number": number, "kind": "csv", "what": what}
            found.append(adapter.build(rule.endpoint, {name: given[name] for name in rule.arguments}))
    return found


_WATCHED = {
    "worker": "id = %(worker)s",
    "booking": "worker_id = %(worker)s",
    "vaccination_session": "id = %(session_id)s",
    "phone_claim": "id = %(claim_id)s",
    "enquiry": "id = %(enquiry)s",
    "upload": "id = %(upload)s",
    "campaign": "id = %(campaign)s",
    "message": "worker_id = %(worker)s",
    "opt_out": "true",
    "follow_up_case": "worker_id = %(worker)s",
}


def _standing(services: Services, values: dict[str, object]) -> dict[str, list[object]]:
    return {
        table: list(services.database.rows(f"SELECT to_jsonb(t) FROM {table} t WHERE {where} ORDER BY 1", values))
        for table, where in _WATCHED.items()
    }


@pytest.mark.parametrize(
    ("role", "area"),
    [(Role.PROVINCE, "32"), (Role.DISTRICT, "3273"), (Role.FACILITY, "F-HERE")],
)
def test_nothing_of_another_area_is_seen_or_changed_by_any_address(
    app: Flask,
    sign_in: SignIn,
    services: Services,
    town: Neighbours,
    elsewhere: dict[str, object],
    role: Role,
    area: str,
) -> None:
    services.database.rows("UPDATE facility SET code = 'F-HERE' WHERE id = %s", (town.place,))
    officer = sign_in(role, area)
    before = _standing(services, elsewhere)
    queries: list[dict[str, str]] = [
        {},
        {"district": "3578", "province": "35", "facility": str(town.place_there), "day": "2021-01-14"},
        {"a": str(elsewhere["campaign"]), "b": str(elsewhere["campaign"]), "q": _SECRET_NAME, "ticket": "ABC234"},
    ]
    for path in _paths(app, "GET", elsewhere):
        for query in queries:
            answer = officer.opens(path, **query)
            assert answer.status_code < 500, (path, query)
            assert _SECRET_NAME not in answer.get_data(as_text=True), (path, query)
    forms: list[dict[str, object]] = [
        {
            "phone": "+6281311111111",
            "language": "en",
            "want": "no",
            "decision": decision,
            "reason": "a good enough reason",
            "booking": elsewhere["booking_id"],
            "session": town.session_there,
            "condition": "none",
            "once": f"hostile-{decision}",
            "typed": typed,
            "name": typed,
            "facility": town.place_there,
            "state": "attended",
            "as": "attended",
            "mark": "attended",
            "outcome": "called",
            "note": "x",
            "capacity": "1",
            "places": "1",
            "date": "2021-01-14",
            "sure": "yes",
            "seen": "x",
            "answer": "approve",
            "day": "2021-01-14",
            "start": "08:00",
            "end": "09:00",
            "rate": "1",
            "cap": "1",
        }
        for decision, typed in (("approve", _SECRET_NAME), ("decline", town.there.nik), ("leave", "ABC234"))
    ]
    for path in _paths(app, "POST", elsewhere):
        for form in forms:
            answer = officer.sends(path, dict(form))
            assert answer.status_code < 500, path
            told = answer.get_data(as_text=True)
            typed = str(form["typed"])
            assert _SECRET_NAME not in (told if typed != _SECRET_NAME else ""), (path, form["typed"])
    assert _standing(services, elsewhere) == before


def test_the_same_walk_as_the_ministry_does_change_things(
    app: Flask, sign_in: SignIn, services: Services, town: Neighbours, elsewhere: dict[str, object]
) -> None:
    """So that the walk above is known to knock at doors that open."""
    officer = sign_in()
    shown = sum(_SECRET_NAME in officer.opens(path).get_data(as_text=True) for path in _paths(app, "GET", elsewhere))
    assert shown >= 10
    before = _standing(services, elsewhere)
    form = {"phone": "+6281311111111", "language": "en", "want": "no", "decision": "approve"}
    for path in _paths(app, "POST", elsewhere):
        if path.startswith(f"/admin/people/{town.there.id}"):
            officer.sends(path, dict(form))
    assert _standing(services, elsewhere) != before
