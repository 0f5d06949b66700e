"""Statements that are said over and over, with as little as possible between them and libpq.

A cursor turns each execution's names into numbers, chooses a type for each value by its size, and looks for the plan that goes
with the types: that costs more than sending and reading. Here the numbers are given once, and PostgreSQL finds out the types,
so that a statement has one plan, whatever its values.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

#: A condition that always holds, for the WHERE of what a statement writes: then its transaction commits without waiting for the
#: disk. What it wrote may be lost with the last second before a crash of PostgreSQL: so nothing that was promised to anybody,
#: only what is done again. It holds for the whole transaction and no longer: so not for a statement among others in one.
LAZILY = "set_config('synchronous_commit', 'off', true) = 'off'"

_TEXT = (PyFormat.TEXT,)
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_HOLE = re.compile(r"%(?:\((\w+)\)s|%)")
_numbers = itertools.count(1)


class Prepared:
    """A statement with named parameters, ``%(name)s``.

    Each stands at least once where PostgreSQL sees its type (beside a column, or cast), and before it stands elsewhere; its
    value goes as text. ``sql``: as it was written.
    """

    __slots__ = ("encoded", "name", "names", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        # Of this process's own: a connection belongs to one.
        self.name = f"said_{next(_numbers)}".encode()
        names: dict[str, int] = {}

        def numbered(hole: re.Match[str]) -> str:
            return "%" if hole[1] is None else f"${names.setdefault(hole[1], len(names) + 1)}"

        self.encoded = _HOLE.sub(numbered, sql).encode()
        self.names = tuple(names)


def _word(value: str) -> bytes:
    written = value.encode()
    if b"\0" in written:  # libpq would take it for the end
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return written


#: How the usual types are written; ISO 8601 means the same whatever the server's settings. Other types are left to psycopg.
_WRITTEN: Mapping[type, Callable[[Any], bytes | None]] = {
    str: _word,
    int: lambda value: b"%d" % value,
    bool: lambda value: b"t" if value else b"f",
    datetime: lambda value: value.isoformat(" ").encode(),
    date: lambda value: value.isoformat().encode(),
    timedelta: lambda value: f"P{value.days}DT{value.seconds}.{value.microseconds:06}S".encode(),
    type(None): lambda _: None,
}


class Speaker:
    """Says prepared statements on one connection, in autocommit mode, one after the other.

    ``answer``: waits for the result of what was sent. ``prepares``: not behind a pooler, which gives the next statement another
    connection: there each is sent as it is.
    """

    def __init__(
        self, connection: psycopg.Connection[TupleRow], answer: Callable[[], PGresult], *, prepares: bool = True
    ) -> None:
        self._server = connection.pgconn
        self._answer = answer
        self._prepares = prepares
        self._values = Transformer(connection)
        self._known: set[bytes] = set()

    def rows(self, statement: Prepared, parameters: Mapping[str, object]) -> list[TupleRow]:
        """The statement's rows; raises what a cursor would. ``parameters`` may hold more than the statement has."""
        dumped: list[Any] = []
        for name in statement.names:
            value = parameters[name]
            written = _WRITTEN.get(type(value))
            dumped.append(self._values.dump_sequence((value,), _TEXT)[0] if written is None else written(value))
        try:
            result = self._said(statement, dumped)
        except psycopg.errors.InvalidSqlStatementName:
            # After a transaction that was rolled back psycopg has the server forget all statements, ours too; nothing was
            # carried out.
            self._known.clear()
            result = self._said(statement, dumped)
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)

    def _said(self, statement: Prepared, dumped: Sequence[Any]) -> PGresult:
        server = self._server
        if not self._prepares:
            server.send_query_params(statement.encoded, dumped)
            return self._heard()
        if statement.name not in self._known:
            server.send_prepare(statement.name, statement.encoded)
            self._heard()
            self._known.add(statement.name)
        server.send_query_prepared(statement.name, dumped)
        return self._heard()

    def _heard(self) -> PGresult:
        result = self._answer()
        if result.status not in _DONE:
            raise psycopg.errors.error_from_result(result)
        return result
