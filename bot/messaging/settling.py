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
from bot.db.prepared import Prepared
from bot.messaging import receipts
from bot.messaging.leases import SUBMIT, TRY_AGAIN, Lease, submission, submit
from bot.messaging.optouts import REGISTER_ALL
from bot.messaging.outbox import Lane
from bot.messaging.wrong_numbers import register_wrong
from gateway_adapters.base import Accepted, Outcome, Outgoing, Rejected, Unknown

#: After so many temporary refusals a message without a deadline is given up: after some ten minutes in either lane.
MOST_ATTEMPTS = 8
MOST_ATTEMPTS_OF_A_REPLY = 11
#: Seconds. Somebody looks at the phone until a reply comes, and what is said to them next waits behind it.
_FIRST_BACKOFF, _FIRST_BACKOFF_OF_A_REPLY = 5.0, 1.0
_LONGEST_BACKOFF = 900.0


@dataclass(frozen=True, slots=True)
class Settled:
    """Letters of one attempt, and what came of each, in their order."""

    lease: Lease
    letters: Sequence[Outgoing]
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class _One:
    """A letter of which something else came than its being accepted."""

    lease: Lease
    letter: Outgoing
    outcome: Rejected | Unknown


_TOLD = """unnest(string_to_array(%(provider_ids)s, E'\\x1f'), string_to_array(%(messages)s, ',')::bigint[])
    AS t (provider_id, message_id)"""

# Nearly all of a blast is accepted, so that takes one statement, and its ids travel as one text each: as arrays, value by
# value, they take a client longer than the rest of its work. Returns how many it wrote, the ids that receipts which came
# before the answer have been waiting for, and which of the attempts that come next are ours: with their submission it is
# one wait for the disk instead of two. They are marked first, as everybody locks attempts before messages.
_ACCEPT = f"""
WITH submitted AS ({{submit}}), settled AS (
    UPDATE message m SET state = 'accepted', reason = NULL, provider_id = t.provider_id, settled_at = %(now)s FROM {_TOLD}
    WHERE {{found}}
    RETURNING 1
), closed AS (
    UPDATE attempt SET settled_at = %(now)s, state = 'settled'
    WHERE id = ANY(%(done)s) AND state IN ('claimed', 'submitted', 'unknown')
)
SELECT (SELECT array_agg(id) FROM submitted), (SELECT count(*) FROM settled),
       (SELECT string_agg(r.provider_id, E'\\x1f') FROM receipt r WHERE NOT r.matched AND r.gateway = %(gateway)s
        AND r.provider_id = ANY(string_to_array(%(provider_ids)s, E'\\x1f')))
"""
_NOTHING = "SELECT NULL::bigint AS id"
_BY_ID = "m.id = t.message_id AND m.state IN ('queued', 'unknown') AND m.provider_id IS NULL"
# A whole attempt's messages stand together: read at one go, and not by one look into an index for each (the sum keeps the
# planner, who does not know how many there are, from that). What is still open is asked in a way that says nothing to the
# planner: once most messages of all campaigns are settled, it would expect none, and compare each with each.
_BY_ATTEMPT = (
    "m.attempt_id = ANY(%(leases)s) AND m.id + 0 = t.message_id "
    "AND CASE WHEN m.state IN ('queued', 'unknown') AND m.provider_id IS NULL THEN 1 ELSE 0 END <> 0"
)
#: The same by whether whole attempts have been answered, and whether others are submitted with it.
_ACCEPT_AS = {
    (whole, submits): Prepared(
        _ACCEPT.format(found=_BY_ATTEMPT if whole else _BY_ID, submit=SUBMIT if submits else _NOTHING)
    )
    for whole in (False, True)
    for submits in (False, True)
}

# The others: what a receipt has said meanwhile stands; it may even have told the id. Another id than the one on record is
# that of a message that was accepted before.
_ACCEPT_MORE = f"""
WITH settled AS (
    UPDATE message m SET provider_id = coalesce(m.provider_id, t.provider_id),
        state = CASE WHEN m.state IN ('queued', 'unknown') THEN 'accepted' ELSE m.state END,
        reason = CASE WHEN m.state IN ('queued', 'unknown') THEN NULL ELSE m.reason END,
        settled_at = CASE WHEN m.state IN ('queued', 'unknown') THEN %(now)s ELSE m.settled_at END
    FROM {_TOLD}
    WHERE m.id = t.message_id AND (m.state IN ('queued', 'unknown') OR m.provider_id IS DISTINCT FROM t.provider_id)
    RETURNING m.id, old.provider_id AS before, t.provider_id
)
INSERT INTO further_acceptance (gateway, provider_id, message_id, at)
SELECT %(gateway)s, provider_id, id, %(now)s FROM settled WHERE before <> provider_id
ON CONFLICT DO NOTHING
"""
_UNIT = "\x1f"

# Only of messages that are still this attempt's: one that somebody has had sent again meanwhile is another's.
_WRITE = """
WITH told AS (
    SELECT * FROM unnest(%(messages)s::bigint[], %(leases)s::bigint[], %(states)s::text[], %(reasons)s::text[],
                         %(bodies)s::text[]) AS t (message_id, attempt_id, state, reason, body)
), settled AS (
    UPDATE message m SET state = t.state, reason = t.reason, settled_at = %(now)s, body = coalesce(m.body, t.body)
    FROM told t
    WHERE m.id = t.message_id AND m.attempt_id = t.attempt_id AND m.state IN ('queued', 'unknown')
)
UPDATE attempt SET settled_at = %(now)s,
       state = CASE WHEN id = ANY(%(done)s) AND state IN ('claimed', 'submitted', 'unknown') THEN 'settled' ELSE state END,
       has_unknown = has_unknown OR id IN (SELECT attempt_id FROM told WHERE state = 'unknown')
WHERE id = ANY(%(done)s) OR id IN (SELECT attempt_id FROM told WHERE state = 'unknown')
"""


def backoff(attempts: int, jitter: Callable[[], float] = random.random, *, reply: bool = False) -> timedelta:
    """How long to wait after the ``attempts``-th refusal: doubling from 5 s (a reply: 1 s) to 15 min, half of it by chance."""
    first = _FIRST_BACKOFF_OF_A_REPLY if reply else _FIRST_BACKOFF
    longest = min(_LONGEST_BACKOFF, first * 2.0 ** min(attempts - 1, 20))
    return timedelta(seconds=longest / 2 + jitter() * longest / 2)


def settle(
    database: Database, answers: Sequence[Settled], done: Sequence[int], now: datetime, submitting: Sequence[Lease] = ()
) -> set[int]:
    """Write outcomes, and close the attempts ``done``, all of whose outcomes have been written with these.

    ``submitting``: attempts to be marked as handed over from now on; returns those that are ours, as ``leases.submit``.
    """
    accepted, others = _by_outcome(answers)
    early: list[tuple[str, str, int]] = []
    if len(accepted) == 1 and not others:
        [(gateway, ids)] = accepted.items()
        carried = {answer.lease.id: answer.lease.size for answer in answers}
        parameters = _accepted(gateway, ids, done, now) | {"leases": list(carried)} | submission(submitting)
        # Whole or nearly: what else stands there is read in vain.
        statement = _ACCEPT_AS[2 * len(ids) > sum(carried.values()), bool(submitting)]
        [(fresh, written, waiting)] = database.said(statement, parameters)
        ours = set(fresh or ())
        if written < len(ids):
            database.rows(_ACCEPT_MORE, parameters)
        early = _waited_for(gateway, ids, waiting)
    else:
        with database.transaction() as connection:
            # Retried first: they leave their attempt, which is closed by what follows.
            final = _retry(connection, others, now)
            for gateway, ids in accepted.items():
                parameters = _accepted(gateway, ids, [], now)
                [(_, written, waiting)] = connection.execute(_ACCEPT_AS[False, False].sql.encode(), parameters)
                if written < len(ids):
                    connection.execute(_ACCEPT_MORE, parameters)
                early += _waited_for(gateway, ids, waiting)
            _write(connection, final, done, now)
            _register(connection, others, now)
        ours = submit(database, submitting, now) if submitting else set()
    if early:
        # What is killed before that leaves it to the sweep.
        with database.transaction() as connection:
            receipts.apply_early(connection, early, now)
    return ours


def _by_outcome(answers: Sequence[Settled]) -> tuple[dict[str, dict[int, str]], list[_One]]:
    """What each gateway accepted, its ids by ours, and everything else."""
    accepted: dict[str, dict[int, str]] = {}
    others: list[_One] = []
    for answer in answers:
        ids: dict[int, str] = {}
        for letter, outcome in zip(answer.letters, answer.outcomes, strict=True):
            if isinstance(outcome, Accepted):
                ids[letter.id] = outcome.provider_id
            else:
                others.append(_One(answer.lease, letter, outcome))
        if ids:
            accepted.setdefault(answer.lease.gateway, {}).update(ids)
    return accepted, others


def _retry(connection: psycopg.Connection[Any], others: Sequence[_One], now: datetime) -> list[_One]:
    """Queue again what is to be tried again; returns the others."""
    again: dict[tuple[int, str], list[tuple[_One, datetime]]] = defaultdict(list)
    final: list[_One] = []
    for one in others:
        due_at = _next_try(one, now)
        if due_at is None:
            final.append(one)
        else:
            again[one.lease.id, one.outcome.reason].append((one, due_at))
    for (lease, reason), retried in again.items():
        connection.execute(
            TRY_AGAIN,
            {
                "messages": [one.letter.id for one, _ in retried],
                "lease": lease,
                "number": retried[0][0].lease.number + 1,
                "due_at": max(due_at for _, due_at in retried),
                "now": now,
                "reason": reason,
            },
        )
    return final


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


def _accepted(gateway: str, ids: dict[int, str], done: Sequence[int], now: datetime) -> dict[str, object]:
    """The parameters that say what a gateway accepted: its ids by ours."""
    provider_ids = _UNIT.join(ids.values())
    if provider_ids.count(_UNIT) >= len(ids):
        provider_ids = _UNIT.join([each.replace(_UNIT, "") for each in ids.values()])
    return {
        "gateway": gateway,
        "messages": ",".join(map(str, ids)),
        "provider_ids": provider_ids,
        "done": list(done),
        "now": now,
    }


def _waited_for(gateway: str, ids: dict[int, str], waiting: str | None) -> list[tuple[str, str, int]]:
    """Gateway, its id and ours of what receipts have been waiting for."""
    if waiting is None:
        return []
    named = {provider_id: message for message, provider_id in ids.items()}
    return [(gateway, provider_id, named[provider_id]) for provider_id in waiting.split(_UNIT)]


def _write(connection: psycopg.Connection[Any], final: Sequence[_One], done: Sequence[int], now: datetime) -> None:
    """Write what was refused or is unknown, and close attempts."""
    connection.execute(
        _WRITE,
        {
            "messages": [one.letter.id for one in final],
            "leases": [one.lease.id for one in final],
            "states": ["unknown" if isinstance(one.outcome, Unknown) else "rejected" for one in final],
            "reasons": [one.outcome.reason for one in final],
            # What was said is wanted where the gateway may be asked whether it was.
            "bodies": [one.letter.body if isinstance(one.outcome, Unknown) else None for one in final],
            "done": list(done),
            "now": now,
        },
    )


def _register(connection: psycopg.Connection[Any], others: Sequence[_One], now: datetime) -> None:
    """Remember the numbers that have opted out at their gateway, and those that are none."""
    refused = [(each, each.outcome) for each in others if isinstance(each.outcome, Rejected)]
    opted_out = [each for each, outcome in refused if outcome.opted_out]
    if opted_out:
        phones = [each.letter.phone for each in opted_out]
        connection.execute(REGISTER_ALL, (now, phones, [each.lease.gateway for each in opted_out]))
    wrong = [(each, outcome) for each, outcome in refused if outcome.wrong_number]
    if wrong:
        register_wrong(connection, [(e.letter.phone, e.lease.gateway, outcome.reason) for e, outcome in wrong], now)


def _next_try(one: _One, now: datetime) -> datetime | None:
    """When a refused letter is tried again; None if never."""
    outcome, lease = one.outcome, one.lease
    if not isinstance(outcome, Rejected) or outcome.permanent:
        return None
    reply = lease.lane == Lane.REPLY
    if lease.deadline_at is None and lease.number >= (MOST_ATTEMPTS_OF_A_REPLY if reply else MOST_ATTEMPTS):
        return None
    wait = backoff(lease.number, reply=reply)
    if outcome.retry_after is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after))
    again = now + wait
    return None if lease.deadline_at is not None and again > lease.deadline_at else again
