"""The curve of registrations: booked less cancelled in each quarter of an hour, of every place that is looked at.

It is kept in ``registration_count`` and counted again only from where something may have changed: what was booked or
ended since the last count, and a little before, for transactions that were still open then. Once a day all of it is
counted anew, because people move and lists are corrected.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from bot.campaigns.progress import HOME
from bot.db.database import Database
from bot.evaluation.places import Place

#: A step of the curve.
STEP: Final = timedelta(minutes=15)
#: What was written as of a moment is committed within this.
_OPEN = timedelta(minutes=2)
RECOUNT_EVERY: Final = timedelta(days=1)
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)

# A change of place gives one and takes one. The bits of grouping() say which of province, home and facility is summed up.
# What has not changed is not written. NOT IN is answered from a hash; a planner who knows too little of what was counted would
# join it by the moment alone, and compare each place of a step with each.
_COUNT = f"""
WITH fresh AS MATERIALIZED (
    SELECT CASE grouping(province, home, facility)
               WHEN 7 THEN 'all' WHEN 3 THEN 'p' || province WHEN 5 THEN 'd' || home
               ELSE 'd' || home || 'f' || facility END AS place,
           at, sum(net) AS net
    FROM (
        SELECT d.province_code AS province, {HOME} AS home, coalesce(w.facility_id, 0) AS facility, at, sum(e.net)::int AS net
        FROM (
            SELECT worker_id, date_bin('15 minutes', booked_at, %(origin)s) AS at, 1 AS net
            FROM booking WHERE booked_at >= %(since)s AND dose = 1
            UNION ALL
            SELECT worker_id, date_bin('15 minutes', ended_at, %(origin)s), -1
            FROM booking WHERE ended_at >= %(since)s AND booked_at IS NOT NULL AND dose = 1
              AND state NOT IN ('booked', 'attended')
        ) e JOIN worker w ON w.id = e.worker_id JOIN district d ON d.code = {HOME}
        GROUP BY 1, 2, 3, 4
    ) counted
    GROUP BY GROUPING SETS ((at), (at, province), (at, home), (at, home, facility))
    HAVING sum(net) <> 0
), gone AS (
    DELETE FROM registration_count r
    WHERE r.at >= %(since)s AND (r.place, r.at) NOT IN (SELECT f.place, f.at FROM fresh f)
)
INSERT INTO registration_count AS r (place, at, net) SELECT place, at, net FROM fresh
ON CONFLICT (place, at) DO UPDATE SET net = EXCLUDED.net WHERE r.net <> EXCLUDED.net
"""

# A facility's workers may live anywhere.
_CURVE = """
SELECT at, sum(net)::int FROM registration_count
WHERE place = ANY(CASE WHEN %(facility)s::bigint IS NULL THEN ARRAY[%(place)s::text]
                       ELSE ARRAY(SELECT 'd' || code || 'f' || %(facility)s FROM district) END)
GROUP BY at HAVING sum(net) <> 0 ORDER BY at
"""


def beginning(moment: datetime) -> datetime:
    """When the step that holds a moment begins."""
    return moment - (moment - _ORIGIN) % STEP


def count(connection: psycopg.Connection[Any], counted_at: datetime | None) -> None:
    """Count again what may have changed since ``counted_at``, all of it for None."""
    since = _ORIGIN if counted_at is None else beginning(counted_at - _OPEN)
    connection.execute(_COUNT.encode(), {"since": since, "origin": _ORIGIN})


@dataclass(frozen=True, slots=True)
class Curve:
    """Registrations by step: ``steps`` are (beginning, registrations less cancellations); those without any are left out.

    ``end``: when the last count was made.
    """

    steps: tuple[tuple[datetime, int], ...]
    end: datetime

    def cumulative(self) -> list[tuple[datetime, int]]:
        """(Moment, registered by then), at the end of each step, beginning with nobody."""
        if not self.steps:
            return []
        points: list[tuple[datetime, int]] = [(self.steps[0][0], 0)]
        total = 0
        for at, net in self.steps:
            if points[-1][0] < at:
                points.append((at, total))
            total += net
            points.append((min(at + STEP, max(self.end, at)), total))
        if points[-1][0] < self.end:
            points.append((self.end, total))
        return points

    def counts(self, start: datetime, end: datetime) -> list[int]:
        """Registrations of each step from the one that begins at ``start`` to the one before ``end``."""
        found = [0] * max(0, int((end - start) / STEP))
        for at, net in self.steps:
            if start <= at < end:
                found[int((at - start) / STEP)] += net
        return found

    def by_hour(self, start: datetime, hours: int = 24) -> list[int]:
        """Registrations of each hour from ``start`` on."""
        found: defaultdict[int, int] = defaultdict(int)
        for at, net in self.steps:
            found[(at - start) // timedelta(hours=1)] += net
        return [found[hour] for hour in range(hours)]


def curve_of(database: Database, place: Place, end: datetime) -> Curve:
    """The curve of a place as it was counted at ``end``."""
    whole = place.facility_id if place.district_code is None else None
    rows = database.rows(_CURVE, {"place": place.key, "facility": whole})
    return Curve(tuple((at, net) for at, net in rows), end)
