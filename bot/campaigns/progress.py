"""How far registration has come, district by district: registered against target, as the ministry watches it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

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


#: Where a worker counts.
HOME = "coalesce(w.domicile_code, w.district_code)"

#: Which workers campaigns have reached, and which are registered.
REACHED = """
    SELECT worker_id, bool_or(state = 'delivered') AS delivered FROM message
    WHERE campaign_id IS NOT NULL AND state IN ('accepted', 'delivered') AND {which} GROUP BY worker_id
"""
REGISTERED = """
    SELECT worker_id, bool_or(state = 'attended') AS attended FROM booking
    WHERE state IN ('booked', 'attended') AND {which} GROUP BY worker_id
"""
#: The same of all: each table is gone through once, and grouped before it is joined.
REACHED_AND_REGISTERED = f"""
reached AS ({REACHED.format(which="true")}), registered AS ({REGISTERED.format(which="true")})"""

#: The workers with both.
PEOPLE = "worker w LEFT JOIN reached r ON r.worker_id = w.id LEFT JOIN registered b ON b.worker_id = w.id"

#: When one of ``PEOPLE`` counts: the one definition of these counts, by their names in ``DistrictProgress``.
STEPS: Final = {
    "target": "true",
    "invited": "r.worker_id IS NOT NULL",
    "delivered": "r.delivered IS TRUE",
    "started": "w.started_at IS NOT NULL",
    "registered": "b.worker_id IS NOT NULL",
}

#: Places that are still free, in sessions ``s`` of facilities ``f``.
PLACES_LEFT = "sum(s.capacity - s.taken)"
TO_COME = "vaccination_session s JOIN facility f ON f.id = s.facility_id WHERE s.open AND s.starts_at > %(now)s"

_PROGRESS = f"""
WITH {REACHED_AND_REGISTERED}, people AS (
    SELECT {HOME} AS code, {", ".join(f"count(*) FILTER (WHERE {step}) AS {name}" for name, step in STEPS.items())}
    FROM {PEOPLE}
    WHERE %(district)s::text IS NULL OR {HOME} = %(district)s
    GROUP BY 1
), places AS (
    SELECT f.district_code AS code, {PLACES_LEFT} AS places_left FROM {TO_COME} GROUP BY 1
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
