"""From the outbox to the gateways: claim and commit, mark as submitted and commit, call, write the outcome.

No transaction is open while a gateway is called. A process that dies leaves rows that the sweep can judge: ``claimed``
was never handed over and is queued again; ``submitted`` may have been, so it is ``unknown``, and never sent by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import psycopg

from bot.clock import Clock
from bot.db.database import Database
from bot.messaging import receipts
from bot.messaging.optouts import REGISTER
from bot.messaging.outbox import Lane
from gateway_adapters.base import Accepted, Gateway, GatewayRegistry, Outcome, Outgoing, Rejected, Unknown

#: A claim without a word for this long belongs to a process that has died: longer than any call to a gateway.
LEASE = timedelta(seconds=60)
#: Requests to gateways under way at the same time, per worker.
MOST_REQUESTS = 16
#: After so many temporary refusals a message is given up.
MOST_ATTEMPTS = 8
_FIRST_BACKOFF = 5.0
_LONGEST_BACKOFF = 900.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process may hand over, as attempt number ``attempts``."""

    id: int
    attempt_id: int
    gateway: str
    phone: str
    body: str
    link_id: str | None
    reply: bool
    attempts: int
    deadline_at: datetime | None


# Rows are locked one batch at a time and passed over by other workers. Within the reply lane a phone's messages keep
# their order: one is claimed only when none before it is under way.
_CLAIM = """
WITH due AS (
    SELECT m.id FROM message m
    WHERE m.lane = %(lane)s AND m.state = 'queued' AND m.due_at <= %(now)s
      AND (m.lane <> 'reply' OR NOT EXISTS (
          SELECT 1 FROM message e WHERE e.phone = m.phone AND e.id < m.id AND e.lane = 'reply' AND NOT e.inline
          AND e.state IN ('queued', 'claimed', 'submitted')))
    ORDER BY m.due_at, m.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE message m SET state = 'claimed', attempts = m.attempts + 1 FROM due WHERE m.id = due.id AND m.state = 'queued'
    RETURNING m.id, m.gateway, m.phone, m.body, m.link_id, m.inbound_id IS NOT NULL AS reply, m.attempts, m.deadline_at
), tried AS (
    INSERT INTO attempt (message_id, number, gateway, phone, state, claimed_at)
    SELECT id, attempts, gateway, phone, 'claimed', %(now)s FROM claimed RETURNING id, message_id
)
SELECT c.id, t.id, c.gateway, c.phone, c.body, c.link_id, c.reply, c.attempts, c.deadline_at
FROM claimed c JOIN tried t ON t.message_id = c.id ORDER BY c.gateway, c.body, c.id
"""

_SUBMIT = """
WITH s AS (
    UPDATE attempt SET state = 'submitted', submitted_at = %(now)s
    WHERE id = ANY(%(attempts)s) AND state = 'claimed' RETURNING message_id
)
UPDATE message SET state = 'submitted' FROM s WHERE message.id = s.message_id AND message.state = 'claimed'
RETURNING message.id
"""


def claim_batch(database: Database, lane: Lane, now: datetime, limit: int) -> list[Claimed]:
    """Claim up to ``limit`` due messages of a lane, in one committed statement."""
    return [Claimed(*row) for row in database.rows(_CLAIM, {"lane": lane, "now": now, "limit": limit})]


def submit(database: Database, claimed: Sequence[Claimed], now: datetime) -> set[int]:
    """Mark a batch as handed over from now on; returns the messages that are still ours to send."""
    attempts = [message.attempt_id for message in claimed]
    return {row[0] for row in database.rows(_SUBMIT, {"attempts": attempts, "now": now})}


def backoff(attempts: int, jitter: Callable[[], float] = random.random) -> timedelta:
    """How long to wait after the ``attempts``-th refusal: doubling from 5 s to 15 min, half of it by chance."""
    longest = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (attempts - 1))
    return timedelta(seconds=longest / 2 + jitter() * longest / 2)


def settle(database: Database, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    """Write an outcome, unless a receipt has said more meanwhile."""
    with database.transaction() as connection:
        match outcome:
            case Accepted(provider_id=provider_id):
                _close(connection, claimed, "accepted", "", now, provider_id=provider_id)
                receipts.apply_early(connection, claimed.gateway, provider_id, now)
            case Unknown(reason=reason):
                _close(connection, claimed, "unknown", reason, now)
            case Rejected():
                if outcome.opted_out:
                    connection.execute(REGISTER, (claimed.phone, claimed.gateway, now))
                again = None if outcome.permanent else _next_try(claimed, outcome, now)
                _close(connection, claimed, "rejected", outcome.reason, now, again=again)


def _next_try(claimed: Claimed, outcome: Rejected, now: datetime) -> datetime | None:
    if claimed.attempts >= MOST_ATTEMPTS:
        return None
    wait = backoff(claimed.attempts)
    if outcome.retry_after is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after))
    again = now + wait
    return None if claimed.deadline_at is not None and again > claimed.deadline_at else again


def _close(
    connection: psycopg.Connection[Any],
    claimed: Claimed,
    state: str,
    reason: str,
    now: datetime,
    *,
    provider_id: str | None = None,
    again: datetime | None = None,
) -> None:
    connection.execute(
        "UPDATE attempt SET state = %s, reason = %s, provider_id = coalesce(provider_id, %s), settled_at = %s "
        "WHERE id = %s AND state IN ('claimed', 'submitted', 'unknown')",
        (state, reason, provider_id, now, claimed.attempt_id),
    )
    if again is not None:
        connection.execute(
            "UPDATE message SET state = 'queued', due_at = %s, reason = %s WHERE id = %s AND state IN ('claimed', 'submitted')",
            (again, reason, claimed.id),
        )
        return
    connection.execute(
        "UPDATE message SET state = %s, reason = %s, settled_at = %s "
        "WHERE id = %s AND state IN ('claimed', 'submitted', 'unknown')",
        (state, reason, now, claimed.id),
    )


def send_batch(database: Database, gateways: GatewayRegistry, batch: Sequence[Claimed], clock: Clock) -> int:
    """Hand over a claimed batch; returns how many were accepted.

    Messages whose body is alike go in one request. Requests are under way side by side, so that a slow answer to one
    holds up no other; two of one phone never are, since a batch holds one reply of each phone.
    """
    parts: list[tuple[Gateway, list[Claimed]]] = []
    for (name, _body), alike in groupby(batch, key=lambda message: (message.gateway, message.body)):
        gateway = gateways.by_name.get(name)
        if gateway is None:
            for message in alike:
                reason = f"there is no gateway {name} in this process"
                settle(database, message, Rejected(message.id, reason, permanent=False), clock.now())
        else:
            parts += [(gateway, part) for part in _parts(list(alike), gateway)]
    if len(parts) == 1:
        gateway, part = parts[0]
        return _hand_over(database, gateway, part, clock)
    with ThreadPoolExecutor(MOST_REQUESTS, thread_name_prefix="send") as pool:
        return sum(pool.map(lambda each: _hand_over(database, each[0], each[1], clock), parts))


def _hand_over(database: Database, gateway: Gateway, part: list[Claimed], clock: Clock) -> int:
    """Send one request's worth of messages and write what came of each; returns how many were accepted."""
    ours = submit(database, part, clock.now())
    sending = [message for message in part if message.id in ours]
    if not sending:
        return 0
    answered = gateway.send([Outgoing(m.id, m.phone, m.body, m.link_id, m.reply) for m in sending])
    outcomes = {outcome.message: outcome for outcome in answered}
    accepted = 0
    for message in sending:
        outcome = outcomes.get(message.id) or Unknown(message.id, "the gateway's answer leaves it out")
        settle(database, message, outcome, clock.now())
        accepted += isinstance(outcome, Accepted)
    return accepted


def _parts(group: list[Claimed], gateway: Gateway) -> Iterable[list[Claimed]]:
    # A reply's link goes with one recipient only.
    size = 1 if any(message.link_id for message in group) else gateway.max_recipients_per_request
    return (group[start : start + size] for start in range(0, len(group), size))


def sweep_leases(database: Database, now: datetime) -> tuple[int, int]:
    """Judge what dead processes left: returns (queued again since never handed over, unknown since maybe handed over).

    A message that leaves in an HTTP answer is ``submitted`` until its receipt comes, or unknown after the lease.
    """
    over = now - LEASE
    queued = database.rows(
        "WITH over AS (SELECT id FROM attempt WHERE state = 'claimed' AND claimed_at < %(over)s FOR UPDATE SKIP LOCKED), "
        "a AS (UPDATE attempt SET state = 'released', reason = 'never handed over', settled_at = %(now)s "
        "WHERE id IN (SELECT id FROM over) RETURNING message_id) "
        "UPDATE message SET state = 'queued' FROM a WHERE message.id = a.message_id AND message.state = 'claimed' "
        "RETURNING message.id",
        {"over": over, "now": now},
    )
    unknown = database.rows(
        "WITH over AS (SELECT id FROM attempt WHERE state = 'submitted' AND submitted_at < %(over)s "
        "FOR UPDATE SKIP LOCKED), "
        "a AS (UPDATE attempt SET state = 'unknown', reason = 'no answer is on record', settled_at = %(now)s "
        "WHERE id IN (SELECT id FROM over) RETURNING message_id) "
        "UPDATE message SET state = 'unknown', reason = 'no answer is on record', settled_at = %(now)s "
        "FROM a WHERE message.id = a.message_id AND message.state = 'submitted' RETURNING message.id",
        {"over": over, "now": now},
    )
    return len(queued), len(unknown)


def waiting(database: Database, now: datetime) -> list[Lane]:
    """The lanes in which something is due."""
    rows = database.rows("SELECT DISTINCT lane FROM message WHERE state = 'queued' AND due_at <= %s", (now,))
    return [Lane(lane) for (lane,) in rows]
