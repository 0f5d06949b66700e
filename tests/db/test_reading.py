"""Reading from a streaming replica: what it says, and who is asked while it is away or far behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from bench.stage import free_port
from bot.config import load
from bot.db import reading
from bot.db.database import Database
from bot.db.reading import Replica
from bot.services import Services
from bot.web.app import create_app
from scale import postgres
from scale.hosts import HERE
from scale.postgres import Running
from tests.embedded.waiting import eventually
from tests.journeys.conftest import MovableClock, app, clock, environ

__all__ = ["MovableClock", "app", "clock", "environ"]


@pytest.fixture(scope="module")
def pair(new_folder: Callable[[], Path]) -> Iterator[tuple[Running, Running]]:
    on = postgres.ground(new_folder() / "pair")
    first = postgres.primary(on, HERE, free_port(), {"fsync": "off"})
    second = postgres.replica(on, first, HERE, free_port(), {"fsync": "off"})
    yield first, second
    second.stop()
    first.stop()


@pytest.fixture
def primary(pair: tuple[Running, Running]) -> Iterator[Database]:
    made = Database(pair[0].url, limit=5)
    made.rows("CREATE TABLE IF NOT EXISTS told (n int)")
    yield made
    made.close()


def _replica(primary: Database, url: str) -> Replica:
    return Replica(primary, url, limit=1.2)


IS_REPLICA = "SELECT pg_is_in_recovery()"


def test_a_replica_that_is_up_to_date_is_read(primary: Database, pair: tuple[Running, Running]) -> None:
    primary.rows("INSERT INTO told VALUES (7)")
    straight = Database(pair[1].url, limit=5)
    # Asked too early a replica has replayed nothing yet, and is left for some seconds.
    eventually(lambda: straight.value("SELECT to_regclass('told')"))
    eventually(lambda: straight.rows("SELECT n FROM told WHERE n = 7"))
    straight.close()
    replica = _replica(primary, pair[1].url)
    assert replica.value(IS_REPLICA) is True
    assert replica.rows("SELECT n FROM told WHERE n = 7") == [(7,)]
    with replica.connection() as connection:
        assert connection.execute(IS_REPLICA).fetchone() == (True,)
    replica.close()


def test_one_that_is_far_behind_is_not(
    primary: Database, pair: tuple[Running, Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    primary.rows("INSERT INTO told VALUES (8)")
    straight = Database(pair[1].url, limit=5)
    straight.rows("SELECT pg_wal_replay_pause()")
    monkeypatch.setattr(reading, "LATEST", -60.0)
    monkeypatch.setattr(reading, "_HOLDS", 0.0)
    replica = _replica(primary, pair[1].url)
    assert replica.value(IS_REPLICA) is False
    monkeypatch.setattr(reading, "LATEST", 60.0)
    assert replica.value(IS_REPLICA) is True
    straight.rows("SELECT pg_wal_replay_resume()")
    straight.close()
    replica.close()


def test_while_it_is_away_the_primary_is_asked_and_nobody_waits_again(primary: Database) -> None:
    replica = _replica(primary, f"postgresql://balas@127.0.0.1:{free_port()}/balas")
    assert replica.value(IS_REPLICA) is False
    began = time.monotonic()
    for _ in range(20):
        assert replica.value("SELECT 1") == 1
        with replica.connection() as connection:
            assert connection.execute(IS_REPLICA).fetchone() == (False,)
    assert time.monotonic() - began < 1.0
    replica.close()


def test_pages_of_figures_ask_it_where_there_is_one(app: Flask, environ: dict[str, str]) -> None:
    services: Services = app.extensions["services"]
    assert services.reading is services.database
    with_one = Services(load(environ | {"DATABASE_READ_URL": environ["DATABASE_URL"]}))
    assert isinstance(with_one.reading, Replica)
    assert with_one.reading.value(IS_REPLICA) is False
    with_one.close()
    made = create_app(environ | {"DATABASE_READ_URL": environ["DATABASE_URL"]})
    assert made.test_client().get("/readyz").status_code == 200
    made.extensions["services"].close()
