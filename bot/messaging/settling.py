"""Writes down what became of what was handed over: many outcomes in one transaction, and never over a receipt."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.db.database import Database
from bot.messaging import receipts
from bot.messaging.leases import TRY_AGAIN, Lease
from bot.messaging.optouts import REGISTER_ALL
from bot.messaging.wrong_numbers import register_wrong
from gateway_adapters.base import Accepted, Outcome, Outgoing, Rejected, Unknown

#: After so many temporary refusals a message without a deadline is given up.
MOST_ATTEMPTS = 8
_FIRST_BACKOFF = 5.0
_LONGEST_BACKOFF = 900.0


@dataclass(frozen=True, slots=True)
class Settled:
    """A letter, the attempt it was handed over by, and what came of it."""

    lease: Lease
    letter: Outgoing
    outcome: Outcome


# Nearly all of a blast is accepted, and its ids travel as one text each: as arrays, value by value, they take a client
# longer than the rest of its work. What a receipt has said meanwhile stands: only what is still open is written.
_ACCEPT = """
WITH taken AS (
    INSERT INTO acceptance (gateway, provider_id, message_id, attempt_id, at)
    SELECT %(gateway)s, provider_id, message_id, attempt_id, %(now)s
    FROM unnest(string_to_array(%(provider_ids)s, E'\\x1f'), string_to_array(%(messages)s, ',')::bigint[],
                string_to_array(%(leases)s, ',')::bigint[]) AS t (provider_id, message_id, attempt_id)
    ON CONFLICT DO NOTHING
), settled AS (
    UPDATE message SET state = 'accepted', reason = NULL, settled_at = %(now)s
    WHERE id = ANY(string_to_array(%(messages)s, ',')::bigint[]) AND state IN ('queued', 'unknown')
)
SELECT gateway, provider_id FROM receipt WHERE NOT matched AND gateway = %(gateway)s
AND provider_id = ANY(string_to_array(%(provider_ids)s, E'\\x1f'))
"""
_UNIT = "\x1f"

_WRITE = """
WITH told AS (
    SELECT * FROM unnest(%(messages)s::bigint[], %(leases)s::bigint[], %(states)s::text[], %(reasons)s::text[],
                         %(bodies)s::text[]) AS t (message_id, attempt_id, state, reason, body)
), settled AS (
    UPDATE message m SET state = t.state, reason = t.reason, settled_at = %(now)s, body = coalesce(m.body, t.body)
    FROM told t
    WHERE m.id = t.message_id AND m.state IN ('queued', 'unknown')
)
UPDATE attempt SET settled_at = %(now)s,
       state = CASE WHEN id = ANY(%(done)s) AND state IN ('claimed', 'submitted', 'unknown') THEN 'settled' ELSE state END,
       has_unknown = has_unknown OR id IN (SELECT attempt_id FROM told WHERE state = 'unknown')
WHERE id = ANY(%(done)s) OR id IN (SELECT attempt_id FROM told WHERE state = 'unknown')
"""


def backoff(attempts: int, jitter: Callable[[], float] = random.random) -> timedelta:
    """How long to wait after the ``attempts``-th refusal: doubling from 5 s to 15 min, half of it by chance."""
    longest = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(attempts - 1, 20))
    return timedelta(seconds=longest / 2 + jitter() * longest / 2)


def settle(database: Database, outcomes: Sequence[Settled], done: Sequence[int], now: datetime) -> None:
    """Write outcomes, and close the attempts ``done``, all of whose outcomes have been written with these."""
    again: dict[tuple[int, str], list[tuple[Settled, datetime]]] = defaultdict(list)
    final: list[Settled] = []
    for settled in outcomes:
        due_at = _next_try(settled, now)
        if due_at is None or not isinstance(settled.outcome, Rejected):
            final.append(settled)
        else:
            again[settled.lease.id, settled.outcome.reason].append((settled, due_at))
    with database.transaction() as connection:
        # Retried first: they leave their attempt, which is closed by what follows.
        for (lease, reason), retried in again.items():
            connection.execute(
                TRY_AGAIN,
                {
                    "messages": [settled.letter.id for settled, _ in retried],
                    "lease": lease,
                    "number": retried[0][0].lease.number + 1,
                    "due_at": max(due_at for _, due_at in retried),
                    "now": now,
                    "reason": reason,
                },
            )
        accepted = [each for each in final if isinstance(each.outcome, Accepted)]
        early = _accept(connection, accepted, now) if accepted else []
        if done or len(accepted) < len(final):
            _write(connection, [each for each in final if not isinstance(each.outcome, Accepted)], done, now)
        if early:
            receipts.apply_early(connection, early, now)
        if len(accepted) < len(outcomes):
            _register(connection, outcomes, now)


def queue_again(database: Database, lease: Lease, letters: Sequence[Outgoing], due_at: datetime) -> None:
    """Queue letters of a submitted attempt, which are certain not to have been handed over, as an attempt of their own."""
    parameters: dict[str, object] = {
        "messages": [letter.id for letter in letters],
        "lease": lease.id,
        "number": lease.number,
        "due_at": due_at,
        "now": due_at,
        "reason": None,
    }
    database.rows(TRY_AGAIN, parameters)


def _accept(connection: psycopg.Connection[Any], accepted: Sequence[Settled], now: datetime) -> list[tuple[str, str]]:
    """Write what was accepted; returns (gateway, provider id) of those that receipts have been waiting for."""
    early: list[tuple[str, str]] = []
    for gateway in {settled.lease.gateway for settled in accepted}:
        told = [each for each in accepted if each.lease.gateway == gateway]
        parameters = {
            "gateway": gateway,
            "messages": ",".join([str(each.letter.id) for each in told]),
            "leases": ",".join([str(each.lease.id) for each in told]),
            "provider_ids": _UNIT.join([_provider_id(each.outcome) for each in told]),
            "now": now,
        }
        early += [(row[0], row[1]) for row in connection.execute(_ACCEPT, parameters)]
    return early


def _provider_id(outcome: Outcome) -> str:
    return outcome.provider_id.replace(_UNIT, "") if isinstance(outcome, Accepted) else ""


def _write(connection: psycopg.Connection[Any], final: Sequence[Settled], done: Sequence[int], now: datetime) -> None:
    """Write what was refused or is unknown, and close attempts."""
    connection.execute(
        _WRITE,
        {
            "messages": [settled.letter.id for settled in final],
            "leases": [settled.lease.id for settled in final],
            "states": ["unknown" if isinstance(settled.outcome, Unknown) else "rejected" for settled in final],
            "reasons": [None if isinstance(s.outcome, Accepted) else s.outcome.reason for s in final],
            # What was said is wanted where the gateway may be asked whether it was.
            "bodies": [s.letter.body if isinstance(s.outcome, Unknown) else None for s in final],
            "done": list(done),
            "now": now,
        },
    )


def _register(connection: psycopg.Connection[Any], outcomes: Sequence[Settled], now: datetime) -> None:
    """Remember the numbers that have opted out at their gateway, and those that are none."""
    refused = [(each, each.outcome) for each in outcomes if isinstance(each.outcome, Rejected)]
    opted_out = [each for each, outcome in refused if outcome.opted_out]
    if opted_out:
        phones = [each.letter.phone for each in opted_out]
        connection.execute(REGISTER_ALL, (now, phones, [each.lease.gateway for each in opted_out]))
    wrong = [(each, outcome) for each, outcome in refused if outcome.wrong_number]
    if wrong:
        register_wrong(connection, [(e.letter.phone, e.lease.gateway, outcome.reason) for e, outcome in wrong], now)


def _next_try(settled: Settled, now: datetime) -> datetime | None:
    """When a refused letter is tried again; None if never."""
    outcome, lease = settled.outcome, settled.lease
    if not isinstance(outcome, Rejected) or outcome.permanent:
        return None
    if lease.deadline_at is None and lease.number >= MOST_ATTEMPTS:
        return None
    wait = backoff(lease.number)
    if outcome.retry_after is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after))
    again = now + wait
    return None if lease.deadline_at is not None and again > lease.deadline_at else again
