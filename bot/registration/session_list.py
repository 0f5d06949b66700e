"""Sessions of an area a page at a time, and one of them: by facility, and at a facility by the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from bot.db.database import Database
from bot.registration.officer import Officer, OutOfReach


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session. ``day``, ``start`` and ``end`` are of ``time_zone``; ``left``: places that nobody holds or has taken.

    ``is_open``: it takes bookings, for it is neither closed nor cancelled and has not begun.
    """

    id: int
    facility_code: str
    facility: str
    district_code: str
    district: str
    day: date
    start: time
    end: time
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    dose: int
    capacity: int
    left: int
    is_open: bool
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions: everything that is given must hold. ``day``: where the session is. ``after``: the last one seen."""

    facility_id: int | None = None
    day: date | None = None
    is_open: bool | None = None
    after: int | None = None


_COLUMNS = """s.id, f.code, f.name, d.code, d.name, s.local_date, s.start_time, s.end_time, d.time_zone, s.starts_at, s.ends_at,
       s.dose, s.capacity, s.capacity - s.taken, s.open AND s.starts_at > %(now)s, s.cancelled_at"""

# One facility after the other, each by its own index, until there are enough: sorting all sessions of the country would
# take a second. No facility has more of them than a page is quick to sort.
_PAGE = """
SELECT {columns} FROM facility f JOIN district d ON d.code = f.district_code
CROSS JOIN LATERAL (
    SELECT * FROM vaccination_session s WHERE s.facility_id = f.id AND {where}
    ORDER BY s.starts_at, s.id LIMIT %(most)s
) AS s
WHERE {reach} AND {places} ORDER BY f.id, s.starts_at, s.id LIMIT %(most)s
"""

_ONE = """
SELECT {columns} FROM vaccination_session s JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code
WHERE s.id = %(session)s AND {reach}
"""

# The day where the facility is begins up to 14 hours before and ends up to 12 hours after that of UTC.
_ON_THE_DAY = (
    "s.local_date = %(day)s AND s.starts_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC' - interval '14 hours' "
    "AND s.starts_at < %(day)s::date::timestamp AT TIME ZONE 'UTC' + interval '36 hours'"
)


def page(database: Database, wanted: Wanted, most: int, officer: Officer, now: datetime) -> list[ListedSession]:
    """The next ``most`` sessions within the officer's reach; raises ``OutOfReach`` if ``after`` is not one of them."""
    where, places = ["true"], ["true"]
    parameters: dict[str, object] = {"now": now, "most": most, "day": wanted.day, "facility": wanted.facility_id}
    if wanted.facility_id is not None:
        places.append("f.id = %(facility)s")
    if wanted.day is not None:
        where.append(_ON_THE_DAY)
    if wanted.is_open is not None:
        where.append(("" if wanted.is_open else "NOT ") + "(s.open AND s.starts_at > %(now)s)")
    if wanted.after is not None:
        last = database.row(
            "SELECT f.id, s.starts_at FROM vaccination_session s JOIN facility f ON f.id = s.facility_id "
            f"WHERE s.id = %(after)s AND {officer.reach.facilities}",
            {**officer.reach.parameters, "after": wanted.after},
        )
        if last is None:
            raise OutOfReach(str(wanted.after))
        parameters |= {"after": wanted.after, "after_facility": last[0], "after_start": last[1]}
        places.append("f.id >= %(after_facility)s")
        where.append("(f.id > %(after_facility)s OR (s.starts_at, s.id) > (%(after_start)s, %(after)s))")
    sql = _PAGE.format(
        columns=_COLUMNS, where=" AND ".join(where), places=" AND ".join(places), reach=officer.reach.facilities
    )
    return [ListedSession(*row) for row in database.rows(sql, {**officer.reach.parameters, **parameters})]


def one(database: Database, session_id: int, officer: Officer, now: datetime) -> ListedSession:
    """One session; raises ``OutOfReach``."""
    row = database.row(
        _ONE.format(columns=_COLUMNS, reach=officer.reach.facilities),
        {**officer.reach.parameters, "session": session_id, "now": now},
    )
    if row is None:
        raise OutOfReach(str(session_id))
    return ListedSession(*row)
