"""The service in this process, with people whose data is kept, handed out and erased."""

from __future__ import annotations

import pytest

from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.privacy.everything import Person, fill
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "environ", "phone_of", "post", "services", "world"]


@pytest.fixture
def kartika(services: Services, world: World) -> Person:
    return fill(services, world)


@pytest.fixture
def other(services: Services, world: World, kartika: Person) -> Person:
    """Somebody else of whom everything is kept."""
    return fill(services, world, name="Bambang Sudrajat", ticket="R4T5XZ")
