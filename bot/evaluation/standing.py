"""How a place stands, read from the figures that were made ready: the counts of its parts, and of when they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.db.database import Database
from bot.evaluation import curve
from bot.evaluation.counts import Counts, total
from bot.evaluation.figures import EVERY, PROGRESS, REGISTRATIONS, Kept
from bot.evaluation.places import Place

#: Beside what they are kept for, figures take some time to be made.
_LATE = timedelta(seconds=20)


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
    """A place at a moment. ``as_of``: of the registrations; ``people_as_of``: of everything else."""

    counts: Counts
    parts: tuple[Part, ...]
    as_of: datetime
    people_as_of: datetime
    people_due_after: timedelta

    def is_late(self, now: datetime) -> bool:
        """Whether figures are older than they should be: then no worker makes them."""
        return now - self.as_of > EVERY + _LATE or now - self.people_as_of > self.people_due_after + _LATE


@dataclass(frozen=True, slots=True)
class _Figures:
    """What both snapshots say of when they are."""

    start: datetime
    people: Kept
    registrations_as_of: datetime


_WHEN = """
SELECT (p.body ->> 'start')::timestamptz, p.as_of, p.took_ms / 1000.0::float8, r.as_of
FROM figure_snapshot p JOIN figure_snapshot r ON r.kind = %(registrations)s WHERE p.kind = %(progress)s
"""
# The figures are unpacked once, not for each row.
_DISTRICTS = """
WITH counted AS MATERIALIZED (
    SELECT key AS code, value FROM figure_snapshot p, jsonb_each(p.body -> 'districts') WHERE p.kind = %(progress)s
)
SELECT d.code, d.name, d.province_code, d.province, c.value
FROM district d LEFT JOIN counted c USING (code)
WHERE {area} ORDER BY d.code
"""
_FACILITIES = """
WITH counted AS MATERIALIZED (
    SELECT key::bigint AS id, value
    FROM figure_snapshot p, jsonb_each(coalesce(p.body -> 'facilities' -> %(district)s, '{{}}'))
    WHERE p.kind = %(progress)s
)
SELECT f.id, f.code, f.name, d.province_code, d.province, c.value
FROM facility f JOIN district d ON d.code = f.district_code LEFT JOIN counted c USING (id)
WHERE f.district_code = %(district)s
UNION ALL
SELECT c.id, '', '', '', '', c.value FROM counted c
WHERE NOT EXISTS (SELECT FROM facility f WHERE f.id = c.id AND f.district_code = %(district)s)
ORDER BY 3, 1
"""
_ONE_FACILITY = """
SELECT d.key, d.value -> %(facility)s
FROM figure_snapshot p, jsonb_each(p.body -> 'facilities') d
WHERE p.kind = %(progress)s AND (%(district)s::text IS NULL OR d.key = %(district)s) AND d.value ? %(facility)s
"""


#: How the parts are named whose facility is none of the district.
NO_FACILITY, ELSEWHERE = "Without a facility", "At a facility of another district"


def standing(database: Database, place: Place) -> Standing | None:
    """How a place stands; None if no figures have been made yet. Raises ``DatabaseAway``."""
    row = database.row(_WHEN, {"progress": PROGRESS, "registrations": REGISTRATIONS})
    if row is None:
        return None
    figures = _Figures(row[0], Kept(row[1], row[2]), row[3])
    if place.facility_id is not None:
        parts: tuple[Part, ...] = ()
        counts = _facility(database, place, figures)
    else:
        parts = _facilities(database, place, figures) if place.district_code else _districts(database, place, figures)
        counts = total([part.counts for part in parts])
    people = figures.people
    return Standing(counts, parts, figures.registrations_as_of, people.as_of, people.due_after)


def _districts(database: Database, place: Place, figures: _Figures) -> tuple[Part, ...]:
    rows = database.rows(
        _DISTRICTS.format(area=place.area.of_districts()), {"progress": PROGRESS, **place.area.parameters}
    )
    since = curve.since(database, figures.start, [Place(None, row[0]) for row in rows])
    return tuple(
        Part(code, name, province_code, province, _counts(values, since.get(Place(None, code).key, 0)))
        for code, name, province_code, province, values in rows
    )


def _facilities(database: Database, place: Place, figures: _Figures) -> tuple[Part, ...]:
    district = place.district_code
    rows = database.rows(_FACILITIES.format(), {"progress": PROGRESS, "district": district})
    since = curve.since(database, figures.start, [Place(None, district, row[0]) for row in rows])
    found: list[Part] = []
    elsewhere = Counts()
    for number, code, name, province_code, province, values in rows:
        counts = _counts(values, since.get(Place(None, district, number).key, 0))
        if code:
            found.append(Part(code, name, province_code, province, counts))
        elif number == 0:
            found.append(Part("", NO_FACILITY, "", "", counts))
        else:
            elsewhere += counts
    return (*found, *([Part("", ELSEWHERE, "", "", elsewhere)] if elsewhere.target else []))


def _facility(database: Database, place: Place, figures: _Figures) -> Counts:
    rows = database.rows(
        _ONE_FACILITY,
        {"progress": PROGRESS, "facility": str(place.facility_id), "district": place.district_code},
    )
    since = curve.since(database, figures.start, [Place(None, row[0], place.facility_id) for row in rows])
    return total([_counts(row[1], since.get(Place(None, row[0], place.facility_id).key, 0)) for row in rows])


def _counts(values: list[Any] | None, since: int) -> Counts:
    """The counts of a row of the snapshot, with the registrations that came after it."""
    if values is None:
        return Counts(registered=max(0, since))
    *counted, base = values
    counts = Counts(*counted)
    return replace(counts, registered=max(0, counts.registered + since - base))
