"""What is said over and over gives what a cursor would give, and fails as it would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import psycopg
import pytest

from bot.db.database import Database, DatabaseAway
from bot.db.prepared import Prepared

_VALUES = {
    "small": 7,
    "large": 5_000_000_000,
    "words": "Puskesmas 'Ä' 100 %",
    "moment": datetime(2021, 1, 13, 18, 30, 0, 125, tzinfo=UTC),
    "day": date(1985, 8, 17),
    "hour": time(7, 30),
    "span": timedelta(minutes=5),
    "holds": True,
    "nothing": None,
}
_ECHO = """
SELECT %(small)s::smallint, %(large)s::bigint, %(words)s::text, %(moment)s::timestamptz, %(day)s::date, %(hour)s::time,
       %(span)s::interval, %(holds)s::boolean, %(nothing)s::bigint, %(words)s LIKE '%%100 %%%%'
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def test_every_kind_of_value_comes_back_as_a_cursor_brings_it(database: Database) -> None:
    said = Prepared(_ECHO)
    assert database.said(said, _VALUES) == database.rows(_ECHO, _VALUES)
    assert database.said(said, _VALUES)[0][:-1] == tuple(_VALUES.values())


def test_parameters_may_hold_more_than_the_statement_asks_for(database: Database) -> None:
    assert database.said(Prepared("SELECT %(b)s::int - %(a)s::int, %(b)s"), {"a": 1, "b": 2, "c": 3}) == [(1, 2)]


def test_large_and_small_numbers_have_one_plan(database: Database) -> None:
    said = Prepared("SELECT id FROM worker WHERE id = %(worker)s")
    for worker in (1, 100_000, 5_000_000_000):
        assert database.said(said, {"worker": worker}) == []
    with database.connection() as connection:
        found = connection.execute("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name LIKE 'said%'")
        assert found.fetchall() == [(["bigint"],)]


def test_a_statement_without_rows_gives_none(database: Database) -> None:
    assert database.said(Prepared("UPDATE worker SET name = %(name)s WHERE id = 0"), {"name": "Siti"}) == []


def test_an_error_is_the_one_that_a_cursor_raises_and_leaves_the_connection_good(database: Database) -> None:
    twice = Prepared("INSERT INTO opt_out (phone, source, since) VALUES (%(phone)s, 'keyword', %(now)s)")
    row = {"phone": "+6281234567890", "now": datetime(2021, 1, 13, tzinfo=UTC)}
    database.said(twice, row)
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        database.said(twice, row)
    assert raised.value.diag.constraint_name == "pk_opt_out"
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.said(Prepared("SELECT 1 FROM nowhere"), {})
    assert database.said(Prepared("SELECT 1"), {}) == [(1,)]


def test_what_psycopg_has_the_server_forget_after_a_rollback_is_prepared_anew(database: Database) -> None:
    said = Prepared("SELECT %(number)s::int")
    assert database.said(said, {"number": 1}) == [(1,)]
    for _ in range(3):
        database.rows("SELECT 1")  # one of psycopg's own: without any it has nothing to forget
    with pytest.raises(psycopg.errors.UndefinedTable), database.transaction() as connection:
        connection.execute("SELECT 1 FROM nowhere")
    assert database.said(said, {"number": 2}) == [(2,)]


def test_a_connection_that_was_cut_is_replaced_and_the_statement_prepared_anew(database: Database) -> None:
    said = Prepared("SELECT pg_backend_pid()")
    [(first,)] = database.said(said, {})
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (first,))
    try:
        [(second,)] = database.said(said, {})
    except DatabaseAway:  # within the second in which nobody looks whether it is still open
        [(second,)] = database.said(said, {})
    assert second != first
