"""Tokens for programs on one's own account: shown once, limited to one's own rights, ended at once."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from bot.officers.accounts import Role
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.web.admin.neighbours import neighbours
from tests.world import World

_TOKEN = re.compile(r"balas_[A-Za-z0-9_-]{43}")


def _makes(officer: Officer, **fields: object) -> str:
    """Make a token by the form and read it."""
    form = {"name": "dashboard", "rights": ["SEE_PROGRESS"], "days": "30", **fields}
    answer = officer.sends("/admin/account/tokens", form)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found = _TOKEN.search(answer.get_data(as_text=True))
    assert found is not None
    return found[0]


def _asks(app: Flask, token: str, path: str = "/progress") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().get(f"/api/v1{path}", headers=headers).status_code


def test_a_token_is_shown_once_and_works_until_it_ends(
    app: Flask, sign_in: SignIn, world: World, clock: MovableClock
) -> None:
    officer = sign_in(Role.DISTRICT, "3273")
    assert "/admin/account/tokens" in officer.reads("/admin/account")
    token = _makes(officer)
    page = officer.reads("/admin/account/tokens")
    assert "dashboard" in page
    assert not _TOKEN.search(page)
    kept = world.database.rows("SELECT t::text FROM api_token t UNION ALL SELECT detail::text FROM audit")
    assert all(token not in row for (row,) in kept)
    assert (_asks(app, token), _asks(app, token, "/campaigns")) == (200, 403)
    clock.passes(days=30)
    assert _asks(app, token) == 401


def test_a_token_that_is_revoked_is_over(app: Flask, sign_in: SignIn, world: World) -> None:
    officer, other = sign_in(), sign_in(Role.PROVINCE, "32")
    token = _makes(officer)
    number = world.database.value("SELECT id FROM api_token")
    other.sends(f"/admin/account/tokens/{number}/revoke")
    assert _asks(app, token) == 200
    for _ in range(2):
        assert officer.sends(f"/admin/account/tokens/{number}/revoke").status_code == 302
    assert _asks(app, token) == 401
    assert "revoked" in officer.reads("/admin/account/tokens")
    done = world.database.rows("SELECT actor, action FROM audit WHERE action LIKE 'token.%' ORDER BY id")
    assert done == [("national-all", "token.issue"), ("national-all", "token.revoke")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rights": []}, "at least one right"),
        ({"rights": ["SEE_SYSTEM"]}, "no right that you do not have"),
        ({"rights": ["NOTHING"]}, "at least one right"),
        ({"days": "9999"}, "lasts 1 to"),
        ({"days": "0"}, "lasts 1 to"),
        ({"name": " "}, "needs a name"),
    ],
)
def test_what_is_no_token(sign_in: SignIn, world: World, fields: dict[str, object], said: str) -> None:
    officer = sign_in(Role.DISTRICT, "3273")
    form = {"name": "dashboard", "rights": ["SEE_PROGRESS"], "days": "30", **fields}
    answer = officer.sends("/admin/account/tokens", form)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert world.database.rows("SELECT 1 FROM api_token") == []


def test_a_double_click_makes_one_token(sign_in: SignIn, world: World) -> None:
    officer = sign_in()
    _makes(officer)
    again = officer.sends("/admin/account/tokens", {"name": "dashboard", "rights": ["SEE_PROGRESS"], "days": "30"})
    assert again.status_code == 422
    assert "of that name already" in again.get_data(as_text=True)
    assert len(world.database.rows("SELECT 1 FROM api_token")) == 1


def test_one_sees_ones_own_tokens_alone(sign_in: SignIn, world: World) -> None:
    neighbours(world)
    _makes(sign_in(), name="of the ministry")
    assert "of the ministry" not in sign_in(Role.DISTRICT, "3578").reads("/admin/account/tokens")
