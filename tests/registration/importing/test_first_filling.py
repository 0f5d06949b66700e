"""The first roster goes into a bare table: afterwards all is there again, and nobody who is in the way is pushed aside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from bot.registration.importing import Kind
from bot.registration.importing import first_filling as filling
from tests.registration.importing.conftest import ROSTER_HEADER, Registry, counts, nik, reasons

ROWS = [
    f"{nik(n % 9999 + 1, date(1970 + n // 9999, 5, 4))},Siti {n},{1970 + n // 9999}-05-04,,,3171,P1,"
    for n in range(filling.WORTH_IT)
]
BROKEN = f"{nik(1)},Budi,1985-08-17,,,9999,,"


def shape(registry: Registry) -> list[tuple[object, ...]]:
    """Everything that hangs on the roster's table: indexes and constraints, as PostgreSQL writes them down."""
    return registry.database.rows(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'worker' UNION ALL "
        "SELECT conname, pg_get_constraintdef(oid) || convalidated FROM pg_constraint "
        "WHERE conrelid = 'worker'::regclass OR confrelid = 'worker'::regclass ORDER BY 1, 2"
    )


def relations(registry: Registry) -> set[object]:
    """The files of the roster's indexes: an index that is made anew has another one."""
    return set(
        registry.column("SELECT pg_relation_filenode(indexrelid) FROM pg_index WHERE indrelid = 'worker'::regclass")
    )


@pytest.fixture
def reader(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody in the middle of a transaction that has looked into the roster."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT count(*) FROM worker")
        yield connection


def test_the_first_list_leaves_the_table_as_it_was_but_for_its_rows(registry: Registry) -> None:
    before, files = shape(registry), relations(registry)
    report = registry.roster(*ROWS, BROKEN, ROWS[0])
    assert counts(report) == (filling.WORTH_IT, 0, 0, 2)
    assert [line for line, _, _ in reasons(report)] == [filling.WORTH_IT + 2, filling.WORTH_IT + 3]
    assert shape(registry) == before
    # Made anew: all but the primary key.
    assert len(relations(registry) & files) == 1
    assert registry.column("SELECT name FROM worker ORDER BY id LIMIT 3") == ["Siti 0", "Siti 1", "Siti 2"]


def test_a_later_list_finds_and_keeps_the_indexes(registry: Registry) -> None:
    registry.roster(*ROWS)
    files = relations(registry)
    changed = [row.replace("1970-05-04,,,3171", "1970-05-04,,,7371") for row in ROWS]
    assert counts(registry.roster(*changed)) == (0, 9999, 1, 0)
    assert relations(registry) == files


def test_a_dry_run_of_the_first_list_leaves_nothing(registry: Registry) -> None:
    before, files = shape(registry), relations(registry)
    path = registry.file("first.csv", "\n".join((ROSTER_HEADER, *ROWS)) + "\n")
    assert counts(registry.imports(Kind.ROSTER, path, dry_run=True)) == (filling.WORTH_IT, 0, 0, 0)
    assert (shape(registry), relations(registry)) == (before, files)
    assert registry.column("SELECT count(*) FROM worker") == [0]


def test_a_short_first_list_goes_the_usual_way(registry: Registry) -> None:
    files = relations(registry)
    assert counts(registry.roster(*ROWS[1:])) == (filling.WORTH_IT - 1, 0, 0, 0)
    assert relations(registry) == files


def test_whoever_uses_the_table_is_not_waited_for(
    registry: Registry, reader: psycopg.Connection[tuple[object, ...]]
) -> None:
    files = relations(registry)
    assert counts(registry.roster(*ROWS)) == (filling.WORTH_IT, 0, 0, 0)
    assert relations(registry) == files
    assert reader.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS


def test_somebody_elses_table_is_left_as_it_is(registry: Registry, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE importer_without_rights")
        try:
            connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO importer_without_rights")
            connection.execute("SET ROLE importer_without_rights")
            with connection.transaction(), filling.bare(connection, "worker", filling.WORTH_IT):
                kept = connection.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'worker'").fetchone()
            assert kept == (7,)
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP OWNED BY importer_without_rights")
            connection.execute("DROP ROLE importer_without_rights")
