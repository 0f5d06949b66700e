"""Who may open what: every address of the command room with every role, against the one table."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule

from bot.officers.accounts import Role
from bot.officers.permissions import PERMISSIONS, May
from bot.web.admin.access import ANYBODY, SIGNED_IN, Room
from tests.web.admin.conftest import Officer, SignIn
from tests.world import World

_AREAS = {Role.PROVINCE: "32", Role.DISTRICT: "3273", Role.FACILITY: "F-OWN"}
#: What ends the session of who asks.
_ENDS = {"admin.sign_out"}


def _rules(app: Flask) -> list[tuple[Rule, str]]:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.")]
    return [
        (rule, method)
        for rule in sorted(rules, key=lambda rule: rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
        if rule.endpoint not in {"admin.static", *_ENDS}
    ]


def _path(rule: Rule) -> str:
    return re.sub(r"<(int:)?[^>]+>", lambda found: "999999" if found[1] else "x", rule.rule)


def _asks(officer: Officer, rule: Rule, method: str) -> int:
    return (officer.opens(_path(rule)) if method == "GET" else officer.sends(_path(rule))).status_code


def test_every_address_says_what_it_needs(app: Flask) -> None:
    room: Room = app.extensions["admin_room"]
    for rule, _ in _rules(app):
        needs = room.needs[rule.endpoint]
        assert isinstance(needs, May) or needs in {ANYBODY, SIGNED_IN}, rule.endpoint


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_in_where_the_table_says_so_and_nowhere_else(
    app: Flask, sign_in: SignIn, world: World, role: Role
) -> None:
    world.facility(code="F-OWN")
    officer = sign_in(role, _AREAS.get(role))
    room: Room = app.extensions["admin_room"]
    for rule, method in _rules(app):
        needs = room.needs[rule.endpoint]
        allowed = not isinstance(needs, May) or needs in PERMISSIONS[role]
        status = _asks(officer, rule, method)
        where = f"{role} {method} {rule.rule}: {status}"
        assert status < 500, where
        assert (status == 403) is not allowed, where


def test_who_is_not_signed_in_is_sent_to_the_entrance(app: Flask, world: World) -> None:
    room: Room = app.extensions["admin_room"]
    stranger = Officer(app.test_client())
    for rule, method in _rules(app):
        if room.needs[rule.endpoint] == ANYBODY:
            continue
        answer = stranger.opens(_path(rule)) if method == "GET" else stranger.sends(_path(rule))
        assert answer.status_code == 302, rule.rule
        assert answer.location.startswith("/admin/sign-in"), rule.rule


def test_an_area_that_is_gone_shows_nothing(sign_in: SignIn, world: World) -> None:
    world.facility(code="F-OWN")
    officer = sign_in(Role.FACILITY, "F-OWN")
    world.database.rows("UPDATE facility SET code = 'F-NEW' WHERE code = 'F-OWN'")
    assert officer.opens("/admin/account").status_code == 403


def test_pages_carry_what_browsers_must_know(sign_in: SignIn) -> None:
    answer = sign_in().opens("/admin/account")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
