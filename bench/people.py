"""Who dials, and what the database says of them afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from bench.failure import BenchFailed
from bench.script import Account
from bot import invariants
from bot.db.database import Database
from bot.registration.tickets import LENGTH, is_ticket

#: Of the sample these do not walk the shortest road: no phone (2 %), a phone of two (1 %), an age outside (2 %).
_ON_THE_SHORTEST_ROAD = 0.9
_WORD = re.compile(rf"\b[0-9A-Z]{{{LENGTH}}}\b")
_POLL = 0.05
#: Seconds until every ticket of a round must have been handed over.
_DRAIN_LIMIT = 300.0

_CALLERS = """
SELECT phone, to_char(birth_date, 'DDMMYYYY')
FROM (SELECT phone, birth_date, facility_id, count(*) OVER (PARTITION BY phone) AS sharing
      FROM worker WHERE phone IS NOT NULL) AS w
WHERE sharing = 1 AND facility_id IS NOT NULL
  AND birth_date BETWEEN current_date - interval '58 years' AND current_date - interval '19 years'
ORDER BY md5(phone) LIMIT %s
"""


def roster_for(callers: int) -> int:
    """How large a made-up roster must be to have ``callers`` on the shortest road."""
    return round(callers / _ON_THE_SHORTEST_ROAD) + 50


def choose_callers(database_url: str, count: int) -> list[tuple[str, str]]:
    """``count`` workers from everywhere, each with a phone of their own: (phone, birth date as typed)."""
    with psycopg.connect(database_url) as connection:
        found = [(str(phone), str(typed)) for phone, typed in connection.execute(_CALLERS, (count,))]
    if len(found) < count:
        raise BenchFailed(f"the roster has {len(found)} callers, and {count} are wanted")
    return found


def check_tickets(database_url: str, account: Account) -> None:
    """Write an error into ``account`` for each last screen without a ticket of the caller's own in the database."""
    shown: list[tuple[str, str]] = []
    for phone, screen in account.endings:
        codes = [word for word in _WORD.findall(screen) if is_ticket(word)]
        if codes:
            shown.append((phone, codes[0]))
        else:
            account.errors["no ticket on the last screen"] = account.errors.get("no ticket on the last screen", 0) + 1
            account.examples.append(screen)
    with psycopg.connect(database_url) as connection:
        kept = set(
            connection.execute(
                "SELECT w.phone, b.ticket FROM booking b JOIN worker w ON w.id = b.worker_id "
                "WHERE b.state = 'booked' AND b.ticket = ANY(%s)",
                ([ticket for _, ticket in shown],),
            ).fetchall()
        )
    lost = sum(each not in kept for each in shown)
    if lost:
        account.errors["a ticket was shown that does not exist"] = lost


def await_sent(database_url: str) -> tuple[int, float]:
    """Wait until every ticket has been handed to the gateway: (how many were left, seconds that it took)."""
    began = time.monotonic()
    with psycopg.connect(database_url, autocommit=True) as connection:
        backlog = left = _unsent(connection)
        while left:
            if time.monotonic() > began + _DRAIN_LIMIT:
                raise BenchFailed(f"{left} tickets were not sent within {_DRAIN_LIMIT:.0f} s")
            time.sleep(_POLL)
            left = _unsent(connection)
        refused = connection.execute("SELECT count(*) FROM message WHERE state <> 'accepted'").fetchone()
    if refused and refused[0]:
        raise BenchFailed(f"{refused[0]} tickets were refused by the gateway")
    return backlog, time.monotonic() - began


def await_left(database_url: str) -> None:
    """Wait until no reply waits to be handed to a gateway; raises ``BenchFailed``."""
    until = time.monotonic() + _DRAIN_LIMIT
    with psycopg.connect(database_url, autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT count(*) FROM attempt WHERE lane = 'reply' AND state IN ('queued', 'claimed', 'submitted')"
            ).fetchone()
            if row is not None and row[0] == 0:
                return
            if time.monotonic() > until:
                raise BenchFailed(f"tickets were not sent within {_DRAIN_LIMIT:.0f} s")
            time.sleep(_POLL)


def _unsent(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    row = connection.execute("SELECT count(*) FROM message WHERE state = 'queued'").fetchone()
    return int(str(row[0])) if row else 0


def broken_invariants(database_url: str) -> list[str]:
    """What ``bot doctor`` would complain of, a line each."""
    database = Database(database_url, limit=None)
    try:
        findings: Sequence[invariants.Finding] = invariants.check(database, datetime.now(UTC))
    finally:
        database.close()
    return [f"{finding.invariant.name}: {finding.count} broken" for finding in findings if finding.count]


def describe_world(database_url: str) -> dict[str, int]:
    """How large the registry is."""
    tables = ("worker", "facility", "vaccination_session", "booking", "message")
    with psycopg.connect(database_url) as connection:
        rows = [connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() for table in tables]
    return {table: int(row[0]) if row else 0 for table, row in zip(tables, rows, strict=True)}
