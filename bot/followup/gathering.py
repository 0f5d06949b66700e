"""The list made ready: a worker of the sweep's queue goes through the roster, district by district, and keeps each case.

Pages read ``follow_up_case`` by its indexes and the counts from ``figure_snapshot``. A case that has gone since (somebody
registered) is left out by the page; one that has changed is put right at the next round. Only what changed is written.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from bot.clock import Clock
from bot.db.database import Database
from bot.followup.reasons import CASES, Reason

KIND: Final = "follow-up"
#: How often a round begins at most, and how much longer than it took it is kept at least.
EVERY: Final = timedelta(seconds=15)
SHARE: Final = 10
#: Seconds of one job, so that sweeps and figures do not wait behind it: what it does not reach, the next takes first.
_AT_ONCE: Final = 4.0

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('follow-up'))"

_PUT_RIGHT = f"""
WITH now_so AS MATERIALIZED ({CASES}), gone AS (
    DELETE FROM follow_up_case c WHERE c.district_code = %(district)s
        AND NOT EXISTS (SELECT 1 FROM now_so n WHERE n.worker_id = c.worker_id)
), put AS (
    INSERT INTO follow_up_case AS c (worker_id, district_code, facility_id, name, profession, reason, since)
    SELECT worker_id, district_code, facility_id, name, profession, reason, since FROM now_so n
    WHERE NOT EXISTS (
        SELECT 1 FROM follow_up_case k WHERE k.worker_id = n.worker_id
            AND (k.district_code, k.name, k.profession, k.reason, k.since)
              = (n.district_code, n.name, n.profession, n.reason, n.since)
            AND k.facility_id IS NOT DISTINCT FROM n.facility_id)
    ON CONFLICT (worker_id) DO UPDATE SET district_code = EXCLUDED.district_code, facility_id = EXCLUDED.facility_id,
        name = EXCLUDED.name, profession = EXCLUDED.profession, reason = EXCLUDED.reason, since = EXCLUDED.since
)
SELECT reason, count(*) FROM now_so GROUP BY 1
"""

_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(as_of)s, %(took_ms)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """The people of a district by reason, as of a moment."""

    as_of: datetime
    by_reason: dict[Reason, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_reason.values())


def gather(database: Database, clock: Clock, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Put the districts right whose time has come, for some seconds at most and as long as ``goes_on``; returns how many.

    Raises ``DatabaseAway``.
    """
    began, done = time.monotonic(), 0
    for district in _due(database, clock.now()):
        if not goes_on() or not _gather_one(database, district, clock.now()):
            break
        done += 1
        if time.monotonic() - began > _AT_ONCE:
            break
    return done


def counted(database: Database) -> dict[str, Counted]:
    """What was counted last, by district; empty before the first round."""
    body = database.value("SELECT body FROM figure_snapshot WHERE kind = %s", (KIND,)) or {}
    known = {reason.value: reason for reason in Reason}
    return {
        district: Counted(
            datetime.fromisoformat(kept["as_of"]), {known[name]: n for name, n in kept["n"].items() if name in known}
        )
        for district, kept in body.items()
    }


def _due(database: Database, now: datetime) -> list[str]:
    """Districts to be gone through, the longest left first. ``took_ms``: of all districts together."""
    row = database.row("SELECT body, took_ms FROM figure_snapshot WHERE kind = %s", (KIND,))
    kept: dict[str, Any] = row[0] if row else {}
    wait = max(EVERY, timedelta(milliseconds=SHARE * row[1])) if row else EVERY
    found = []
    for (code,) in database.rows("SELECT code FROM district ORDER BY code"):
        as_of = datetime.fromisoformat(kept[code]["as_of"]) if code in kept else None
        if as_of is None or as_of > now or now - as_of >= wait:
            found.append((as_of is not None, as_of or now, code))
    return [code for _, _, code in sorted(found)]


def _gather_one(database: Database, district: str, now: datetime) -> bool:
    """One district in one transaction; False if another worker is at it."""
    with database.transaction() as connection:
        locked = connection.execute(_LOCK).fetchone()
        if locked is None or not locked[0]:
            return False
        connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        began = time.monotonic()
        rows = connection.execute(_PUT_RIGHT.encode(), {"district": district}).fetchall()
        _keep(connection, district, dict(rows), now, round((time.monotonic() - began) * 1000))
    return True


def _keep(
    connection: psycopg.Connection[Any], district: str, by_reason: dict[str, int], now: datetime, took: int
) -> None:
    row = connection.execute("SELECT body FROM figure_snapshot WHERE kind = %s", (KIND,)).fetchone()
    body: dict[str, Any] = row[0] if row else {}
    body[district] = {"as_of": now.isoformat(), "took": took, "n": dict(Counter(by_reason))}
    all_of_it = sum(each["took"] for each in body.values())
    connection.execute(_KEEP, {"kind": KIND, "as_of": now, "took_ms": all_of_it, "body": Jsonb(body)})
