"""What is said by hand waits no longer than anything else, and a pool's short way gives what its long way would."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import FrameType

import psycopg
import pytest

from bot.db.database import Database, DatabaseAway
from bot.db.prepared import Prepared
from bot.deadline import within
from bot.embedded.servers import EmbeddedServers
from tests.stopping import paused

LIMIT = 0.4
_PID = Prepared("SELECT pg_backend_pid()")
_SLEEP = Prepared("SELECT pg_sleep(%(seconds)s::float8)")


@pytest.fixture
def quick(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=LIMIT, size=2)
    assert made.said(_PID, {})
    yield made
    made.close()


class TestLimits:
    def test_a_paused_server_costs_the_limit_and_no_more(self, quick: Database, servers: EmbeddedServers) -> None:
        [(before,)] = quick.said(_PID, {})
        with paused(servers.postgres.pid):
            began = time.monotonic()
            with pytest.raises(DatabaseAway, match="NoAnswer"):
                quick.said(_PID, {})
            assert LIMIT <= time.monotonic() - began < LIMIT + 1.0
        assert _sooner_or_later(quick) != before

    def test_the_deadline_of_whoever_asks_comes_first(self, quick: Database, servers: EmbeddedServers) -> None:
        with paused(servers.postgres.pid), within(0.1):
            began = time.monotonic()
            with pytest.raises(DatabaseAway):
                quick.said(_PID, {})
            assert time.monotonic() - began < LIMIT

    def test_a_slow_statement_is_stopped_by_the_server(self, quick: Database) -> None:
        [(before,)] = quick.said(_PID, {})
        with pytest.raises(DatabaseAway, match="QueryCanceled"):
            quick.said(_SLEEP, {"seconds": 20})
        assert quick.said(_PID, {}) == [(before,)]

    def test_without_a_limit_one_waits_as_long_as_it_takes(self, database_url: str) -> None:
        patient = Database(database_url, limit=None)
        assert len(patient.said(_SLEEP, {"seconds": 1.5})) == 1
        patient.close()

    def test_who_is_interrupted_leaves_no_answer_for_the_next(self, quick: Database) -> None:
        [(before,)] = quick.said(_PID, {})

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            raise InterruptedError

        usual = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(InterruptedError):
                quick.said(_SLEEP, {"seconds": 0.3})
        finally:
            signal.signal(signal.SIGALRM, usual)
        [(after,)] = quick.said(_PID, {})
        assert after != before


class TestValues:
    def test_more_than_goes_out_at_once_arrives_whole(self, quick: Database) -> None:
        words = "Puskesmas " * 800_000
        assert quick.said(Prepared("SELECT length(%(words)s::text), md5(%(words)s)"), {"words": words}) == quick.rows(
            "SELECT length(%(words)s::text), md5(%(words)s::text)", {"words": words}
        )

    def test_many_rows_come_whole(self, quick: Database) -> None:
        found = quick.said(Prepared("SELECT n, repeat('x', 100) FROM generate_series(1, %(n)s::int) n"), {"n": 20_000})
        assert (len(found), found[-1]) == (20_000, (20_000, "x" * 100))

    def test_a_word_with_an_end_in_it_is_refused_not_cut(self, quick: Database) -> None:
        with pytest.raises(psycopg.DataError):
            quick.said(Prepared("SELECT %(word)s::text"), {"word": "one\0two"})

    @pytest.mark.parametrize("style", ["postgres", "sql_standard", "iso_8601"])
    def test_spans_mean_the_same_in_every_style(self, quick: Database, style: str) -> None:
        said = Prepared("SELECT extract(epoch FROM %(span)s::interval)::float8")
        with quick.connection() as connection:
            connection.execute(f"SET intervalstyle = {style}".encode())
        for span in (
            timedelta(days=2, microseconds=7),
            timedelta(minutes=-5),
            timedelta(days=-3, seconds=1),
            timedelta(),
        ):
            assert quick.said(said, {"span": span}) == [(span.total_seconds(),)]


class TestPool:
    def test_the_one_that_was_used_last_is_taken_again(self, quick: Database) -> None:
        with quick.connection(), quick.connection():
            pass
        assert len({quick.said(_PID, {})[0] for _ in range(6)}) == 1

    def test_who_waits_is_given_the_first_that_comes_back(self, quick: Database) -> None:
        started = threading.Barrier(6)

        def ask(_number: int) -> int:
            started.wait()
            return len(quick.said(_SLEEP, {"seconds": 0.05}))

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(ask, range(6))) == [1] * 6
        with quick.connection() as one, quick.connection() as other:
            assert one.info.backend_pid != other.info.backend_pid

    def test_one_within_a_transaction_is_not_handed_on_as_it_is(self, quick: Database) -> None:
        with quick.connection() as connection:
            connection.execute("BEGIN")
            connection.execute("CREATE TABLE t (n int)")
        assert quick.rows("SELECT to_regclass('t')::text, pg_current_xact_id_if_assigned()::text") == [("t", None)]

    def test_after_closing_nobody_is_given_one(self, quick: Database) -> None:
        quick.close()
        with pytest.raises(DatabaseAway, match="PoolClosed"):
            quick.said(_PID, {})


def _sooner_or_later(database: Database) -> object:
    deadline = time.monotonic() + 5
    while True:
        try:
            return database.said(_PID, {})[0][0]
        except DatabaseAway:
            assert time.monotonic() < deadline
