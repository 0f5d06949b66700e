"""Figures made ready: what the first page shows is counted by a worker and kept, so that no page has to count.

Each look counts again whom something happened to since the last one (``standings.py``), and the steps of the curve in
which something changed (``curve.py``). It takes as long as there was to do, not as long as the roster is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from bot.clock import Clock, pace_of
from bot.db.database import Database
from bot.evaluation import curve, standings
from bot.registration.rounds import Round, look
from bot.registration.touched import OPEN

KIND: Final = "progress"
#: How often figures are made.
EVERY: Final = timedelta(seconds=5)

# One count at a time; who comes second leaves it to the first.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('figures'))"
_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(as_of)s, %(took_ms)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    as_of: datetime
    recounted_at: datetime
    people: Round


def make(database: Database, clock: Clock) -> bool:
    """Bring the figures up to date; False if another worker is at it. Raises ``DatabaseAway``."""
    with database.transaction() as connection:
        # Plans are made for what is asked: a look takes in one or ten thousand.
        connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        connection.execute("SET LOCAL work_mem = '96MB'")
        found = connection.execute(_LOCK).fetchone()
        if found is None or not found[0]:
            return False
        now, began = clock.now(), time.monotonic()
        kept = _kept(connection)
        recounts = kept is None or not kept.recounted_at <= now < kept.recounted_at + curve.RECOUNT_EVERY
        curve.count(connection, None if kept is None or recounts else min(kept.as_of, now))
        pace = pace_of(clock)
        before = None if kept is None else _further_back(kept.people, pace)
        people = look(connection, before, now, partial(standings.put_right, connection), pace)
        standings.count_places(connection, now)
        recounted_at = now if kept is None or recounts else kept.recounted_at
        body = {"recounted_at": recounted_at.isoformat(), "people": people.as_json()}
        took = round((time.monotonic() - began) * 1000)
        connection.execute(_KEEP, {"kind": KIND, "as_of": now, "took_ms": took, "body": Jsonb(body)})
        return True


def _further_back(people: Round, pace: float) -> Round:
    """A round whose next look goes back as far as a transaction may have been open, on a clock that runs at a pace."""
    if pace <= 1:
        return people
    return replace(people, cursor=replace(people.cursor, at=people.cursor.at - OPEN * (pace - 1)))


def forget(connection: psycopg.Connection[Any]) -> None:
    """Have everything that pages show counted anew, within a transaction: as after a restored backup."""
    connection.execute("TRUNCATE worker_standing, place_count")
    connection.execute("DELETE FROM figure_snapshot")


def _kept(connection: psycopg.Connection[Any]) -> _Kept | None:
    row = connection.execute("SELECT as_of, body FROM figure_snapshot WHERE kind = %s", (KIND,)).fetchone()
    if row is None:
        return None
    return _Kept(row[0], datetime.fromisoformat(row[1]["recounted_at"]), Round.from_json(row[1]["people"]))
