"""The people of a district to call or visit, a page at a time, the longest waiting first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bot.db.database import Database
from bot.followup.reasons import REGISTERED, Reason
from bot.officers.areas import Area

#: People on a page, and in one statement of a download.
PAGE: Final = 50
_AT_ONCE: Final = 500
#: Who has taken somebody and does nothing lets them go after so long.
TAKEN_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases are meant. ``taken``: "me", "nobody" or "" for all."""

    district: str
    reason: Reason
    taken: str = ""
    facility_id: int | None = None
    profession: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody to call or visit. The number is whole: it is there to be called."""

    worker_id: int
    name: str
    phone: str | None
    facility: str | None
    address: str
    profession: str
    since: datetime
    taken_by: str | None
    outcome: str | None
    noted_by: str | None
    noted_at: datetime | None
    note_sealed: bytes | None
    answer_sealed: bytes | None


_LIST = """
SELECT w.id, w.name, w.phone, f.name, coalesce(f.address, ''), w.profession, c.since,
       CASE WHEN u.taken_at > %(taken_since)s THEN u.taken_by END, u.outcome, u.noted_by, u.noted_at, u.note_sealed,
       sc.answer_sealed
FROM follow_up_case c
JOIN worker w ON w.id = c.worker_id
LEFT JOIN facility f ON f.id = w.facility_id
LEFT JOIN follow_up u ON u.worker_id = c.worker_id
LEFT JOIN screening sc ON sc.worker_id = c.worker_id AND c.reason = 'deferred'
WHERE c.district_code = %(district)s AND c.reason = %(reason)s AND (c.since, c.worker_id) > (%(after)s, %(after_id)s)
    AND {more} AND {area} AND NOT {registered}
ORDER BY c.since, c.worker_id LIMIT %(limit)s
"""
_TAKEN = {
    "": "true",
    # As a set of its own: looked up by its index, however many of the district others have taken.
    "me": "c.worker_id = ANY (ARRAY(SELECT t.worker_id FROM follow_up t "
    "WHERE t.taken_by = %(me)s AND t.taken_at > %(taken_since)s))",
    "nobody": "(u.taken_at IS NULL OR u.taken_at <= %(taken_since)s) AND u.outcome IS NULL",
}


def page(
    database: Database,
    meant: Filter,
    area: Area,
    me: str,
    now: datetime,
    after: tuple[datetime, int] | None = None,
    limit: int = PAGE,
) -> tuple[list[Case], tuple[datetime, int] | None]:
    """The cases after a place in the list, and the place after which there are more, if there are."""
    conditions = [_TAKEN[meant.taken]]
    if meant.facility_id is not None:
        conditions.append("c.facility_id = %(facility)s")
    if meant.profession:
        conditions.append("c.profession = %(profession)s")
    words = meant.name.lower().split()
    conditions += [f"position(%(word{number})s IN c.name) > 0" for number in range(len(words))]
    sql = _LIST.format(more=" AND ".join(conditions), area=area.of_workers("w"), registered=REGISTERED)
    since, number = after or (datetime.fromisoformat("1970-01-01T00:00:00+00:00"), 0)
    parameters: dict[str, Any] = {
        **area.parameters,
        **{f"word{number}": word for number, word in enumerate(words)},
        "district": meant.district,
        "reason": meant.reason.value,
        "me": me,
        "after": since,
        "after_id": number,
        "facility": meant.facility_id,
        "profession": meant.profession,
        "taken_since": now - TAKEN_FOR,
        "limit": limit + 1,
    }
    rows = [Case(*row) for row in database.rows(sql, parameters)]
    shown = rows[:limit]
    return shown, (shown[-1].since, shown[-1].worker_id) if len(rows) > limit else None


def everybody(database: Database, meant: Filter, area: Area, me: str, now: datetime) -> Iterator[Case]:
    """All of a list, fetched some hundreds at a time."""
    after: tuple[datetime, int] | None = None
    while True:
        some, after = page(database, meant, area, me, now, after, _AT_ONCE)
        yield from some
        if after is None:
            return


def district_name(database: Database, district: str, area: Area) -> str | None:
    """The name of a district of the area; None for any other."""
    found: str | None = database.value(
        f"SELECT d.name FROM district d WHERE d.code = %(district)s AND {area.of_districts()}",
        {**area.parameters, "district": district},
    )
    return found


def districts(database: Database, area: Area) -> list[tuple[str, str, str]]:
    """Code, name and province of the area's districts."""
    return [
        (row[0], row[1], row[2])
        for row in database.rows(
            f"SELECT d.code, d.name, d.province FROM district d WHERE {area.of_districts()} ORDER BY d.name",
            area.parameters,
        )
    ]


def facilities(database: Database, district: str, area: Area) -> list[tuple[int, str]]:
    """Id and name of a district's facilities."""
    return [
        (row[0], row[1])
        for row in database.rows(
            f"SELECT f.id, f.name FROM facility f WHERE f.district_code = %(district)s AND {area.of_facilities()} "
            "ORDER BY f.name",
            {**area.parameters, "district": district},
        )
    ]
