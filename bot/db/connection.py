"""A connection to PostgreSQL on which nothing takes longer than its limit, and a pool that hands one out at little cost."""

from __future__ import annotations

import select
import time
from functools import cached_property
from typing import ClassVar, TypeVar

import psycopg
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from bot.db.prepared import Speaker
from bot.deadline import time_to_ask

_RV = TypeVar("_RV")


class NoAnswer(psycopg.OperationalError):
    """A statement's time on the client's side is over, and the server has not said a word."""


class TimedConnection(psycopg.Connection[TupleRow]):
    """A connection on which no wait lasts longer than ``limit`` seconds (None: for ever)."""

    limit: ClassVar[float | None] = None
    prepares: ClassVar[bool] = True
    used_at: float = 0.0

    @cached_property
    def speaker(self) -> Speaker:
        """For prepared statements."""
        return Speaker(self, self.answer, prepares=self.prepares)

    @cached_property
    def only_cursor(self) -> psycopg.Cursor[TupleRow]:
        """For whoever reads all rows of one statement before the next: making one anew costs as much as the sending."""
        return self.cursor()

    @cached_property
    def _incoming(self) -> select.poll:
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return poll

    def wait(self, gen: PQGen[_RV], interval: float = 0.1, timeout: float | None = None) -> _RV:
        if timeout is None:
            timeout = time_to_ask(self.limit)
        try:
            result = super().wait(gen, interval, timeout)
            self.used_at = time.monotonic()
            return result
        except errors._WaitTimeout as error:
            self.pgconn.finish()
            raise NoAnswer("PostgreSQL did not answer in time") from error

    def answer(self) -> PGresult:
        """The result of the one statement that was sent; raises ``NoAnswer`` and what psycopg raises of a broken connection.

        After anything but a result the connection is closed: on it would come what nobody waits for any more.
        """
        server, limit = self.pgconn, time_to_ask(self.limit)
        if limit is None or server.flush():
            # Without a limit, and for more than goes out at once, psycopg's own way: it also cancels, and reads while it sends.
            result: PGresult = self.wait(generators.execute(server))[-1]
            return result
        until = time.monotonic() + limit
        try:
            self._read_on(until)
            while (last := server.get_result()) is not None:
                result = last
                if server.is_busy():
                    self._read_on(until)
        except BaseException:
            server.finish()
            raise
        self.used_at = time.monotonic()
        return result

    def _read_on(self, until: float) -> None:
        """Read until there is a result, or the end of all; raises ``NoAnswer``."""
        server = self.pgconn
        while server.is_busy():
            left = until - time.monotonic()
            if left <= 0 or not self._incoming.poll(1 + int(left * 1000)):
                raise NoAnswer("PostgreSQL did not answer in time")
            server.consume_input()


class Pool(ConnectionPool[TimedConnection]):
    """psycopg's pool, with a short way for a connection that lies ready: what psycopg's own way notes, logs and looks up
    for each costs a sixth of a statement. Everything else (making, waiting, growing, shrinking, closing) is psycopg's.

    These two lay hands on fields that are the library's own, under its lock: its version is pinned, and tests would tell."""

    def take(self, timeout: float | None) -> TimedConnection:
        """``getconn``, but of those that lie ready the one that was used last: its server process has all at hand."""
        with self._lock:
            if self._pool:
                connection = self._pool.pop()
                # By this the pool finds out how many it could do without.
                self._nconns_min = min(self._nconns_min, len(self._pool))
                connection._pool = self
                return connection
        return self.getconn(timeout)

    def give(self, connection: TimedConnection) -> None:
        """``putconn``; at once for a good one for which nobody waits."""
        is_good = connection.pgconn.transaction_status == TransactionStatus.IDLE
        if is_good and connection._expire_at > connection.used_at:
            with self._lock:
                if not self._waiting and not self._closed:
                    connection._pool = None
                    self._pool.append(connection)
                    return
        self.putconn(connection)
