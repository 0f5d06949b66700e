"""Who books in the bench ``bookings``, and the few places that everybody wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from bench.bookings_clerk import FLOOR_TABLES
from bench.failure import BenchFailed

#: The sessions that everybody wants, and the share of those who come for whom they have room.
FEW, ROOM_FOR = 4, 0.9
#: Counters of the floor that stand for everybody's own facility.
_MANY = 2000

# Each at home at a facility with a session to come that has room, with a phone of their own, in an order of chance.
_PEOPLE = """
SELECT w.id, w.phone FROM worker w
WHERE w.phone IS NOT NULL AND w.facility_id IS NOT NULL AND w.domicile_code IS NULL
  AND w.birth_date BETWEEN current_date - interval '58 years' AND current_date - interval '19 years'
  AND NOT EXISTS (SELECT FROM worker o WHERE o.phone = w.phone AND o.id <> w.id)
  AND NOT EXISTS (SELECT FROM booking b WHERE b.worker_id = w.id)
ORDER BY md5(w.phone) LIMIT %s
"""
_DISTRICT = """
INSERT INTO district (code, name, province_code, province, time_zone)
VALUES (%(code)s, 'Kota Ramai', '99', 'Ramai', 'Asia/Jakarta')
"""
_FACILITY = (
    "INSERT INTO facility (code, name, district_code) VALUES ('F' || %(code)s, 'RS Ramai', %(code)s) RETURNING id"
)
_SESSIONS = """
INSERT INTO vaccination_session (facility_id, local_date, start_time, end_time, starts_at, ends_at, capacity)
SELECT %(facility)s, day, '08:00', '12:00', (day + time '08:00') AT TIME ZONE 'Asia/Jakarta',
       (day + time '12:00') AT TIME ZONE 'Asia/Jakarta', %(capacity)s
FROM (SELECT current_date + 2 + number AS day FROM generate_series(1, %(few)s) AS number) AS days
RETURNING id
"""
_MOVE = "UPDATE worker SET district_code = %(code)s, facility_id = %(facility)s WHERE id = ANY(%(workers)s)"

Person = tuple[int, str]


@dataclass(frozen=True, slots=True)
class FewPlaces:
    """Sessions that everybody wants, in a district of their own, and how many places they have in all."""

    sessions: tuple[int, ...]
    places: int


def choose_people(database_url: str, count: int) -> list[Person]:
    """``count`` workers from everywhere who have not booked, as (id, phone); raises ``BenchFailed``."""
    with psycopg.connect(database_url) as connection:
        found = [(int(worker), str(phone)) for worker, phone in connection.execute(_PEOPLE, (count,))]
    if len(found) < count:
        raise BenchFailed(f"the roster has {len(found)} who may book, and {count} are wanted")
    return found


def make_few_places(database_url: str, number: int, people: Sequence[Person]) -> FewPlaces:
    """The ``number``-th few places, for nine tenths of ``people``, who are now all at home there and nowhere else."""
    values: dict[str, object] = {"code": f"99{number:02}", "few": FEW, "workers": [worker for worker, _ in people]}
    values["capacity"] = max(1, int(len(people) * ROOM_FOR) // FEW)
    with psycopg.connect(database_url) as connection:
        connection.execute(_DISTRICT, values)
        row = connection.execute(_FACILITY, values).fetchone()
        values["facility"] = row[0] if row else None
        sessions = tuple(int(row[0]) for row in connection.execute(_SESSIONS, values))
        connection.execute(_MOVE, values)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) worker, facility, district, vaccination_session")
    return FewPlaces(sessions, FEW * int(str(values["capacity"])))


def make_floor(database_url: str) -> None:
    """The floor's tables, empty."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(FLOOR_TABLES)


def refill_floor(database_url: str, counters: int, capacity: int) -> None:
    """Empty counters with that much room each, and nothing taken."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE floor_counter, floor_place")
        connection.execute(
            "INSERT INTO floor_counter (id, capacity) SELECT number, %s FROM generate_series(0, %s) AS number",
            (capacity, counters - 1),
        )
        connection.execute("VACUUM (ANALYZE) floor_counter, floor_place")


def spread_over(people: Sequence[Person]) -> list[tuple[int, str, int]]:
    """With the floor's counter of each: another one for nearly everybody."""
    return [(worker, phone, place % _MANY) for place, (worker, phone) in enumerate(people)]


def crowded(people: Sequence[Person]) -> list[tuple[int, str, int]]:
    """With the floor's counter of each: one of few."""
    return [(worker, phone, place % FEW) for place, (worker, phone) in enumerate(people)]


def counters_of(people: Sequence[tuple[int, str, int]]) -> int:
    """How many counters they need."""
    return max(counter for _, _, counter in people) + 1
