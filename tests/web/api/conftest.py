"""Programs with tokens, and a town with two districts for them to ask about."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bot.campaigns import campaigns, kept
from bot.campaigns.plans import Plan
from bot.campaigns.preview import Price
from bot.campaigns.record import Campaign
from bot.evaluation import figures
from bot.officers import accounts, tokens
from bot.officers.accounts import Admin, Role
from bot.officers.permissions import May, may
from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, environ, services, world
from tests.web.admin.neighbours import Neighbours, neighbours
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "environ", "services", "world"]

HELLO = "Yth. {name}, daftar vaksinasi: {ussd_code}"
_serial = count(1)


@dataclass
class Program:
    """A program with a token. ``asks`` returns the answer, ``reads`` the JSON of one that succeeds."""

    app: Flask
    token: str
    admin: Admin

    def asks(
        self, method: str, path: str, body: object = None, *, key: str | None = "", **query: object
    ) -> TestResponse:
        """``key``: of the idempotency, a new one unless it is told; None for no key."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if method != "GET" and key is not None:
            headers["Idempotency-Key"] = key or f"key-{next(_serial)}"
        more: dict[str, Any] = {} if body is None else {"json": body}
        return self.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, query_string=query, **more)

    def reads(self, path: str, **query: object) -> Any:
        return told(self.asks("GET", path, **query))

    def does(self, path: str, body: object = None, **more: Any) -> Any:
        return told(self.asks("POST", path, body, **more))


def told(answer: TestResponse) -> Any:
    """The JSON of an answer that succeeds."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type == "application/json"
    assert answer.headers["X-Request-Id"]
    return answer.json


def problem(answer: TestResponse, status: int, kind: str = "") -> Any:
    """The problem that an answer is."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    found = answer.json
    assert found is not None
    assert found["status"] == status
    assert found["type"] == (f"urn:balas:problem:{kind}" if kind else "about:blank")
    assert found["title"]
    assert found["detail"]
    assert found["request_id"] == answer.headers["X-Request-Id"] != ""
    return found


Programs = Callable[..., Program]


@pytest.fixture
def program(app: Flask, services: Services, world: World) -> Programs:
    """Makes an admin of a role and area, and a token of theirs: with all of their rights, or with some."""

    def make(
        role: Role = Role.NATIONAL,
        area: str | None = None,
        *,
        scopes: Collection[May] | None = None,
        name: str = "",
    ) -> Program:
        now, name = services.clock.now(), name or f"{role.value}-{area or 'all'}-{next(_serial)}"
        accounts.add(services.database, name, role, area, "correct horse battery", now=now, actor="tests")
        admin = accounts.find(services.database, name)
        assert admin is not None
        rights = [right for right in tokens.FOR_PROGRAMS if may(role, right)] if scopes is None else scopes
        return Program(app, tokens.issue(services.database, admin, "tests", rights, None, now=now), admin)

    return make


@pytest.fixture
def town(world: World, services: Services) -> Neighbours:
    """Two districts with a worker, a facility and a session each; figures are made."""
    made = neighbours(world)
    world.database.rows("UPDATE district SET province = 'Jawa Timur' WHERE code = '3578'")
    world.database.rows("UPDATE facility SET code = 'F-HERE' WHERE id = %s", (made.place,))
    world.database.rows("UPDATE facility SET code = 'F-THERE' WHERE id = %s", (made.place_there,))
    figures.make(services.database, services.clock)
    return made


def draft_of(services: Services, name: str, area: dict[str, str] | None = None, actor: str = "tests") -> Campaign:
    """A draft, counted by a worker; ``area``: whose it is."""
    plan = Plan(name, {"id": HELLO}, {} if area is None else {"area": area}, "africastalking")
    made = campaigns.create(services.database, plan, services.gateways, now=services.clock.now(), actor=actor)
    look(services, made.id)
    return made


def look(services: Services, number: int) -> None:
    """What a worker does that looks at a draft."""
    settings = services.settings
    kept.look(
        *(services.database, number, services.composer, services.clock.now()),
        window=settings.sending_window,
        price=Price(settings.sms_price, "IDR"),
    )
