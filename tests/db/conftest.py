"""A database of one's own, and a small world in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.db.database import Database
from tests.world import World


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def world(database: Database) -> World:
    made = World(database)
    made.district()
    return made
