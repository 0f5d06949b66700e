"""Connections to PostgreSQL: real ones, which are paused, cut off, used up and slow."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from bot.away import Away
from bot.db import database as databases
from bot.db.database import Database, DatabaseAway
from bot.db.prepared import Prepared
from bot.deadline import within
from bot.embedded.servers import EmbeddedServers
from tests.stopping import paused

LIMIT = 0.4


@pytest.fixture
def quick(database_url: str) -> Iterator[Database]:
    """A database whose statements have little time."""
    made = Database(database_url, limit=LIMIT, size=2)
    assert made.value("SELECT 1") == 1
    yield made
    made.close()


@pytest.fixture
def pause(servers: EmbeddedServers) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """PostgreSQL takes connections but answers nothing."""

    return lambda: paused(servers.postgres.pid)


@contextmanager
def _over_within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


class TestStatements:
    def test_rows_a_row_a_value_or_nothing(self, database: Database) -> None:
        assert database.rows("SELECT * FROM generate_series(1, %s)", (3,)) == [(1,), (2,), (3,)]
        assert database.row("SELECT 1, 2") == (1, 2)
        assert database.row("SELECT 1 WHERE false") is None
        assert database.value("SELECT 7") == 7
        assert database.value("SELECT 7 WHERE false") is None
        assert database.rows("CREATE TABLE t (n int)") == []
        assert database.rows("INSERT INTO t VALUES (1)") == []

    def test_each_is_a_transaction_of_its_own(self, database: Database, database_url: str) -> None:
        database.rows("CREATE TABLE t (n int)")
        database.rows("INSERT INTO t VALUES (1)")
        with psycopg.connect(database_url) as other:
            assert other.execute("SELECT n FROM t").fetchall() == [(1,)]

    def test_several_together_happen_wholly_or_not_at_all(self, database: Database) -> None:
        database.rows("CREATE TABLE t (n int)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            _insert_and_divide(database)
        assert database.rows("SELECT n FROM t") == []
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
        assert database.rows("SELECT n FROM t") == [(1,)]

    def test_times_are_in_utc(self, database: Database) -> None:
        moment = datetime(2021, 1, 13, 2, tzinfo=UTC)
        read = database.value("SELECT %s::timestamptz", (moment,))
        assert read == moment
        assert read.utcoffset().total_seconds() == 0
        assert database.value("SHOW timezone") == "UTC"

    def test_a_mistake_of_ours_is_not_away(self, database: Database) -> None:
        with pytest.raises(psycopg.errors.UndefinedTable):
            database.rows("SELECT * FROM nowhere")
        with pytest.raises(psycopg.errors.UniqueViolation):
            database.rows("INSERT INTO opt_out VALUES ('+1', 'x', now()), ('+1', 'x', now())")
        assert database.value("SELECT 1") == 1

    def test_statements_that_recur_are_prepared(self, database: Database) -> None:
        with database.connection() as connection:
            for number in range(3):
                connection.execute("SELECT %s::int + 4711", (number,))
            prepared = connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%4711'")
            assert prepared.fetchone() == (1,)


class TestLimits:
    def test_a_slow_statement_is_stopped_by_the_server(self, quick: Database) -> None:
        with _over_within(LIMIT + 1.0), pytest.raises(DatabaseAway):
            quick.rows("SELECT pg_sleep(20)")
        sleeping = "query LIKE '%%pg_sleep(20)' AND pid <> pg_backend_pid() AND state = 'active'"
        assert quick.value(f"SELECT count(*) FROM pg_stat_activity WHERE {sleeping}") == 0

    def test_who_waits_for_a_row_gives_up_too(self, quick: Database) -> None:
        quick.rows("CREATE TABLE t AS SELECT 1 AS n")
        with quick.transaction() as connection:
            connection.execute("UPDATE t SET n = 2")
            with _over_within(LIMIT + 1.0), pytest.raises(DatabaseAway):
                quick.rows("UPDATE t SET n = 3")
        assert quick.value("SELECT n FROM t") == 2

    def test_long_work_has_no_limit(self, database_url: str) -> None:
        patient = Database(database_url, limit=None)
        assert patient.value("SHOW statement_timeout") == "0"
        patient.close()

    def test_it_is_an_away_like_others(self) -> None:
        assert issubclass(DatabaseAway, Away)

    def test_a_paused_server_costs_the_limit_and_no_more(
        self, quick: Database, pause: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> None:
        with pause():
            with _over_within(LIMIT + 1.0), pytest.raises(DatabaseAway):
                quick.rows("SELECT 1")
            # no connection is left, and none can be made
            with _over_within(2.0), pytest.raises(DatabaseAway):
                quick.rows("SELECT 1")
        assert _sooner_or_later(quick) == 1

    def test_the_hasty_do_not_wait_behind_one_who_has_just_waited_in_vain(
        self, quick: Database, pause: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> None:
        with pause():
            with within(5.0, hasty=True), pytest.raises(DatabaseAway):
                quick.rows("SELECT 1")
            with within(5.0, hasty=True), _over_within(LIMIT / 2):
                for _ in range(20):
                    with pytest.raises(DatabaseAway):
                        quick.rows("SELECT 1")
            with _over_within(LIMIT + 1.0), pytest.raises(DatabaseAway, match=r"NoAnswer|PoolTimeout"):
                quick.rows("SELECT 1")  # who is patient waits
        with within(5.0, hasty=True):
            assert _sooner_or_later(quick) == 1

    def test_a_deadline_covers_everything_that_is_asked_in_it(
        self, database_url: str, pause: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> None:
        database = Database(database_url, limit=5.0)
        database.value("SELECT 1")
        with pause(), _over_within(1.5), within(0.5):
            for _ in range(3):
                with pytest.raises(DatabaseAway):
                    database.rows("SELECT 1")
        database.close()

    def test_a_deadline_is_its_own_contexts(self, quick: Database) -> None:
        """Another thread has its own time, and after the deadline's end there is none."""
        with within(0.001):
            time.monotonic()
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(quick.value, "SELECT 1 FROM pg_sleep(0.1)").result() == 1
        assert quick.value("SELECT 1 FROM pg_sleep(0.1)") == 1


class TestConnections:
    def test_one_that_the_server_closed_while_idle_is_passed_over(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(databases, "_FRESH", 0.0)  # as if it had been idle for longer
        database = Database(database_url, size=1)
        with psycopg.connect(database_url, autocommit=True) as other:
            for _ in range(3):
                process = database.value("SELECT pg_backend_pid()")
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
                assert database.value("SELECT pg_backend_pid()") != process
        database.close()

    def test_all_that_a_restart_closed_are_passed_over_without_a_pause(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(databases, "_FRESH", 0.0)
        database = Database(database_url, size=4)
        with contextlib.ExitStack() as all_of_them:
            for _ in range(4):
                all_of_them.enter_context(database.connection())
        with psycopg.connect(database_url, autocommit=True) as other:
            assert _connected(other) == 4
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'balas' AND datname = current_database()"
            )
        with _over_within(0.9):
            assert database.value("SELECT 1") == 1
        database.close()

    def test_one_that_breaks_in_the_middle_is_away_and_the_next_is_not(self, quick: Database) -> None:
        with pytest.raises(DatabaseAway):
            quick.rows("SELECT pg_terminate_backend(pg_backend_pid())")
        assert quick.value("SELECT 1") == 1

    def test_when_all_are_in_use_one_waits_a_little_and_gives_up(self, quick: Database) -> None:
        with quick.connection(), quick.connection(), _over_within(1.6), pytest.raises(DatabaseAway), quick.connection():
            pass
        assert quick.value("SELECT 1") == 1

    def test_who_waits_gets_the_first_that_is_free(self, quick: Database) -> None:
        started = threading.Barrier(6)

        def ask(number: int) -> int:
            started.wait()
            found: int = quick.value("SELECT %s::int FROM pg_sleep(0.05)", (number,))
            return found

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(ask, range(6))) == list(range(6))

    def test_nobody_listens(self) -> None:
        nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing", limit=LIMIT)
        with _over_within(2.5), pytest.raises(DatabaseAway) as told:
            nowhere.rows("SELECT 1")
        assert "127.0.0.1" not in str(told.value)
        nowhere.close()

    def test_one_who_asks_alone_is_always_served_by_the_same(self, database_url: str) -> None:
        database = Database(database_url, size=4)
        with psycopg.connect(database_url, autocommit=True) as other:
            served = {database.value("SELECT pg_backend_pid()") for _ in range(20)}
            assert len(served) == _connected(other) == 1
            said = {database.said(Prepared("SELECT pg_backend_pid()"), {})[0][0] for _ in range(20)}
            assert said == served
            assert _connected(other) == 1
        database.close()

    def test_closing_gives_them_back(self, database_url: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            made = Database(database_url)
            made.close()
            made.rows("SELECT 1")
            assert _connected(other)
            made.close()
            deadline = time.monotonic() + 5
            while _connected(other) and time.monotonic() < deadline:
                threading.Event().wait(0.01)
            assert _connected(other) == 0


def _insert_and_divide(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("SELECT 1 / 0")


def _connected(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'balas' AND datname = current_database()"
    ).fetchone()
    return row and row[0]


def _sooner_or_later(database: Database) -> object:
    """What ``SELECT 1`` gives once the server has come back to itself."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return database.value("SELECT 1")
        except DatabaseAway:
            assert time.monotonic() < deadline
