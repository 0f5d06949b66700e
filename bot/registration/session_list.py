"""Sessions of an area a page at a time, and one of them: by facility, and at a facility by the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

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
    """Which sessions: everything that is given must hold. ``day``: where the session is. ``cursor``: of the page before."""

    facility_id: int | None = None
    day: date | None = None
    is_open: bool | None = None
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions, and the cursor of the next page; None on the last one. A page that is not the last may be short."""

    sessions: tuple[ListedSession, ...]
    cursor: str | None


#: Facilities that a page looks at: were all of the country's looked at for one that suits, others would have to wait.
_MOST_FACILITIES: Final = 2000

_COLUMNS = """s.id, f.code, f.name, d.code, d.name, s.local_date, s.start_time, s.end_time, d.time_zone, s.starts_at, s.ends_at,
       s.dose, s.capacity, s.capacity - s.taken, s.open AND s.starts_at > %(now)s, s.cancelled_at"""

# One facility after the other, each by its own index, until there are enough: sorting all sessions of the country would
# take a second. No facility has more of them than a page is quick to sort.
_PAGE = """
SELECT {columns}, f.id FROM facility f JOIN district d ON d.code = f.district_code
CROSS JOIN LATERAL (
    SELECT * FROM vaccination_session s WHERE s.facility_id = f.id AND {where}
    ORDER BY s.starts_at, s.id LIMIT %(most)s + 1
) AS s
WHERE {places} ORDER BY f.id, s.starts_at, s.id LIMIT %(most)s + 1
"""

_STOP = "SELECT f.id FROM facility f WHERE {places} ORDER BY f.id OFFSET {most} LIMIT 1"

_ONE = """
SELECT {columns} FROM vaccination_session s JOIN facility f ON f.id = s.facility_id JOIN district d ON d.code = f.district_code
WHERE s.id = %(session)s AND {reach}
"""

# The day where the facility is begins up to 14 hours before and ends up to 12 hours after that of UTC.
_ON_THE_DAY = (
    "s.local_date = %(day)s AND s.starts_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC' - interval '14 hours' "
    "AND s.starts_at < %(day)s::date::timestamp AT TIME ZONE 'UTC' + interval '36 hours'"
)


def page(database: Database, wanted: Wanted, most: int, officer: Officer, now: datetime) -> SessionPage:
    """At most ``most`` sessions within the officer's reach; raises ``ValueError`` for what is no cursor."""
    where, places = ["true"], [officer.reach.facilities]
    parameters = {
        **officer.reach.parameters,
        "now": now,
        "most": most,
        "day": wanted.day,
        "facility": wanted.facility_id,
    }
    if wanted.facility_id is not None:
        places.append("f.id = %(facility)s")
    if wanted.day is not None:
        where.append(_ON_THE_DAY)
    if wanted.is_open is not None:
        where.append(("" if wanted.is_open else "NOT ") + "(s.open AND s.starts_at > %(now)s)")
    if wanted.cursor:
        facility, session = map(int, wanted.cursor.split("_"))
        parameters |= {"from": facility, "after": session}
        places.append("f.id >= %(from)s")
        if session:
            parameters["start"] = _start_of(database, facility, session, officer)
            where.append("(f.id > %(from)s OR (s.starts_at, s.id) > (%(start)s, %(after)s))")
    stop = database.row(_STOP.format(places=" AND ".join(places), most=_MOST_FACILITIES), parameters)
    if stop is not None:
        parameters["stop"] = stop[0]
        places.append("f.id < %(stop)s")
    sql = _PAGE.format(columns=_COLUMNS, where=" AND ".join(where), places=" AND ".join(places))
    rows = database.rows(sql, parameters)
    cursor = None if stop is None else f"{stop[0]}_0"
    if len(rows) > most:
        cursor = f"{rows[most - 1][-1]}_{rows[most - 1][0]}"
    return SessionPage(tuple(ListedSession(*row[:-1]) for row in rows[:most]), cursor)


def _start_of(database: Database, facility: int, session: int, officer: Officer) -> datetime:
    row = database.row(
        "SELECT s.starts_at FROM vaccination_session s JOIN facility f ON f.id = s.facility_id "
        f"WHERE s.id = %(session)s AND f.id = %(facility)s AND {officer.reach.facilities}",
        {**officer.reach.parameters, "session": session, "facility": facility},
    )
    if row is None:
        raise ValueError("within reach there is no such session at that facility")
    found: datetime = row[0]
    return found


def one(database: Database, session_id: int, officer: Officer, now: datetime) -> ListedSession:
    """One session; raises ``OutOfReach``."""
    row = database.row(
        _ONE.format(columns=_COLUMNS, reach=officer.reach.facilities),
        {**officer.reach.parameters, "session": session_id, "now": now},
    )
    if row is None:
        raise OutOfReach(str(session_id))
    return ListedSession(*row)
