"""After an outage, however long it was, PostgreSQL is found again within seconds."""

from __future__ import annotations

import time

from bot.db.database import Database, DatabaseAway
from tests.wired import PostgresByWire

#: Seconds. A pool that doubles its pauses would then come back after 15.
_OUTAGE, _SOON = 8.5, 2.5


def test_it_is_back_soon_after_a_long_outage(database_url: str) -> None:
    with PostgresByWire(database_url) as wired:
        database = Database(wired.url)
        assert _answers(database)
        wired.cut()
        until = time.monotonic() + _OUTAGE
        asked = 0
        while time.monotonic() < until:
            assert not _answers(database)
            asked += 1
        assert asked > 5
        wired.mend()
        began = time.monotonic()
        while not _answers(database):
            assert time.monotonic() - began < _SOON
        database.close()


def _answers(database: Database) -> bool:
    try:
        return bool(database.value("SELECT 1") == 1)
    except DatabaseAway:
        return False
