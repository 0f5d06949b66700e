"""The list made ready: a worker of the sweep's queue keeps each case as it now is, so that no page has to look for them.

Each look takes in whom something happened to since the last one, and some others in turn (``bot.registration.rounds``).
Pages read ``follow_up_case`` by its indexes and the counts from ``figure_snapshot``. Only what changed is written.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from bot.clock import Clock, pace_of
from bot.db.database import Database
from bot.followup.reasons import CASES, Reason
from bot.registration.rounds import Round, Which, look

KIND: Final = "follow-up"
#: How often the list is brought up to date.
EVERY: Final = timedelta(seconds=8)
#: How often the list is counted whole; in between what a look changes is added to the counts. Who is erased in between
#: leaves the list by another way, and counts until then.
_WHOLE_EVERY: Final = timedelta(seconds=60)

#: People by district and reason.
_Counts = dict[str, dict[str, int]]

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('follow-up'))"

_PUT_RIGHT = f"""
WITH now_so AS MATERIALIZED ({CASES}), gone AS (
    DELETE FROM follow_up_case c WHERE {{cases}}
        AND NOT EXISTS (SELECT 1 FROM now_so n WHERE n.worker_id = c.worker_id)
    RETURNING c.district_code, c.reason
), put AS (
    INSERT INTO follow_up_case AS c (worker_id, district_code, facility_id, name, profession, reason, since)
    SELECT worker_id, district_code, facility_id, name, profession, reason, since FROM now_so n
    WHERE NOT EXISTS (
        SELECT 1 FROM follow_up_case k WHERE k.worker_id = n.worker_id
            AND (k.district_code, k.name, k.profession, k.reason, k.since)
              = (n.district_code, n.name, n.profession, n.reason, n.since)
            AND k.facility_id IS NOT DISTINCT FROM n.facility_id)
    ORDER BY worker_id
    ON CONFLICT (worker_id) DO UPDATE SET district_code = EXCLUDED.district_code, facility_id = EXCLUDED.facility_id,
        name = EXCLUDED.name, profession = EXCLUDED.profession, reason = EXCLUDED.reason, since = EXCLUDED.since
    RETURNING old.district_code AS old_district_code, old.reason AS old_reason, new.district_code, new.reason
), changed AS (
    SELECT district_code, reason, 1 AS sign FROM put
    UNION ALL SELECT old_district_code, old_reason, -1 FROM put WHERE old_reason IS NOT NULL
    UNION ALL SELECT district_code, reason, -1 FROM gone
)
SELECT district_code, reason, sum(sign)::int FROM changed GROUP BY 1, 2 HAVING sum(sign) <> 0
"""
_COUNT = "SELECT district_code, reason, count(*) FROM follow_up_case GROUP BY 1, 2"

_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(as_of)s, %(took_ms)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """The people of a district by reason."""

    by_reason: dict[Reason, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_reason.values())


@dataclass(frozen=True, slots=True)
class Gathered:
    """How many there are. ``as_of``: what people did; ``right_at``: also of messages, which may lag behind a fast blast."""

    as_of: datetime
    right_at: datetime
    districts: dict[str, Counted]

    def of(self, district: str) -> Counted:
        """The people of a district."""
        return self.districts.get(district, Counted({}))


def gather(database: Database, clock: Clock) -> bool:
    """Bring the list up to date; False if another worker is at it. Raises ``DatabaseAway``."""
    with database.transaction() as connection:
        connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        locked = connection.execute(_LOCK).fetchone()
        if locked is None or not locked[0]:
            return False
        now, began = clock.now(), time.monotonic()
        row = connection.execute("SELECT body FROM figure_snapshot WHERE kind = %s", (KIND,)).fetchone()
        kept = row[0] if row else None
        changed: Counter[tuple[str, str]] = Counter()
        before, pace = Round.from_json(kept["people"]) if kept else None, pace_of(clock)
        people = look(connection, before, now, partial(_put_right, connection, changed), pace)
        counted_at = datetime.fromisoformat(kept["counted_at"]) if kept and "counted_at" in kept else None
        if kept is None or counted_at is None or not counted_at <= now < counted_at + _WHOLE_EVERY * pace:
            counted_at, districts = now, _counted_whole(connection)
        else:
            districts = _added(kept["districts"], changed)
        body = {"people": people.as_json(), "districts": districts, "counted_at": counted_at.isoformat()}
        took = round((time.monotonic() - began) * 1000)
        connection.execute(_KEEP, {"kind": KIND, "as_of": now, "took_ms": took, "body": Jsonb(body)})
    return True


def counted(database: Database) -> Gathered | None:
    """What was counted last; None before the first round is through."""
    row = database.row("SELECT as_of, body FROM figure_snapshot WHERE kind = %s", (KIND,))
    right_at: str | None = row[1]["people"]["right_at"] if row else None
    if row is None or right_at is None:
        return None
    known = {reason.value: reason for reason in Reason}
    return Gathered(
        row[0],
        datetime.fromisoformat(right_at),
        {
            district: Counted({known[name]: count for name, count in counts.items() if name in known})
            for district, counts in row[1]["districts"].items()
        },
    )


def statement(which: Which) -> str:
    """What writes the cases of some workers as they now are; its rows: how many more there are of a district and reason."""
    return _PUT_RIGHT.format(
        workers=which.of("w.id"),
        screenings=which.of("sc.worker_id"),
        stops=which.of("ls.worker_id"),
        cases=which.of("c.worker_id"),
    )


def _put_right(connection: psycopg.Connection[Any], changed: Counter[tuple[str, str]], which: Which) -> None:
    """Write the cases of some workers; ``changed`` takes how many more there are of a district and reason."""
    for district, reason, more in connection.execute(statement(which).encode(), which.parameters):
        changed[district, reason] += more


def _counted_whole(connection: psycopg.Connection[Any]) -> _Counts:
    districts: _Counts = {}
    for district, reason, count in connection.execute(_COUNT):
        districts.setdefault(district, {})[reason] = count
    return districts


def _added(districts: _Counts, changed: Counter[tuple[str, str]]) -> _Counts:
    """The counts with what has changed since they were kept; no reason of which there is nobody any more."""
    for (district, reason), more in changed.items():
        by_reason = districts.setdefault(district, {})
        by_reason[reason] = by_reason.get(reason, 0) + more
    return {
        district: {reason: count for reason, count in by.items() if count > 0} for district, by in districts.items()
    }
