"""What the database says of the bench ``bookings`` afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import psycopg

from bench.bookings_clerk import ClerkAccount
from bench.bookings_town import FewPlaces

_BOOKED = "SELECT worker_id, ticket FROM booking WHERE state = 'booked'"
_OVERBOOKED = "SELECT count(*) FROM vaccination_session WHERE taken > capacity"
_UNSENT = """
SELECT count(*) FROM booking b WHERE b.state = 'booked'
  AND NOT EXISTS (SELECT FROM message m WHERE m.natural_key = 'ticket:' || b.id)
"""
_FEW = "SELECT sum(capacity), sum(taken), count(*) FILTER (WHERE taken > capacity) FROM vaccination_session WHERE id = ANY(%s)"


def judge(database_url: str, accounts: Sequence[ClerkAccount]) -> Iterator[str]:
    """A line for each thing that is wrong: a ticket that was told and is not there, or the other way round; somebody twice;
    a session with more booked than it has room for."""
    for name, many in sum((Counter(account.errors) for account in accounts), Counter[str]()).items():
        yield f"{many} were told {name}"
    told = Counter((int(worker), str(ticket)) for account in accounts for worker, ticket in account.told)
    refused = {int(worker) for account in accounts for worker in account.refused}
    with psycopg.connect(database_url) as connection:
        booked = Counter((int(worker), str(ticket)) for worker, ticket in connection.execute(_BOOKED))
        if told != booked:
            yield f"{(told - booked).total()} tickets were told that are not there, {(booked - told).total()} are there untold"
        if twice := sum(many > 1 for many in Counter(worker for worker, _ in booked).values()):
            yield f"{twice} are booked twice"
        if both := len(refused & {worker for worker, _ in booked}):
            yield f"{both} were told that there is no place, and have one"
        if overbooked := _count(connection, _OVERBOOKED):
            yield f"{overbooked} sessions are overbooked"
        if unsent := _count(connection, _UNSENT):
            yield f"{unsent} have no ticket SMS"


def judge_few(database_url: str, few: FewPlaces, came: int, refused: int) -> Iterator[str]:
    """The same of the sessions that ``came`` people wanted: full to the last place, and nobody else refused."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_FEW, (list(few.sessions),)).fetchone()
    assert row is not None
    capacity, taken, overbooked = row
    if overbooked:
        yield f"{overbooked} of the few sessions are overbooked"
    if (capacity, taken, refused) != (few.places, few.places, came - few.places):
        yield f"{came} wanted {capacity} places: {taken} are taken, and {refused} were refused"


def _count(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    return int(str(row[0])) if row else 0
