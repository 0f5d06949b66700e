"""Reading what may be a little old from a streaming replica, so that pages take nothing from whoever registers people.

What a replica says is behind by what it has not replayed yet, usually milliseconds. Where it is away, or further behind than
``LATEST``, the primary is asked. Whoever must see what they have just written asks the primary in the first place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import psycopg
import structlog
from psycopg.rows import TupleRow

from bot.clock import RealClock
from bot.db.database import Database, DatabaseAway, Parameters, Pooler, Row
from bot.db.prepared import Prepared

_log = structlog.get_logger(__name__)

#: Seconds that a replica may be behind. It counts from the last commit that it replayed: while nobody writes the primary is
#: asked, which then has nothing else to do.
LATEST: Final = 60.0
#: Seconds for which what was found out about the replica holds.
_HOLDS: Final = 5.0

_REPLAYED: Final = "SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()"


def _seconds_since(commit: datetime) -> float:
    # PostgreSQL notes by its machine's clock when it commits, whatever the service's own clock says.
    return (RealClock().now() - commit).total_seconds()


class Replica(Database):
    """A replica of ``primary`` at ``url``, for reading; each statement is asked of the one or the other."""

    def __init__(self, primary: Database, url: str, *, limit: float | None, behind: Pooler = Pooler.NONE) -> None:
        super().__init__(url, size=2, limit=limit, behind=behind)
        self._primary = primary
        self._fits = True
        self._known_until = 0.0

    def rows(self, sql: str, parameters: Parameters = None) -> list[Row]:
        """Of the replica, else of the primary; raises ``DatabaseAway``."""
        if self._is_fit():
            try:
                return super().rows(sql, parameters)
            except DatabaseAway:
                self._note(fits=False)
        return self._primary.rows(sql, parameters)

    def said(self, statement: Prepared, parameters: Mapping[str, object]) -> list[Row]:
        """Of the primary: what is said over and over is what people wait for."""
        return self._primary.said(statement, parameters)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """To the replica, if it is fit, else to the primary; raises ``DatabaseAway``."""
        if not self._is_fit():
            with self._primary.connection() as connection:
                yield connection
            return
        try:
            with super().connection() as connection:
                yield connection
        except DatabaseAway:
            self._note(fits=False)
            raise

    def _is_fit(self) -> bool:
        if time.monotonic() >= self._known_until:
            try:
                [(is_replica, replayed_at)] = super().rows(_REPLAYED)
                self._note(fits=not is_replica or (replayed_at is not None and _seconds_since(replayed_at) <= LATEST))
            except DatabaseAway:
                self._note(fits=False)
        return self._fits

    def _note(self, *, fits: bool) -> None:
        if fits != self._fits:
            _log.warning("replica_is_read" if fits else "replica_is_left")
        self._fits = fits
        self._known_until = time.monotonic() + _HOLDS
