"""What a facility's desk sees: its sessions of a day with who is expected, and whoever stands before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from bot.crypto import Vault
from bot.daytime import zone
from bot.db.database import Database
from bot.registration.attendance import DEFERRED_HERE
from bot.registration.nik import is_nik_form
from bot.registration.officer import Officer, OutOfReach
from bot.registration.tickets import is_ticket

#: Facilities to choose from, and people shown of a day.
MOST_FACILITIES, MOST_PEOPLE = 300, 2000
#: What is taken for what in a ticket: the alphabet has no look-alikes, so these can only be slips.
_LOOK_ALIKES: Final = str.maketrans({"0": "Q", "O": "Q", "B": "8", "I": "L", "1": "L", "S": "5", "Z": "2"})


@dataclass(frozen=True, slots=True)
class DeskFacility:
    """A facility and the day that it is there. ``time_zone``: IANA."""

    id: int
    code: str
    name: str
    district: str
    time_zone: str
    today: date


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody with a place. ``state``: booked, attended, no_show, or deferred (at the desk)."""

    booking_id: int
    worker_id: int
    session_id: int
    name: str
    nik: str
    ticket: str
    state: str
    day: date
    start: time
    end: time
    facility_id: int
    facility: str
    is_over: bool
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class Sought:
    """Who was found. ``elsewhere``: there is such a ticket or person, but not at a place that this officer sees.

    ``replaced``: the ticket was good once; its holder changed or cancelled.
    """

    people: tuple[Expected, ...] = ()
    elsewhere: bool = False
    replaced: bool = False


def facilities(database: Database, officer: Officer, named: str) -> list[tuple[int, str, str]]:
    """Facilities that the officer sees, by a part of the name: (id, name, district)."""
    return [
        (row[0], row[1], row[2])
        for row in database.rows(
            "SELECT f.id, f.name, d.name FROM facility f JOIN district d ON d.code = f.district_code "
            f"WHERE {officer.reach.facilities} AND f.name ILIKE %(pattern)s ORDER BY f.name, f.id LIMIT {MOST_FACILITIES}",
            {**officer.reach.parameters, "pattern": f"%{re.sub('[%_]', '', named)}%"},
        )
    ]


def facility(database: Database, facility_id: int, officer: Officer, now: datetime) -> DeskFacility:
    """One facility; raises ``OutOfReach``."""
    row = database.row(
        "SELECT f.id, f.code, f.name, d.name, d.time_zone FROM facility f JOIN district d ON d.code = f.district_code "
        f"WHERE f.id = %(facility)s AND {officer.reach.facilities}",
        {**officer.reach.parameters, "facility": facility_id},
    )
    if row is None:
        raise OutOfReach(str(facility_id))
    return DeskFacility(*(*row, now.astimezone(zone(row[4])).date()))


_EXPECTED = f"""
SELECT b.id, w.id, s.id, w.name, w.nik_tail, b.ticket, CASE WHEN b.state = 'cancelled' THEN 'deferred' ELSE b.state END,
       s.local_date, s.start_time, s.end_time, f.id, f.name, s.ends_at <= %(now)s, s.starts_at > %(now)s
FROM booking b JOIN vaccination_session s ON s.id = b.session_id JOIN facility f ON f.id = s.facility_id
JOIN worker w ON w.id = b.worker_id
WHERE {{where}} AND {{reach}} AND (b.state IN ('booked', 'attended', 'no_show') OR {DEFERRED_HERE})
ORDER BY s.local_date, s.start_time, s.id, lower(w.name), b.id LIMIT {MOST_PEOPLE}
"""


def expected(database: Database, facility_id: int, day: date, officer: Officer, now: datetime) -> list[Expected]:
    """Who is expected at a facility on a day, by session and name."""
    where = "s.facility_id = %(facility)s AND s.local_date = %(day)s"
    return _find(database, where, officer, now, {"facility": facility_id, "day": day})


def one(database: Database, booking_id: int, officer: Officer, now: datetime) -> Expected:
    """One booking as the desk sees it; raises ``OutOfReach``."""
    found = _find(database, "b.id = %(booking)s", officer, now, {"booking": booking_id})
    if not found:
        raise OutOfReach(str(booking_id))
    return found[0]


def seek(database: Database, vault: Vault, typed: str, facility_id: int, officer: Officer, now: datetime) -> Sought:
    """Who is meant by a ticket or NIK, wherever the officer sees; by a part of the name, at this facility only."""
    compact = re.sub(r"[^0-9A-Za-z]", "", typed)
    if is_nik_form(compact):
        where = "w.nik_hash = ANY(%(niks)s)"
        return _seek_person(database, where, {"niks": vault.hashes(compact)}, officer, now)
    ticket = meant_ticket(compact)
    if ticket is not None:
        found = _seek_person(database, "b.ticket = %(ticket)s", {"ticket": ticket}, officer, now)
        if found.people or found.elsewhere or found.replaced:
            return found
    words = re.findall(r"[^\W_]+", typed)[:6]
    if not words:
        return Sought()
    names = " AND ".join(f"w.name ILIKE %(word{number})s" for number in range(len(words)))
    parameters: dict[str, object] = {f"word{number}": f"%{word}%" for number, word in enumerate(words)}
    near = f"s.facility_id = %(facility)s AND s.local_date BETWEEN %(today)s::date - 3 AND %(today)s::date + 14 AND {names}"
    parameters |= {"facility": facility_id, "today": facility(database, facility_id, officer, now).today}
    return Sought(tuple(_find(database, near, officer, now, parameters)[:50]))


def meant_ticket(typed: str) -> str | None:
    """The ticket that was meant by letters and digits, small or with look-alikes; None if it can be none."""
    capital = typed.upper()
    for candidate in (capital, capital.translate(_LOOK_ALIKES)):
        if is_ticket(candidate):
            return candidate
    return None


def _seek_person(
    database: Database, where: str, parameters: dict[str, object], officer: Officer, now: datetime
) -> Sought:
    people = _find(database, where, officer, now, parameters)
    if people:
        return Sought(tuple(people))
    rows = database.rows(
        "SELECT b.state FROM booking b JOIN worker w ON w.id = b.worker_id JOIN vaccination_session s "
        f"ON s.id = b.session_id JOIN facility f ON f.id = s.facility_id WHERE {where} AND b.ticket IS NOT NULL LIMIT 20",
        parameters,
    )
    states = {row[0] for row in rows}
    live = bool(states & {"booked", "attended", "no_show"})
    return Sought(elsewhere=live, replaced=bool(states) and not live)


def _find(
    database: Database, where: str, officer: Officer, now: datetime, parameters: dict[str, object]
) -> list[Expected]:
    sql = _EXPECTED.format(where=where, reach=officer.reach.facilities)
    return [
        Expected(*(*row[:4], f"************{row[4]}", *row[5:]))
        for row in database.rows(sql, {**officer.reach.parameters, **parameters, "now": now})
    ]
