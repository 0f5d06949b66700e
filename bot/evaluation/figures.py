"""Figures made ready: what the first page shows is counted by a worker and kept, so that no page has to count.

Two snapshots: ``progress``, of everybody on the roster and how far they are, and ``registrations``, of the curve. The
first goes through whole tables, and is made as often as costs a tenth of a core at most. The second looks at what was
booked or ended since the last one, and takes milliseconds; with it, what has been registered since the first is added.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from bot.campaigns.progress import HOME, PEOPLE, PLACES_LEFT, REACHED_AND_REGISTERED, TO_COME
from bot.clock import Clock
from bot.db.database import Database
from bot.evaluation import curve
from bot.evaluation.counts import COUNTED, NAMES, Counts
from bot.evaluation.places import Place

PROGRESS, REGISTRATIONS = "progress", "registrations"
#: How often figures are made, and how much longer than it takes to make them they are kept at least.
EVERY: Final = timedelta(seconds=5)
SHARE: Final = 10
#: How old the figures of people may get while a blast is leaving.
GIVES_WAY: Final = timedelta(seconds=60)
_LEAVING = """
SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign_id
WHERE a.lane = 'blast' AND a.state = 'queued' AND a.due_at <= %s AND c.state = 'running' LIMIT 1
"""

# One count at a time; who comes second leaves it to the first.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('figures'))"

_PEOPLE = f"""
WITH {REACHED_AND_REGISTERED}
SELECT {HOME} AS home, coalesce(w.facility_id, 0), {", ".join(COUNTED[name] for name in NAMES if name in COUNTED)}
FROM {PEOPLE} LEFT JOIN screening s ON s.worker_id = w.id
GROUP BY 1, 2
"""
_PLACES = f"SELECT f.district_code, f.id, {PLACES_LEFT}::bigint FROM {TO_COME} GROUP BY 1, 2"

_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(as_of)s, %(took_ms)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot without its figures: of when it is, and how many seconds it took to make."""

    as_of: datetime
    took: float
    recounted_at: datetime | None = None

    @property
    def due_after(self) -> timedelta:
        """How long it is kept before it is made anew."""
        return max(EVERY, timedelta(seconds=SHARE * self.took))


def make(database: Database, clock: Clock) -> tuple[str, ...]:
    """Make the figures that are due, and return their kinds; none if another worker is at it. Raises ``DatabaseAway``."""
    with database.transaction() as connection:
        # Both snapshots see the same rows. The tables are gone through as they are: plans are made for what is asked.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        connection.execute("SET LOCAL work_mem = '96MB'")
        now = clock.now()
        found = connection.execute(_LOCK).fetchone()
        if found is None or not found[0]:
            return ()
        kept = _kept(connection)
        registrations, people = kept.get(REGISTRATIONS), kept.get(PROGRESS)
        anew = registrations is None or _is_recount_due(registrations, now)
        _count_registrations(connection, None if anew else registrations, now)
        # After a recount, what had been added up belongs to other numbers.
        if not anew and people is not None and (not _is_due(people, now) or _gives_way(connection, people, now)):
            return (REGISTRATIONS,)
        _count_people(connection, now)
        return (REGISTRATIONS, PROGRESS)


def _is_recount_due(kept: Kept, now: datetime) -> bool:
    """Once a day, and where the clock was set back."""
    counted_at = kept.recounted_at
    return counted_at is None or not counted_at <= now < counted_at + curve.RECOUNT_EVERY


def _is_due(kept: Kept, now: datetime) -> bool:
    # The clock calls every few seconds, never quite on the dot.
    return kept.as_of > now or now - kept.as_of >= kept.due_after - EVERY / 2


def _gives_way(connection: psycopg.Connection[Any], kept: Kept, now: datetime) -> bool:
    """Whether a blast is leaving: it needs the database more, for a while."""
    if not kept.as_of <= now < kept.as_of + GIVES_WAY:
        return False
    row = connection.execute(_LEAVING, (now,)).fetchone()
    return row is not None


def _kept(connection: psycopg.Connection[Any]) -> dict[str, Kept]:
    rows = connection.execute(
        "SELECT kind, as_of, took_ms / 1000.0::float8, (body ->> 'recounted_at')::timestamptz FROM figure_snapshot "
        "WHERE kind = ANY(%s)",
        ([PROGRESS, REGISTRATIONS],),
    ).fetchall()
    return {kind: Kept(as_of, took, recounted_at) for kind, as_of, took, recounted_at in rows}


def _count_registrations(connection: psycopg.Connection[Any], kept: Kept | None, now: datetime) -> None:
    """Bring the curve up to date since ``kept``, or count all of it."""
    began = time.monotonic()
    curve.count(connection, None if kept is None else min(kept.as_of, now))
    recounted_at = now if kept is None or kept.recounted_at is None else kept.recounted_at
    _keep(connection, REGISTRATIONS, now, began, {"recounted_at": recounted_at.isoformat()})


def _count_people(connection: psycopg.Connection[Any], now: datetime) -> None:
    began = time.monotonic()
    counted = {
        (home, facility): Counts(**dict(zip((name for name in NAMES if name in COUNTED), values, strict=True)))
        for home, facility, *values in connection.execute(_PEOPLE.encode()).fetchall()
    }
    for district, facility, left in connection.execute(_PLACES.encode(), {"now": now}).fetchall():
        counted[district, facility] = counted.get((district, facility), Counts()) + Counts(places_left=left)
    start = curve.beginning(now - curve.STEP)
    _keep(connection, PROGRESS, now, began, _body(counted, start, curve.all_since(connection, start)))


def _body(counted: Mapping[tuple[str, int], Counts], start: datetime, base: Mapping[str, int]) -> dict[str, Any]:
    """The figures as JSON: of each district, and within it of each facility, the counts, and after them what of the
    registrations had been booked from ``start`` on."""
    districts: dict[str, Any] = {}
    facilities: dict[str, Any] = {}
    sums: dict[str, Counts] = {}
    for (district, facility), counts in sorted(counted.items()):
        sums[district] = sums.get(district, Counts()) + counts
        facilities.setdefault(district, {})[str(facility)] = _row(counts, base, Place(None, district, facility))
    for district, counts in sums.items():
        districts[district] = _row(counts, base, Place(None, district))
    return {"start": start.isoformat(), "districts": districts, "facilities": facilities}


def _row(counts: Counts, base: Mapping[str, int], place: Place) -> list[int]:
    return [*counts.values(), base.get(place.key, 0)]


def _keep(connection: psycopg.Connection[Any], kind: str, as_of: datetime, began: float, body: dict[str, Any]) -> None:
    took = round((time.monotonic() - began) * 1000)
    connection.execute(_KEEP, {"kind": kind, "as_of": as_of, "took_ms": took, "body": Jsonb(body)})
