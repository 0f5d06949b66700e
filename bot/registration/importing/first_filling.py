"""The first filling of a table: its indexes and foreign keys are made anew when the rows are in.

A row that goes into an indexed table finds its place in every index, and each of its foreign keys is looked up by a
statement of its own: for the roster that is nine tenths of PostgreSQL's work. Made afterwards, for all rows together, it
is a fifth of it. For that the table, and those that it refers to, are locked against everybody until the end of the
transaction: some seconds, in which whoever calls hears that we are busy. So it is done only where nobody can be kept
from anything, since nobody is on the list yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import errors, sql

from bot.registration.importing.importer import Connection

#: Fewer rows are sooner in than the indexes made anew.
WORTH_IT: Final = 10_000
#: Milliseconds that the locks may be waited for: behind us everybody else waits too. Below PostgreSQL's deadlock_timeout.
_PATIENCE: Final = 500


def is_empty(connection: Connection, table: LiteralString) -> bool:
    """Whether a table has no row that this transaction sees."""
    statement = sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(sql.Identifier(table))
    return connection.execute(statement).fetchone() == (True,)


@dataclass(frozen=True, slots=True)
class Bare:
    """A table without indexes and foreign keys, and the statements that make them again: unique keys, and the rest."""

    connection: Connection
    unique: Sequence[sql.Composed]
    others: Sequence[sql.SQL | sql.Composed]

    def make_unique(self) -> None:
        """Make the unique keys again; raises ``UniqueViolation``."""
        for statement in self.unique:
            self.connection.execute(statement)

    def finish(self) -> None:
        """Make all the rest again."""
        for statement in self.others:
            self.connection.execute(statement)


@contextmanager
def bare(connection: Connection, table: LiteralString, rows: int) -> Iterator[None]:
    """Within a transaction: ``table`` without indexes and foreign keys, if it is empty and to get many ``rows``.

    At the end they are there again as they were. Where somebody uses the table, or it is not ours to change, it stays as
    it is. The primary key stays: other tables refer to it.
    """
    stripped = strip(connection, table) if rows >= WORTH_IT and is_empty(connection, table) else None
    yield
    if stripped is not None:
        stripped.make_unique()
        stripped.finish()


def strip(connection: Connection, table: LiteralString) -> Bare | None:
    """Take off the indexes and foreign keys of an empty table, and lock it to the end of the transaction; None where somebody
    uses it, or it is not ours to change."""
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_PATIENCE))
            _lock(connection, table)
            connection.execute("SET LOCAL lock_timeout TO DEFAULT")
            # Somebody may have come in between.
            return _take_off(connection, table) if is_empty(connection, table) else None
    except (errors.LockNotAvailable, errors.InsufficientPrivilege):
        return None


def _lock(connection: Connection, table: LiteralString) -> None:
    """Lock the table and all that it refers to, together: taken one by one, somebody could come between them."""
    referred = connection.execute(
        "SELECT DISTINCT c.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid "
        "WHERE k.conrelid = %s::regclass AND k.contype = 'f' AND k.confrelid <> k.conrelid ORDER BY 1",
        [table],
    ).fetchall()
    names = [table, *(name for (name,) in referred)]
    connection.execute(sql.SQL("LOCK TABLE {}").format(sql.SQL(", ").join(map(sql.Identifier, names))))


def _take_off(connection: Connection, table: LiteralString) -> Bare:
    owner = sql.Identifier(table)
    constraints = connection.execute(
        "SELECT k.conname, pg_get_constraintdef(k.oid), k.contype = 'u' FROM pg_constraint k WHERE k.conrelid = %s::regclass "
        "AND k.contype IN ('f', 'u') AND NOT EXISTS (SELECT FROM pg_constraint r WHERE r.contype = 'f' "
        "AND r.confrelid = k.conrelid AND r.conindid = k.conindid) ORDER BY k.contype DESC, k.conname",
        [table],
    ).fetchall()
    indexes = connection.execute(
        "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) "
        "ORDER BY c.relname",
        [table],
    ).fetchall()
    for name, _, _ in constraints:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(owner, sql.Identifier(name)))
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    keys = [
        (
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(owner, sql.Identifier(name), sql.SQL(definition)),
            unique,
        )
        for name, definition, unique in constraints
    ]
    return Bare(
        connection,
        unique=[statement for statement, unique in keys if unique],
        others=[
            *(sql.SQL(definition) for _, definition in indexes),
            *(statement for statement, unique in keys if not unique),
        ],
    )
