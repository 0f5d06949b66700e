"""The command room in this process, and officers who sign in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.officers import accounts
from bot.officers.accounts import Role
from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, environ, services, world
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "environ", "services", "world"]

PASSWORD = "correct horse battery"


@dataclass
class Officer:
    """Somebody at a browser. ``opens`` and ``sends`` return the answer; a form carries the session's token."""

    client: FlaskClient
    name: str = ""

    def opens(self, path: str, **query: str) -> TestResponse:
        return self.client.get(path, query_string=query)

    def reads(self, path: str, **query: str) -> str:
        answer = self.opens(path, **query)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def sends(self, path: str, form: dict[str, object] | None = None) -> TestResponse:
        return self.client.post(path, data={**(form or {}), "csrf_token": self.token()}, follow_redirects=False)

    def token(self) -> str:
        with self.client.session_transaction() as session:
            known = session.get("csrf")
        if known is None:
            found = re.search(
                r'name="csrf-token" content="([^"]+)"', self.opens("/admin/sign-in").get_data(as_text=True)
            )
            assert found is not None
            known = found[1]
        return str(known)

    def signs_in(self, name: str, password: str = PASSWORD, **more: object) -> TestResponse:
        self.name = name
        return self.sends("/admin/sign-in", {"name": name, "password": password, **more})


SignIn = Callable[..., Officer]


@pytest.fixture
def sign_in(app: Flask, services: Services, world: World) -> SignIn:
    """Makes an officer of a role, for an area where it has one, and signs them in (in English unless told)."""

    def make(role: Role = Role.NATIONAL, area: str | None = None, *, name: str = "", language: str = "en") -> Officer:
        name = name or f"{role.value}-{area or 'all'}"
        accounts.add(services.database, name, role, area, PASSWORD, now=services.clock.now(), actor="tests")
        services.database.rows("UPDATE admin SET language = %s WHERE name = %s", (language, name))
        officer = Officer(app.test_client())
        assert officer.signs_in(name).status_code == 302
        return officer

    return make
