"""After an outage, however long it was, PostgreSQL is found again within seconds."""

from __future__ import annotations

import time
from urllib.parse import unquote, urlsplit

from bot.db.database import Database, DatabaseAway
from faults.wires import RunningWires

#: Seconds. A pool that doubles its pauses would then come back after 15.
_OUTAGE, _SOON = 8.5, 2.5


def test_it_is_back_soon_after_a_long_outage(database_url: str) -> None:
    address = urlsplit(database_url)
    folder = next(unquote(part.removeprefix("host=")) for part in address.query.split("&") if part.startswith("host="))
    with RunningWires({"postgres": f"{folder}/.s.PGSQL.5432"}) as wires:
        there = f"127.0.0.1:{wires.ports['postgres']}{address.path}?sslmode=disable&gssencmode=disable"
        database = Database(f"postgresql://{address.username}@{there}")
        assert _answers(database)
        wires.set("postgres", cut=True)
        until = time.monotonic() + _OUTAGE
        asked = 0
        while time.monotonic() < until:
            assert not _answers(database)
            asked += 1
        assert asked > 5
        wires.set("postgres")
        began = time.monotonic()
        while not _answers(database):
            assert time.monotonic() - began < _SOON
        database.close()


def _answers(database: Database) -> bool:
    try:
        return bool(database.value("SELECT 1") == 1)
    except DatabaseAway:
        return False
