"""How a place stands, read from the figures that were made ready: the counts of its parts, and of when they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.db.database import Database
from bot.evaluation.counts import NAMES, Counts, total
from bot.evaluation.figures import EVERY, KIND
from bot.evaluation.places import Place

#: Beside what they are kept for, figures take some time to be made.
_LATE = timedelta(seconds=20)
_COUNTS: Final = ", ".join(NAMES)
_SUMS: Final = ", ".join(f"sum({name})::bigint AS {name}" for name in NAMES)
#: Rows stay where people have moved away.
_SOMETHING: Final = "(target <> 0 OR places_left <> 0)"


@dataclass(frozen=True, slots=True)
class Part:
    """A district of a country or province, or a facility of a district, with its counts.

    ``code`` is empty for workers without a facility, or with one elsewhere; ``name`` then says which.
    """

    code: str
    name: str
    province_code: str
    province: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Standing:
    """A place at a moment. ``as_of``: of what people did; ``people_as_of``: of messages too, late while a fast blast leaves."""

    counts: Counts
    parts: tuple[Part, ...]
    as_of: datetime
    people_as_of: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether figures are older than they should be: then no worker makes them."""
        return now - self.as_of > EVERY + _LATE


_WHEN = "SELECT as_of, (body -> 'people' ->> 'right_at')::timestamptz FROM figure_snapshot WHERE kind = %(kind)s"
_DISTRICTS = f"""
SELECT d.code, d.name, d.province_code, d.province, c.*
FROM district d LEFT JOIN (SELECT home, {_SUMS} FROM place_count GROUP BY home) c ON c.home = d.code
WHERE {{area}} ORDER BY d.code
"""
_FACILITIES = f"""
WITH counted AS MATERIALIZED (
    SELECT facility_id, {_COUNTS} FROM place_count WHERE home = %(district)s AND {_SOMETHING}
)
SELECT f.id, f.code, f.name, d.province_code, d.province, c.*
FROM facility f JOIN district d ON d.code = f.district_code LEFT JOIN counted c ON c.facility_id = f.id
WHERE f.district_code = %(district)s
UNION ALL
SELECT c.facility_id, '', '', '', '', c.* FROM counted c
WHERE NOT EXISTS (SELECT FROM facility f WHERE f.id = c.facility_id AND f.district_code = %(district)s)
ORDER BY 3, 1
"""
_ONE_FACILITY = f"""
SELECT {_SUMS} FROM place_count
WHERE facility_id = %(facility)s AND (%(district)s::text IS NULL OR home = %(district)s)
"""


#: How the parts are named whose facility is none of the district.
NO_FACILITY, ELSEWHERE = "Without a facility", "At a facility of another district"


def standing(database: Database, place: Place) -> Standing | None:
    """How a place stands; None if no figures have been made yet. Raises ``DatabaseAway``."""
    row = database.row(_WHEN, {"kind": KIND})
    if row is None or row[1] is None:
        return None
    parts: tuple[Part, ...] = ()
    if place.facility_id is not None:
        counts = _facility(database, place)
    else:
        parts = _facilities(database, place) if place.district_code else _districts(database, place)
        counts = total([part.counts for part in parts])
    return Standing(counts, parts, *row)


def _districts(database: Database, place: Place) -> tuple[Part, ...]:
    rows = database.rows(_DISTRICTS.format(area=place.area.of_districts()), place.area.parameters)
    return tuple(
        Part(code, name, province_code, province, _counts(values))
        for code, name, province_code, province, _, *values in rows
    )


def _facilities(database: Database, place: Place) -> tuple[Part, ...]:
    found: list[Part] = []
    elsewhere = Counts()
    for number, code, name, province_code, province, _, *values in database.rows(
        _FACILITIES, {"district": place.district_code}
    ):
        counts = _counts(values)
        if code:
            found.append(Part(code, name, province_code, province, counts))
        elif number == 0:
            found.append(Part("", NO_FACILITY, "", "", counts))
        else:
            elsewhere += counts
    return (*found, *([Part("", ELSEWHERE, "", "", elsewhere)] if elsewhere.target else []))


def _facility(database: Database, place: Place) -> Counts:
    row = database.row(_ONE_FACILITY, {"facility": place.facility_id, "district": place.district_code})
    return _counts(list(row or ()))


def _counts(values: Sequence[int | None]) -> Counts:
    """The counts of a row; none where nothing was counted."""
    return Counts(*(int(value or 0) for value in values))
