"""A connection to PostgreSQL that breaks at a statement of choice: before it is carried out, or just before its answer."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import TupleRow

from bot.db.database import Database, DatabaseAway, Parameters, Row


class Break(enum.Enum):
    """What happens at the statement (or transaction) of choice."""

    BEFORE = "it never arrived"
    AFTER = "it was committed, and the answer lost"
    DEATH = "it was committed, and the process killed"


class Killed(BaseException):
    """The process is no more: nobody catches this."""


class BreakingDatabase(Database):
    """The real thing, which breaks once."""

    def __init__(self, url: str) -> None:
        super().__init__(url, limit=10)
        self.breaks_at: int | None = None
        self.how = Break.BEFORE
        self.seen = 0

    def will_break(self, at: int, how: Break) -> None:
        """Break at the ``at``-th statement from now on (0 is the next)."""
        self.breaks_at, self.how, self.seen = at, how, 0

    @property
    def has_broken(self) -> bool:
        return self.breaks_at is not None and self.seen > self.breaks_at

    @contextmanager
    def _counted(self) -> Iterator[None]:
        here = self.breaks_at is not None and self.seen == self.breaks_at
        self.seen += 1
        if here and self.how is Break.BEFORE:
            raise DatabaseAway("broken on purpose")
        yield
        if here:
            if self.how is Break.DEATH:
                raise Killed
            raise DatabaseAway("broken on purpose")

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        with self._counted():
            return super().rows(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[TupleRow]]:
        with self._counted(), super().transaction() as connection:
            yield connection
