"""Who keeps something of every worker, and can tell of whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg

from bot.clock import ManualClock
from bot.db.database import Database
from bot.registration.rounds import Round, Which, look
from tests.world import MORNING


@dataclass
class Keeper:
    """Looks every five seconds, and writes down whom it was to put right."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(MORNING))
    kept: Round | None = None
    seen: list[int] = field(default_factory=list)
    pace: float = 1.0

    def looks(self) -> list[int]:
        """The workers of one look."""
        self.seen.clear()
        with self.database.transaction() as connection:
            kept = look(connection, self.kept, self.clock.moment, partial(self._put_right, connection), self.pace)
        self.kept = Round.from_json(kept.as_json())
        self.clock.moment += timedelta(seconds=5)
        return sorted(self.seen)

    def has_looked_for_an_hour(self) -> None:
        """The roster was imported an hour ago."""
        for _ in range(2):
            self.looks()
            self.clock.moment += timedelta(hours=1)
        self.looks()

    def _put_right(self, connection: psycopg.Connection[Any], which: Which) -> None:
        rows = connection.execute(f"SELECT id FROM worker WHERE {which.of('id')}".encode(), which.parameters)
        self.seen += [row[0] for row in rows]
