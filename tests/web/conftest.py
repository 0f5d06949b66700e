"""The service with its simulator, in this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bot.db import audit
from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, services, world
from tests.journeys.conftest import environ as environ_without
from tests.world import MORNING, World

__all__ = ["MovableClock", "app", "clock", "environ_without", "services", "world"]

#: Marks the roster as loaded by this action of the audit log.
Marks = Callable[[str], None]


@pytest.fixture
def environ(environ_without: dict[str, str]) -> dict[str, str]:
    return {**environ_without, "SIMULATOR": "1", "SMS_GATEWAY": "simulator", "PUBLIC_URL": "http://127.0.0.1:8000"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def mark(services: Services) -> Marks:
    def write(action: str) -> None:
        with services.database.transaction() as connection:
            audit.record(connection, MORNING, "tests", action, "roster")

    return write


@pytest.fixture
def sample(world: World, mark: Marks) -> World:
    """A made-up roster with somebody of every kind."""
    place = world.facility()
    world.session(place)
    world.worker(place, name="Siti Wulandari", birth_date=date(1985, 8, 17))
    world.worker(place, name="Made Tanpa", phone=None)
    shared = world.worker(place, name="Ayu Lestari").phone
    world.worker(place, name="Budi Lestari", sex="M", phone=shared)
    world.worker(place, name="Oma Tua", birth_date=date(1961, 1, 13))
    mark("sample.load")
    return world
