"""Statements that are said over and over, with as little as possible between them and libpq.

A cursor turns each execution's names into numbers, chooses a type for each value by its size, and looks for the plan that goes
with the types: that costs more than sending and reading. Here the numbers are given once, and PostgreSQL finds out the types,
so that a statement has one plan, whatever its values.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

_HOLE = re.compile(r"%(?:\((\w+)\)s|%)")
_numbers = itertools.count(1)


class Prepared:
    """A statement with named parameters, ``%(name)s``.

    Each stands at least once where PostgreSQL sees its type (beside a column, or cast), and before it stands elsewhere; its
    value goes as text. ``sql``: as it was written.
    """

    __slots__ = ("encoded", "formats", "name", "names", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        # Of this process's own: a connection belongs to one.
        self.name = f"said_{next(_numbers)}".encode()
        names: dict[str, int] = {}

        def numbered(hole: re.Match[str]) -> str:
            return "%" if hole[1] is None else f"${names.setdefault(hole[1], len(names) + 1)}"

        self.encoded = _HOLE.sub(numbered, sql).encode()
        self.names = tuple(names)
        self.formats = (PyFormat.TEXT,) * len(names)


class Speaker:
    """Says prepared statements on one connection, in autocommit mode, one after the other.

    ``prepares``: not behind a pooler, which gives the next statement another connection: there each is sent as it is.
    """

    def __init__(self, connection: psycopg.Connection[TupleRow], *, prepares: bool = True) -> None:
        self._connection = connection
        self._prepares = prepares
        self._values = Transformer(connection)
        self._known: set[bytes] = set()

    def rows(self, statement: Prepared, parameters: Mapping[str, object]) -> list[TupleRow]:
        """The statement's rows; raises what a cursor would. ``parameters`` may hold more than the statement has."""
        values: Sequence[Any] = [parameters[name] for name in statement.names]
        dumped = self._values.dump_sequence(values, statement.formats)
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
        server = self._connection.pgconn
        if not self._prepares:
            server.send_query_params(statement.encoded, dumped)
            return self._answer()
        if statement.name not in self._known:
            server.send_prepare(statement.name, statement.encoded)
            self._answer()
            self._known.add(statement.name)
        server.send_query_prepared(statement.name, dumped)
        return self._answer()

    def _answer(self) -> PGresult:
        result: PGresult = self._connection.wait(generators.execute(self._connection.pgconn))[-1]
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise psycopg.errors.error_from_result(result)
        return result
