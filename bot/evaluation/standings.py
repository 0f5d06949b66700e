"""Each worker's standing, and with it the counts of places: what has changed is added or taken away, nothing is summed up anew.

``worker_standing`` holds how somebody was last counted. Looking at them again writes only what differs, and what differs
changes ``place_count`` by as much, in one statement: so the counts are always the sum of the standings.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import psycopg

from bot.campaigns.progress import HOME, PLACES_LEFT, REACHED, REGISTERED, TO_COME
from bot.evaluation.counts import COUNTED
from bot.registration.rounds import Which

_STEPS: Final = " | ".join(f"CASE WHEN {step} THEN {1 << bit} ELSE 0 END" for bit, step in enumerate(COUNTED.values()))
_BITS: Final = tuple((name, f"sum(sign * (steps >> {bit} & 1))") for bit, name in enumerate(COUNTED))

# That screenings are those of the same workers is said, too: the planner does not conclude it from a range, and would go
# through all of them from the first one.
_PUT_RIGHT = f"""
WITH fresh AS MATERIALIZED (
    SELECT w.id AS worker_id, {HOME} AS home, coalesce(w.facility_id, 0) AS facility_id, {_STEPS} AS steps
    FROM worker w
    LEFT JOIN LATERAL ({REACHED.format(which="message.worker_id = w.id")}) r ON true
    LEFT JOIN LATERAL ({REGISTERED.format(which="booking.worker_id = w.id")}) b ON true
    LEFT JOIN screening s ON s.worker_id = w.id AND {{screenings}}
    WHERE {{workers}}
), put AS (
    INSERT INTO worker_standing AS k (worker_id, home, facility_id, steps)
    SELECT worker_id, home, facility_id, steps FROM fresh n
    WHERE NOT EXISTS (
        SELECT FROM worker_standing o WHERE o.worker_id = n.worker_id AND o.home = n.home AND o.facility_id = n.facility_id
            AND o.steps = n.steps)
    ORDER BY worker_id
    ON CONFLICT (worker_id) DO UPDATE SET home = EXCLUDED.home, facility_id = EXCLUDED.facility_id, steps = EXCLUDED.steps
    RETURNING old.home AS old_home, old.facility_id AS old_facility_id, old.steps AS old_steps,
              new.home, new.facility_id, new.steps
), gone AS (
    DELETE FROM worker_standing k WHERE {{standings}} AND NOT EXISTS (SELECT FROM fresh n WHERE n.worker_id = k.worker_id)
    RETURNING k.home, k.facility_id, k.steps
), changed AS (
    SELECT home, facility_id, steps, 1 AS sign FROM put
    UNION ALL SELECT old_home, old_facility_id, old_steps, -1 FROM put WHERE old_home IS NOT NULL
    UNION ALL SELECT home, facility_id, steps, -1 FROM gone
)
INSERT INTO place_count AS p (home, facility_id, {", ".join(name for name, _ in _BITS)})
SELECT home, facility_id, {", ".join(bit for _, bit in _BITS)} FROM changed GROUP BY home, facility_id
ON CONFLICT (home, facility_id) DO UPDATE SET {", ".join(f"{name} = p.{name} + EXCLUDED.{name}" for name, _ in _BITS)}
"""
_PLACES = f"""
WITH fresh AS MATERIALIZED (
    SELECT f.district_code AS home, f.id AS facility_id, {PLACES_LEFT}::bigint AS places_left FROM {TO_COME} GROUP BY 1, 2
), over AS (
    UPDATE place_count p SET places_left = 0
    WHERE p.places_left <> 0
        AND NOT EXISTS (SELECT FROM fresh n WHERE n.home = p.home AND n.facility_id = p.facility_id)
)
INSERT INTO place_count AS p (home, facility_id, places_left)
SELECT home, facility_id, places_left FROM fresh n
WHERE NOT EXISTS (
    SELECT FROM place_count o
    WHERE o.home = n.home AND o.facility_id = n.facility_id AND o.places_left = n.places_left)
ON CONFLICT (home, facility_id) DO UPDATE SET places_left = EXCLUDED.places_left
"""


def statement(which: Which) -> str:
    """What counts some workers as they now stand."""
    return _PUT_RIGHT.format(
        workers=which.of("w.id"), screenings=which.of("s.worker_id"), standings=which.of("k.worker_id")
    )


def put_right(connection: psycopg.Connection[Any], which: Which) -> None:
    """Count some workers as they now stand, within a transaction."""
    connection.execute(statement(which).encode(), which.parameters)


def count_places(connection: psycopg.Connection[Any], now: datetime) -> None:
    """Count the places that are left in sessions to come, within a transaction."""
    connection.execute(_PLACES.encode(), {"now": now})
