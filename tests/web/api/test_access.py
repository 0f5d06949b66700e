"""Who may ask what: every route with every role, with tokens that lack the right, and with tokens that are over."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from bot.officers import managing, tokens
from bot.officers.accounts import Role
from bot.officers.permissions import PERMISSIONS, May
from bot.services import Services
from bot.web.api.front import declared
from bot.web.api.routes import Route
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import HELLO, MovableClock, Program, Programs, problem, told

ROUTES = declared().every()
_AREAS = {Role.PROVINCE: "32", Role.DISTRICT: "3273", Role.FACILITY: "F-HERE"}
#: A body that each route takes, and a query where one must be given.
_BODIES: dict[str, Any] = {
    "make_draft": {"name": "first", "texts": {"id": HELLO}},
    "approve_campaign": {"seen": "x"},
    "send_campaign": {"seen": "x"},
    "search_people": {"name": "siti"},
    "book_place": {"session": 999999},
    "sending": {"sending": "stop"},
}
_QUERIES: dict[str, dict[str, object]] = {"find_people": {"phone": "081200000001"}, "cancel_booking": {"booking": 1}}


def _asks(program: Program, route: Route) -> Any:
    path = re.sub(r"<(int:)?[^>]+>", lambda found: "999999" if found[1] else "x", route.rule)
    return program.asks(route.method, path, _BODIES.get(route.name), **_QUERIES.get(route.name, {}))


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_in_where_the_table_says_so_and_nowhere_else(
    program: Programs, town: Neighbours, role: Role
) -> None:
    caller = program(role, _AREAS.get(role))
    for route in ROUTES:
        answer = _asks(caller, route)
        where = f"{role} {route.method} {route.rule}: {answer.status_code}"
        assert answer.status_code < 500, where
        assert (answer.status_code == 403) is (route.needs not in PERMISSIONS[role]), where
        if answer.status_code == 403:
            problem(answer, 403, "right")


def test_a_token_can_do_no_more_than_it_was_made_for(program: Programs, town: Neighbours) -> None:
    for route in ROUTES:
        rights = set(tokens.FOR_PROGRAMS) - {route.needs}
        answer = _asks(program(scopes=rights), route)
        assert problem(answer, 403, "right")["detail"] == f"This token has not the right {route.needs.name}."
        assert _asks(program(scopes={route.needs}), route).status_code != 403


def test_tokens_are_offered_the_rights_that_routes_ask_for() -> None:
    assert {route.needs for route in ROUTES} == set(tokens.FOR_PROGRAMS)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic YTpi", "Bearer balas_x", "Bearer \xff\xfe"])
def test_without_a_token_nothing_is_told(app: Flask, header: str | None) -> None:
    for route in ROUTES:
        path = re.sub(r"<(int:)?[^>]+>", "1", route.rule)
        headers = {} if header is None else {"Authorization": header}
        answer = app.test_client().open(f"/api/v1{path}", method=route.method, headers=headers)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_is_over_when_it_is_revoked_or_its_time_is_up_or_its_admin_is_disabled(
    program: Programs, services: Services, clock: MovableClock, town: Neighbours
) -> None:
    database = services.database
    caller, other = program(), program()
    told(caller.asks("GET", "/system"))
    [token] = tokens.listed(database, caller.admin)
    assert tokens.revoke(database, caller.admin, token.id, now=clock.now)
    problem(caller.asks("GET", "/system"), 401)
    until = clock.now + timedelta(days=1)
    caller.token = tokens.issue(database, caller.admin, "a day", [May.SEE_SYSTEM], until, now=clock.now)
    told(caller.asks("GET", "/system"))
    clock.passes(days=1)
    problem(caller.asks("GET", "/system"), 401)
    managing.disable(database, other.admin.id, now=clock.now, actor=caller.admin.name)
    problem(other.asks("GET", "/system"), 401)


def test_who_has_another_role_by_now_can_do_what_that_may(program: Programs, town: Neighbours) -> None:
    caller = program()
    told(caller.asks("GET", "/system"))
    town.world.database.rows("UPDATE admin SET role = 'district', area_code = '3273' WHERE id = %s", (caller.admin.id,))
    detail = problem(caller.asks("GET", "/system"), 403, "right")["detail"]
    assert detail == "This token's admin has not the right SEE_SYSTEM."
    assert caller.reads("/progress")["code"] == "3273"


def test_an_area_that_is_gone_shows_nothing(program: Programs, town: Neighbours) -> None:
    caller = program(Role.FACILITY, "F-HERE")
    town.world.database.rows("UPDATE facility SET code = 'F-NEW' WHERE code = 'F-HERE'")
    problem(caller.asks("GET", "/progress"), 403, "area")


def test_a_use_is_noted_once_a_minute(program: Programs, services: Services, clock: MovableClock) -> None:
    caller, noted = program(), []
    for seconds in (0, 59, 1):
        clock.passes(seconds=seconds)
        told(caller.asks("GET", "/system"))
        [token] = tokens.listed(services.database, caller.admin)
        noted.append(token.last_used_at)
    assert noted == [clock.now - timedelta(minutes=1)] * 2 + [clock.now]


def test_webhooks_pay_nothing_for_it(app: Flask) -> None:
    """The API asks nothing of a request that is not its own."""
    functions = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
        app.url_value_preprocessors,
    )
    assert [each for each in functions if "api" in each] == []
    assert not app.before_request_funcs.get(None)
    assert (
        len(app.after_request_funcs[None]) == 1
    )  # the headers of pages and the access log, of neither of which webhooks have any


class TestTooMany:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "API_REQUESTS_A_MINUTE": "3"}

    def test_requests_with_a_token_are_limited(self, program: Programs, town: Neighbours) -> None:
        caller, other = program(), program()
        for _ in range(3):
            told(caller.asks("GET", "/system"))
        answer = caller.asks("GET", "/system")
        problem(answer, 429)
        assert int(answer.headers["Retry-After"]) > 0
        told(other.asks("GET", "/system"))
