"""The rows of one import on their way to PostgreSQL: into staging, or, of a first roster, some straight into their table.

One connection carries one COPY at a time, so they take turns; rows that are to be staged wait until there are enough of them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Protocol

from psycopg import Copy, sql
from psycopg.abc import Buffer
from psycopg.copy import Writer

from bot.registration.importing.importer import Connection

#: What begins and ends a binary COPY, by PostgreSQL's documentation.
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"

#: Bytes of rows for staging that wait for a turn of their own.
_WAITING: Final = 1 << 20


class Rows(Protocol):
    """Where rows go, packed as binary COPY takes them, each block of whole rows."""

    def staged(self, rows: Buffer) -> None:
        """Rows of the staging table."""
        ...

    def plain(self, rows: Buffer) -> None:
        """Rows that ``Importer.plain`` has packed: of the staging table, too, unless they go straight."""
        ...


class Copying:
    """``Rows`` into PostgreSQL, until the block ends. ``straight``: the COPY for plain rows that are not staged."""

    def __init__(self, connection: Connection, staged: sql.Composed, straight: sql.Composed | None) -> None:
        self._connection = connection
        self._staged, self._straight = staged, straight
        self._waiting = bytearray()
        self._open: sql.Composed | None = None
        self._block: AbstractContextManager[Copy] | None = None
        self._copy: Copy | None = None
        self._cursor = connection.cursor()
        self._written: dict[bool, int] = {False: 0, True: 0}

    def __enter__(self) -> Copying:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._write(self._staged, self._waiting)
            self._end()
        elif self._block is not None:
            self._block.__exit__(kind, error, trace)

    @property
    def rows_straight(self) -> int:
        """How many rows went straight, by now."""
        return self._written[True]

    @property
    def rows_staged(self) -> int:
        """How many were staged, by now."""
        return self._written[False]

    def staged(self, rows: Buffer) -> None:
        """See ``Rows``."""
        if self._straight is None:
            self._write(self._staged, rows)
            return
        self._waiting += rows
        if len(self._waiting) >= _WAITING:
            self._write(self._staged, self._waiting)
            self._waiting = bytearray()

    def plain(self, rows: Buffer) -> None:
        """See ``Rows``."""
        self._write(self._straight or self._staged, rows)

    def _write(self, statement: sql.Composed, rows: Buffer) -> None:
        if not rows:
            return
        if self._copy is None or self._open is not statement:
            self._end()
            self._block = self._cursor.copy(statement)
            self._copy, self._open = self._block.__enter__(), statement
            self._copy.write(SIGNATURE)
        self._copy.write(bytes(rows))

    def _end(self) -> None:
        block, copy = self._block, self._copy
        self._block = self._copy = None
        if block is not None and copy is not None:
            copy.write(TRAILER)
            block.__exit__(None, None, None)
            self._written[self._open is self._straight] += self._cursor.rowcount


class RowsAlone(Writer):
    """What psycopg packs, block by block, without what begins and ends a COPY: that belongs to the whole of it."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._skip = len(SIGNATURE)
        self._last = b""

    def write(self, data: Buffer) -> None:
        self._hand_on(self._last)
        self._last, self._skip = bytes(data)[self._skip :], 0

    def finish(self, exc: BaseException | None = None) -> None:
        if exc is None:
            self._hand_on(self._last[: -len(TRAILER)])

    def _hand_on(self, rows: bytes) -> None:
        if rows:
            self._rows.staged(rows)
