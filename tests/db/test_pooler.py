"""PostgreSQL behind PgBouncer, which hands out the server's connections transaction by transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from bench.stage import free_port
from bot.db import migrate
from bot.db.database import Database, DatabaseAway, Pooler
from bot.db.prepared import LAZILY, Prepared
from bot.registration.uploads import _held
from scale import postgres
from scale.hosts import HERE
from scale.postgres import Running

LIMIT = 0.4


@pytest.fixture(scope="module")
def server(new_folder: Callable[[], Path]) -> Iterator[Running]:
    on = postgres.ground(new_folder() / "postgres")
    running = postgres.primary(on, HERE, free_port(), {"fsync": "off"})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def pooler(server: Running, new_folder: Callable[[], Path]) -> Iterator[Running]:
    running = postgres.pooler(postgres.ground(new_folder() / "pooler"), server, HERE, free_port())
    yield running
    running.stop()


@pytest.fixture
def database(pooler: Running) -> Iterator[Database]:
    made = Database(pooler.url, limit=LIMIT, behind=Pooler.UNPREPARED)
    yield made
    made.close()


def test_an_ordinary_connection_is_refused(pooler: Running) -> None:
    """It would have its options ignored at best: so ``DATABASE_POOLER`` has to be set."""
    ordinary = Database(pooler.url, limit=LIMIT)
    with pytest.raises(DatabaseAway):
        ordinary.rows("SELECT 1")
    ordinary.close()


def test_statements_run_again_and_again_on_whichever_connection(database: Database) -> None:
    statement = Prepared("SELECT %(number)s::int + 1")

    def ask(number: int) -> tuple[int, int]:
        [(said,)] = database.said(statement, {"number": number})
        return int(database.value("SELECT %s::int + 1", (number,))), int(said)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(200))) == [(number, number) for number in range(1, 201)]
    with database.transaction() as connection:
        connection.execute("CREATE TEMPORARY TABLE told (n int) ON COMMIT DROP")
        connection.execute("INSERT INTO told VALUES (7)")
        assert connection.execute("SELECT n FROM told").fetchall() == [(7,)]


def test_what_need_not_wait_says_so_for_itself_alone(database: Database) -> None:
    def setting() -> object:
        return database.value("SELECT current_setting('synchronous_commit')")

    as_ever = setting()
    assert as_ever == "on"
    for _ in range(5):
        with database.transaction() as connection:
            connection.execute(f"SELECT 1 WHERE {LAZILY}".encode())
            assert connection.execute("SELECT current_setting('synchronous_commit')").fetchone() == ("off",)
        assert setting() == as_ever


def test_days_are_those_of_utc_as_without_it(database: Database, server: Running) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER ROLE balas SET timezone = 'Asia/Jayapura'")
    try:
        fresh = database.beside(size=1, limit=5)
        assert fresh.value("SELECT current_setting('timezone')") == "UTC"
        assert fresh.value("SELECT '2021-01-13 20:00+00'::timestamptz::date::text") == "2021-01-13"
        fresh.close()
    finally:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER ROLE balas RESET timezone")


def test_a_statement_that_takes_too_long_is_left_and_ends_on_the_server(database: Database, server: Running) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseAway):
        database.rows("SELECT pg_sleep(30)")
    assert time.monotonic() - began < 10
    with psycopg.connect(server.url, autocommit=True) as connection:
        while connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
            "AND pid <> pg_backend_pid() AND state = 'active'"
        ).fetchone() != (0,):
            assert time.monotonic() - began < 20, "it still runs"
    assert database.value("SELECT 1") == 1


def test_only_one_worker_reads_an_upload(database: Database) -> None:
    """Its lock lasts as long as the reading, and not a moment longer, whichever connection the pooler gives."""
    inside, done = threading.Event(), threading.Event()

    def reads() -> bool:
        with _held(database, 7) as held:
            inside.set()
            done.wait(10)
            return held

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(reads)
        assert inside.wait(10)
        for _ in range(5):
            with _held(database, 7) as held:
                assert not held
        with _held(database, 8) as held:
            assert held
        done.set()
        assert first.result()
    with _held(database, 7) as held:
        assert held


def test_the_schema_is_there_when_it_was_made_past_the_pooler(database: Database, server: Running) -> None:
    migrate.upgrade(server.url)
    with database.connection() as connection:
        assert migrate.revision_of(connection) == migrate.newest()
