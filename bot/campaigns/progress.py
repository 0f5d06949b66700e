"""How far registration has come, district by district: registered against target, as the ministry watches it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.db.database import Database


class NoSuchDistrict(LookupError):
    """There is no district with that code."""


@dataclass(frozen=True, slots=True)
class DistrictProgress:
    """A district's workers: all on the roster, and how many of them have got how far; and the places still free.

    Workers count where they live, if they have told us. ``invited``: a gateway took a campaign's message for them.
    """

    code: str
    name: str
    target: int
    invited: int
    delivered: int
    started: int
    registered: int
    places_left: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The districts at one moment, by code, and their sums."""

    as_of: datetime
    districts: tuple[DistrictProgress, ...]

    @property
    def target(self) -> int:
        """Everybody on the roster."""
        return sum(district.target for district in self.districts)

    @property
    def registered(self) -> int:
        """Those who hold a confirmed booking or were vaccinated."""
        return sum(district.registered for district in self.districts)

    def as_json(self) -> dict[str, Any]:
        """The progress as JSON values."""
        return {
            "as_of": self.as_of.isoformat(),
            "target": self.target,
            "registered": self.registered,
            "districts": [asdict(district) for district in self.districts],
        }


# Each table is gone through once, and grouped before it is joined.
_PROGRESS = """
WITH reached AS (
    SELECT worker_id, bool_or(state = 'delivered') AS delivered FROM message
    WHERE campaign_id IS NOT NULL AND state IN ('accepted', 'delivered') GROUP BY worker_id
), registered AS (
    SELECT DISTINCT worker_id FROM booking WHERE state IN ('booked', 'attended')
), people AS (
    SELECT coalesce(w.domicile_code, w.district_code) AS code, count(*) AS target, count(r.worker_id) AS invited,
           count(*) FILTER (WHERE r.delivered) AS delivered, count(w.started_at) AS started,
           count(b.worker_id) AS registered
    FROM worker w LEFT JOIN reached r ON r.worker_id = w.id LEFT JOIN registered b ON b.worker_id = w.id
    WHERE %(district)s::text IS NULL OR coalesce(w.domicile_code, w.district_code) = %(district)s
    GROUP BY 1
), places AS (
    SELECT f.district_code AS code, sum(s.capacity - s.taken) AS places_left
    FROM vaccination_session s JOIN facility f ON f.id = s.facility_id
    WHERE s.open AND s.starts_at > %(now)s GROUP BY 1
)
SELECT d.code, d.name, coalesce(p.target, 0), coalesce(p.invited, 0), coalesce(p.delivered, 0), coalesce(p.started, 0),
       coalesce(p.registered, 0), coalesce(l.places_left, 0)::bigint
FROM district d LEFT JOIN people p USING (code) LEFT JOIN places l USING (code)
WHERE %(district)s::text IS NULL OR d.code = %(district)s
ORDER BY d.code
"""


def progress(database: Database, now: datetime, district: str | None = None) -> Progress:
    """How far all districts are, or one; raises ``NoSuchDistrict``."""
    rows = database.rows(_PROGRESS, {"district": district, "now": now})
    if district is not None and not rows:
        raise NoSuchDistrict(district)
    return Progress(now, tuple(DistrictProgress(*row) for row in rows))
