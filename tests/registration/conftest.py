"""Somebody who looks at a roster, and who is on it."""

from __future__ import annotations

import pytest

from bot.db.database import Database
from tests.registration.keeper import Keeper
from tests.world import World


@pytest.fixture
def keeper(database_url: str) -> Keeper:
    return Keeper(Database(database_url, limit=10))


@pytest.fixture
def people(keeper: Keeper) -> list[int]:
    world = World(keeper.database)
    world.district()
    facility = world.facility()
    world.session(facility)
    return [world.worker(facility, phone=f"+6281200000{number:03d}").id for number in range(9)]
