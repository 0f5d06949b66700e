"""Connections to PostgreSQL that give up in time.

A statement has a time limit on both sides: the server cancels it (``statement_timeout``), and, should the server not
answer at all, the client stops waiting and throws the connection away. Whoever must answer by a deadline puts one over
everything they ask (``bot.deadline``). So a paused or cut-off PostgreSQL costs a webhook its limit and nothing more.
"""

from __future__ import annotations

import enum
import os
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout

from bot.away import Away
from bot.breaker import Breaker
from bot.db.connection import NoAnswer, Pool, TimedConnection
from bot.db.prepared import Prepared
from bot.deadline import LEAST, is_hasty, time_to_ask

Row = TupleRow
Parameters = Mapping[str, object] | Sequence[object] | None

#: SQLSTATE classes and states that say "not now": connection, insufficient resources, operator intervention, timeouts.
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    errors.QueryCanceled,
    errors.LockNotAvailable,
)


class DatabaseAway(Away):
    """PostgreSQL cannot be reached, or did not answer within its time limit. Nothing is known of the last statement."""


#: A wait that was shorter, in seconds, says nothing about the server: the deadline of whoever asked came first.
_TELLING = 0.4


#: A connection used this lately, in seconds, is not asked whether it is still open.
_FRESH = 1.0


def _closed_meanwhile(connection: psycopg.Connection[TupleRow]) -> bool:
    """Whether the server has closed a pooled connection while it lay idle.

    A healthy idle connection has nothing to read; asking the kernel costs a system call, asking the server a round trip.
    """
    if isinstance(connection, TimedConnection) and time.monotonic() - connection.used_at < _FRESH:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


@lru_cache(maxsize=512)
def _encoded(sql: str) -> bytes:
    """A statement as psycopg wants it, the same object each time: what it knows of a statement it finds by its hash."""
    return sql.encode()


class Pooler(enum.Enum):
    """What hands the server's connections to whoever has a transaction: PgBouncer in transaction mode.

    Then nothing may be set on a connection; statements are not cancelled by the server when their time is over, but left by us.
    ``PREPARING`` keeps prepared statements apart (PgBouncer 1.22 or newer).
    """

    NONE = "none"
    PREPARING = "preparing"
    UNPREPARED = "unprepared"


class Database:
    """A small pool of connections in autocommit mode, each statement prepared at its first use.

    ``limit``: seconds that a statement may take (None: no limit, for imports and other long work). ``behind``: what stands
    between us and the server.
    """

    def __init__(self, url: str, *, size: int = 4, limit: float | None = 1.2, behind: Pooler = Pooler.NONE) -> None:
        self.url = url
        self._behind = behind
        self._wait = 0.6 if limit is not None else 30.0
        self._pool = self._new_pool(size, limit)
        self._is_open = False
        self._breaker = Breaker()

    def beside(self, *, size: int, limit: float | None) -> Database:
        """Other connections to the same database, with another patience; close them."""
        return Database(self.url, size=size, limit=limit, behind=self._behind)

    def _new_pool(self, size: int, limit: float | None) -> Pool:
        options = "-c timezone=UTC"
        if limit is not None:
            # Short statements run over and over: planning them anew each time would cost more than they do.
            options += " -c plan_cache_mode=force_generic_plan -c jit=off"
            options += f" -c statement_timeout={int(limit * 1000)} -c lock_timeout={int(limit * 1000)}"
        prepares = self._behind is not Pooler.UNPREPARED
        of_all = {"limit": None if limit is None else limit + 0.2, "prepares": prepares}
        kind = type("LimitedConnection", (TimedConnection,), of_all)
        settings: dict[str, str] = {"options": options}
        if self._behind is not Pooler.NONE:
            # A pooler takes no options, and of all settings this one, which libpq sends with the first message.
            os.environ["PGTZ"] = "UTC"
            settings = {}
        return Pool(
            self.url,
            connection_class=kind,
            min_size=1,
            max_size=size,
            open=False,
            timeout=self._wait,
            max_idle=120,
            # Left to itself, a pool waits twice as long before each try: after an hour's outage it may take another hour.
            # So it gives up with whoever waits, and each who asks has it try anew.
            reconnect_timeout=self._wait,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 1 if prepares else None,
                "connect_timeout": 2,
                "application_name": "balas",
                **settings,
            },
        )

    def _connections(self) -> Pool:
        # Opened at first use: a pool's threads do not survive the fork of a web or job process.
        if not self._is_open:
            self._pool.open()
            self._await_first()
            self._is_open = True
        return self._pool

    def _await_first(self) -> None:
        """Wait until there is one connection: a pool that is asked before makes a second, and gives out both in turn.

        One server process that carries out everything has at hand what it needs; two that take turns cost a third more.
        """
        until = time.monotonic() + (time_to_ask(self._wait) or 0.0)
        while not self._pool.get_stats()["pool_available"] and time.monotonic() < until:
            time.sleep(0.002)

    def _borrow(self, pool: Pool) -> TimedConnection:
        if is_hasty() and not self._breaker.admits():
            raise DatabaseAway("just kept waiting")
        if (time_to_ask(None) or 1.0) <= LEAST:
            raise DatabaseAway("no time left")
        while True:
            # Not by the pool's own check: it pauses for a second after the second connection that it refuses.
            connection = pool.take(time_to_ask(self._wait))
            if not _closed_meanwhile(connection):
                return connection
            # libpq has not noticed yet; unless told, the pool would take the connection back for a good one, for ever.
            connection.close()
            pool.give(connection)

    def _away(self, error: Exception, began: float) -> DatabaseAway:
        if isinstance(error, NoAnswer | PoolTimeout) and time.monotonic() - began >= _TELLING:
            self._breaker.trip()
        return DatabaseAway(type(error).__name__)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """A connection in autocommit mode; raises ``DatabaseAway``."""
        pool, began = self._connections(), time.monotonic()
        try:
            connection = self._borrow(pool)
            try:
                with connection:
                    yield connection
            finally:
                pool.give(connection)
        except _AWAY as error:
            raise self._away(error, began) from error
        self._breaker.heard()

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """A connection within one transaction, committed at the end; raises ``DatabaseAway``."""
        with self.connection() as connection, connection.transaction():
            yield connection

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """Carry out one statement as a transaction of its own and return its rows; raises ``DatabaseAway``."""
        # Not by ``connection()``: its layers of contexts cost as much as sending the statement.
        pool, began = self._connections(), time.monotonic()
        try:
            connection = self._borrow(pool)
            try:
                cursor = connection.only_cursor.execute(_encoded(sql), parameters)
                found = cursor.fetchall() if cursor.pgresult is not None and cursor.pgresult.nfields else []
            finally:
                pool.give(connection)
        except _AWAY as error:
            raise self._away(error, began) from error
        self._breaker.heard()
        return found

    def said(self, statement: Prepared, parameters: Mapping[str, object]) -> list[Row]:
        """The same for what is said over and over; ``parameters`` may hold more than the statement has."""
        pool, began = self._connections(), time.monotonic()
        try:
            connection = self._borrow(pool)
            try:
                found = connection.speaker.rows(statement, parameters)
            finally:
                pool.give(connection)
        except _AWAY as error:
            raise self._away(error, began) from error
        self._breaker.heard()
        return found

    def row(self, sql: str, parameters: Parameters = None) -> Row | None:
        """The first row of one statement, or None; raises ``DatabaseAway``."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def value(self, sql: str, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None; raises ``DatabaseAway``."""
        found = self.row(sql, parameters)
        return found[0] if found else None

    def close(self) -> None:
        """Give all connections back to the server."""
        if self._is_open:
            self._pool.close()
