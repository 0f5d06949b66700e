"""Sessions as officers see them: districts, their facilities, and a facility's week with its fill."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from bot.daytime import zone
from bot.db.database import Database
from bot.registration.officer import Officer, OutOfReach

#: Facilities shown of a district.
MOST: Final = 400
DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Fill:
    """A place (district or facility) with the fill of its sessions in a week."""

    key: str
    name: str
    sessions: int
    taken: int
    capacity: int


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session, in the facility's own time."""

    id: int
    day: date
    start: time
    end: time
    capacity: int
    taken: int
    open: bool
    cancelled_at: datetime | None
    is_over: bool
    dose: int
    facility_id: int
    facility: str
    district_code: str
    district: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Place:
    """A facility. ``today``: the day that it is there."""

    id: int
    name: str
    district_code: str
    district: str
    time_zone: str
    today: date


def monday_of(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def districts(database: Database, officer: Officer) -> list[tuple[str, str, str, int]]:
    """The districts of the facilities that the officer sees: (code, name, province, facilities)."""
    return [
        (row[0], row[1], row[2], row[3])
        for row in database.rows(
            "SELECT d.code, d.name, d.province, count(*) FROM district d JOIN facility f ON f.district_code = d.code "
            f"WHERE {officer.reach.facilities} GROUP BY d.code ORDER BY d.province, d.name, d.code",
            dict(officer.reach.parameters),
        )
    ]


_FACILITIES = """
SELECT f.id::text, f.name, count(s.id), coalesce(sum(s.taken), 0)::int, coalesce(sum(s.capacity), 0)::int
FROM (SELECT f.id, f.name FROM facility f WHERE f.district_code = %(district)s AND {reach} AND f.name ILIKE %(pattern)s
      ORDER BY f.name, f.id LIMIT {most}) AS f
LEFT JOIN vaccination_session s ON s.facility_id = f.id AND s.local_date >= %(monday)s
    AND s.local_date < %(monday)s::date + {days} AND s.cancelled_at IS NULL
GROUP BY f.id, f.name ORDER BY f.name, f.id
"""


def facilities(database: Database, officer: Officer, district: str, monday: date, named: str) -> list[Fill]:
    """The facilities of a district by a part of the name, with the fill of a week."""
    sql = _FACILITIES.format(reach=officer.reach.facilities, most=MOST, days=DAYS)
    pattern = f"%{re.sub(r'[%_]', '', named)}%"
    parameters = {**officer.reach.parameters, "district": district, "monday": monday, "pattern": pattern}
    return [Fill(*row) for row in database.rows(sql, parameters)]


def place(database: Database, facility_id: int, officer: Officer, now: datetime) -> Place:
    """One facility; raises ``OutOfReach``."""
    row = database.row(
        "SELECT f.id, f.name, d.code, d.name, d.time_zone FROM facility f JOIN district d ON d.code = f.district_code "
        f"WHERE f.id = %(facility)s AND {officer.reach.facilities}",
        {**officer.reach.parameters, "facility": facility_id},
    )
    if row is None:
        raise OutOfReach(str(facility_id))
    return Place(*(*row, now.astimezone(zone(row[4])).date()))


_LINES = """
SELECT s.id, s.local_date, s.start_time, s.end_time, s.capacity, s.taken, s.open, s.cancelled_at, s.ends_at <= %(now)s,
       s.dose, f.id, f.name, d.code, d.name, d.time_zone
FROM vaccination_session s JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code
WHERE {where} AND {reach} ORDER BY s.local_date, s.start_time, s.dose, s.id LIMIT 500
"""


def week(database: Database, facility_id: int, monday: date, officer: Officer, now: datetime) -> list[SessionLine]:
    """A facility's sessions of a week."""
    where = "s.facility_id = %(facility)s AND s.local_date >= %(monday)s AND s.local_date < %(monday)s::date + 7"
    return _lines(database, where, {"facility": facility_id, "monday": monday}, officer, now)


def session(database: Database, session_id: int, officer: Officer, now: datetime) -> SessionLine:
    """One session; raises ``OutOfReach``."""
    found = _lines(database, "s.id = %(session)s", {"session": session_id}, officer, now)
    if not found:
        raise OutOfReach(str(session_id))
    return found[0]


def _lines(
    database: Database, where: str, parameters: dict[str, object], officer: Officer, now: datetime
) -> list[SessionLine]:
    sql = _LINES.format(where=where, reach=officer.reach.facilities)
    rows = database.rows(sql, {**officer.reach.parameters, **parameters, "now": now})
    return [SessionLine(*row) for row in rows]
