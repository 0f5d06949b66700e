"""Whom something has happened to of late: found by the moments that rows bear, so that nobody has to note it on the way.

A moment is earlier than the commit of its row, so each look goes back a little further than the last one, and finds some
people twice. What leaves no such trace (somebody deleted, a message settled by an admin) is found in time by
``bot.registration.rounds``, which goes through everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from bot.registration.hops import STOPS

#: What was written as of a moment is committed within this, but for what is stuck.
OPEN: Final = timedelta(seconds=10)
#: Receipts that are read for each whom a look takes in: a message has two or three.
_EACH: Final = 4

# Who comes to the screening leaves no trace but the turn, which is copied some seconds later.
_AT_SCREENING: Final = ", ".join(f"'{state}'" for state in STOPS["screening"])

# The moments of a worker in one condition: their range index is asked for each, and the pages then read once, not four times.
_PEOPLE = f"""
SELECT id FROM worker WHERE started_at >= %(since)s OR verified_at >= %(since)s OR confirmed_at >= %(since)s
    OR updated_at >= %(since)s
UNION SELECT worker_id FROM screening WHERE screened_at >= %(since)s
UNION SELECT worker_id FROM booking WHERE booked_at >= %(since)s
UNION SELECT worker_id FROM booking WHERE booked_at IS NOT NULL AND ended_at >= %(since)s
UNION SELECT w.id FROM opt_out o JOIN worker w ON w.phone = o.phone WHERE o.since >= %(since)s
UNION SELECT w.id FROM wrong_number n JOIN worker w ON w.phone = n.phone WHERE n.since >= %(since)s
UNION SELECT w.id FROM identity_guard g JOIN worker w ON w.phone = g.subject
    WHERE g.kind = 'phone' AND g.last_failure_at >= %(since)s
UNION SELECT substr(subject, 8)::bigint FROM audit WHERE at >= %(since)s AND subject ~ '^worker:[0-9]{{1,18}}$'
UNION SELECT worker_id FROM hop WHERE at >= %(since)s AND state IN ({_AT_SCREENING}) AND worker_id IS NOT NULL
LIMIT %(most)s
"""
# A receipt names the phone or our own id. An attempt's outcomes are written in the transaction that settles it. A phone has
# receipts and messages of several campaigns: so what is looked for is limited when it is told apart, not before, and a row
# without a worker says that there are more receipts than are wanted; then no message is read for them.
_MESSAGES = """
WITH told AS MATERIALIZED (SELECT phone, our_id FROM receipt WHERE id > %(receipt)s LIMIT %(told)s
), named AS MATERIALIZED (SELECT DISTINCT phone, our_id FROM told
), few AS MATERIALIZED (
    SELECT (SELECT count(*) FROM told) < %(told)s AND (SELECT count(*) FROM named) < %(most)s AS they_are
)
(SELECT DISTINCT m.worker_id FROM attempt a JOIN message m ON m.attempt_id = a.id
 WHERE a.campaign_id IS NOT NULL AND a.settled_at >= %(since)s AND m.worker_id IS NOT NULL LIMIT %(most)s)
UNION SELECT m.worker_id FROM named JOIN message m ON m.phone = named.phone
    WHERE (SELECT they_are FROM few) AND m.campaign_id IS NOT NULL AND m.worker_id IS NOT NULL
UNION SELECT m.worker_id FROM named JOIN message m ON m.id = named.our_id
    WHERE (SELECT they_are FROM few) AND m.campaign_id IS NOT NULL AND m.worker_id IS NOT NULL
UNION SELECT NULL FROM few WHERE NOT they_are
"""
# Asked first while a blast leaves: reading its messages only to find that they are too many would cost it a tenth.
_SENT = """
SELECT coalesce(sum(size), 0) FROM (
    SELECT size FROM attempt WHERE campaign_id IS NOT NULL AND settled_at >= %(since)s LIMIT %(most)s) AS settled
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a look ended: its moment, and the last receipts of the looks before it, oldest first."""

    at: datetime
    receipts: tuple[tuple[datetime, int], ...]

    def as_json(self) -> dict[str, Any]:
        """To be kept."""
        return {"at": self.at.isoformat(), "receipts": [[at.isoformat(), number] for at, number in self.receipts]}

    @staticmethod
    def from_json(kept: dict[str, Any]) -> Cursor:
        """As ``as_json`` made it."""
        receipts = tuple((datetime.fromisoformat(at), int(number)) for at, number in kept["receipts"])
        return Cursor(datetime.fromisoformat(kept["at"]), receipts)


@dataclass(frozen=True, slots=True)
class Touched:
    """Workers, in any order. ``too_many``: more than were wanted; then those whom only messages touched are left out."""

    workers: list[int]
    too_many: bool


def look_from_here(connection: psycopg.Connection[Any], cursor: Cursor | None, now: datetime) -> Cursor:
    """The cursor with which the next look begins, to be taken before this one."""
    last = connection.execute("SELECT coalesce(max(id), 0) FROM receipt").fetchone()
    known = [*(cursor.receipts if cursor else ()), (now, int(last[0]) if last else 0)]
    # The newest of those that are old enough stays, and all that are newer.
    old = [each for each in known if each[0] <= now - OPEN]
    return Cursor(now, (*old[-1:], *(each for each in known if each[0] > now - OPEN)))


def touched(connection: psycopg.Connection[Any], cursor: Cursor, most: int) -> Touched:
    """Whom something happened to since ``cursor``, ``most`` of them at most. Within a transaction."""
    values = {"since": cursor.at - OPEN, "receipt": cursor.receipts[0][1], "most": most + 1, "told": _EACH * (most + 1)}
    # A range index looks as dear as the whole table to a planner that knows little of it.
    connection.execute("SET LOCAL enable_seqscan = off")
    workers = {int(row[0]) for row in connection.execute(_PEOPLE, values)}
    sent = connection.execute(_SENT, values).fetchone()
    too_many = len(workers) > most or sent is None or sent[0] > most
    messaged = set() if too_many else {row[0] for row in connection.execute(_MESSAGES, values)}
    connection.execute("SET LOCAL enable_seqscan = on")
    if too_many or None in messaged or len(workers | messaged) > most:
        return Touched(list(workers)[:most], too_many=True)
    return Touched(list(workers | messaged), too_many=False)
