"""What an officer may choose from for a worker: facilities with room, and their sessions with the places left.

The worker's own district is always there; what else the officer sees can be searched for by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from bot.db.database import Database
from bot.registration.choices import FREE, pattern_of
from bot.registration.officer import Officer
from bot.registration.terms import DOSE, Terms

#: Facilities and sessions that are shown.
MOST_PLACES, MOST_TIMES = 300, 60


@dataclass(frozen=True, slots=True)
class Place:
    """A facility. ``is_own``: the one that the worker belongs to."""

    id: int
    name: str
    district: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session with places left, in the district's own time."""

    id: int
    day: date
    start: time
    end: time
    time_zone: str
    left: int


_PLACES = """
SELECT f.id, f.name, d.name, coalesce(f.id = w.facility_id, false) FROM worker w, facility f
JOIN district d ON d.code = f.district_code
WHERE w.id = %(worker)s AND {where}
  AND (SELECT s.id FROM vaccination_session s WHERE s.facility_id = f.id AND {free} LIMIT 1) IS NOT NULL
ORDER BY (f.id = w.facility_id) DESC NULLS LAST, f.name, f.id LIMIT {most}
"""

_TIMES = """
SELECT s.id, s.local_date, s.start_time, s.end_time, d.time_zone, s.capacity - s.taken
FROM worker w, vaccination_session s JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code
WHERE w.id = %(worker)s AND {workers} AND s.facility_id = %(facility)s
  AND (f.district_code = coalesce(w.domicile_code, w.district_code) OR {facilities}) AND {free}
ORDER BY s.starts_at, s.id LIMIT {most}
"""


def places(
    database: Database, terms: Terms, worker_id: int, officer: Officer, now: datetime, search: str
) -> list[Place]:
    """Facilities with room for this worker: of their district, or by a part of the name all that the officer sees."""
    where = "f.district_code = coalesce(w.domicile_code, w.district_code)"
    if search:
        where = f"f.name ILIKE %(pattern)s AND ({where} OR {officer.reach.facilities})"
    sql = _PLACES.format(where=f"{officer.reach.workers} AND {where}", free=FREE, most=MOST_PLACES)
    parameters = {**_free(terms, worker_id, officer, now), "pattern": pattern_of(search)}
    return [Place(*row) for row in database.rows(sql, parameters)]


def times(
    database: Database, terms: Terms, worker_id: int, facility_id: int, officer: Officer, now: datetime
) -> list[OpenSession]:
    """Sessions of a facility with room for this worker, the nearest first."""
    reach = officer.reach
    sql = _TIMES.format(workers=reach.workers, facilities=reach.facilities, free=FREE, most=MOST_TIMES)
    rows = database.rows(sql, {**_free(terms, worker_id, officer, now), "facility": facility_id})
    return [OpenSession(*row) for row in rows]


def _free(terms: Terms, worker_id: int, officer: Officer, now: datetime) -> dict[str, object]:
    return {
        **officer.reach.parameters,
        "worker": worker_id,
        "now": now,
        "dose": DOSE,
        "youngest": terms.ages[0],
        "oldest": terms.ages[1],
    }
