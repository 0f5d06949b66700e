"""Delivery reports: kept as told, matched to a message, and only ever moving it forward.

The order of finality is queued or unknown < accepted < rejected < delivered: whatever the order in which receipts and our
own answers arrive, the same ones lead to the same state. Receipts are applied in batches; the webhook puts them into a
stream first, see ``bot.messaging.receipt_stream``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.db.database import Database
from bot.messaging.wrong_numbers import register_wrong
from gateway_adapters.base import Receipt, ReceiptStatus

_STATE = {ReceiptStatus.SENT: "accepted", ReceiptStatus.DELIVERED: "delivered", ReceiptStatus.FAILED: "rejected"}
_RANK = "CASE {} WHEN 'accepted' THEN 1 WHEN 'rejected' THEN 2 WHEN 'delivered' THEN 3 ELSE 0 END"

#: Receipts that match nothing for longer than this are not looked at again.
_EARLY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt, who told it and when it came."""

    gateway: str
    receipt: Receipt
    at: datetime


#: What the message of a receipt is looked for by.
_Key = tuple[str, str, int | None, str | None]


@dataclass(frozen=True, slots=True)
class _Move:
    message: int
    state: str
    reason: str
    at: datetime


# With the message it was matched to: said afterwards, that would be another version of every row with an entry in each index.
# Either index may know it already: that of its message, or that of those without one.
_KEEP = """
INSERT INTO receipt (gateway, provider_id, our_id, phone, status, reason, message_id, matched, received_at)
SELECT gateway, provider_id, our_id, phone, status, reason, message_id, message_id IS NOT NULL, at
FROM unnest(%(gateways)s::text[], %(provider_ids)s::text[], %(our_ids)s::bigint[], %(phones)s::text[],
            %(statuses)s::text[], %(reasons)s::text[], %(messages)s::bigint[], %(at)s::timestamptz[])
     AS t (gateway, provider_id, our_id, phone, status, reason, message_id, at)
ON CONFLICT DO NOTHING
"""

# By the provider's id, which is looked for among the phone's messages: no index names it, so that half a million of them
# are written where the messages stand. Else by ours, where the gateway carries it; else by the phone, if just one unknown
# is open for it. A receipt that names our id, or matches by phone, tells us the provider's id too.
_MATCH = """
WITH told AS (
    SELECT * FROM unnest(%(gateways)s::text[], %(provider_ids)s::text[], %(our_ids)s::bigint[], %(phones)s::text[])
        WITH ORDINALITY AS t (gateway, provider_id, our_id, phone, place)
), known AS MATERIALIZED (
    SELECT t.place, m.id FROM told t
    JOIN message m ON m.phone = t.phone AND m.gateway = t.gateway AND m.provider_id = t.provider_id
    UNION ALL
    SELECT t.place, f.message_id FROM told t
    JOIN further_acceptance f ON f.gateway = t.gateway AND f.provider_id = t.provider_id
), ours AS MATERIALIZED (
    SELECT t.place, m.id, m.provider_id IS DISTINCT FROM t.provider_id AS news FROM told t
    JOIN message m ON m.id = t.our_id AND m.gateway = t.gateway AND m.state <> 'suppressed'
    WHERE t.place NOT IN (SELECT place FROM known)
)
SELECT place, id, false FROM known
UNION ALL
SELECT place, id, news FROM ours
UNION ALL
SELECT t.place, u.id, true FROM told t JOIN LATERAL (
    SELECT min(m.id) AS id FROM message m
    WHERE m.phone = t.phone AND m.gateway = t.gateway AND m.state = 'unknown' HAVING count(*) = 1) u ON true
WHERE t.our_id IS NULL AND t.phone IS NOT NULL AND t.place NOT IN (SELECT place FROM known)
ORDER BY 1
"""

_MOVE = f"""
WITH told AS (
    SELECT DISTINCT ON (message_id) * FROM unnest(%(messages)s::bigint[], %(states)s::text[], %(reasons)s::text[],
        %(at)s::timestamptz[]) WITH ORDINALITY AS t (message_id, state, reason, at, place)
    ORDER BY message_id, {_RANK.format("t.state")} DESC, place
)
UPDATE message m SET state = t.state, reason = nullif(t.reason, ''), settled_at = t.at FROM told t
WHERE m.id = t.message_id AND m.state <> 'suppressed' AND {_RANK.format("m.state")} < {_RANK.format("t.state")}
"""

_LEARN = """
WITH told AS (
    SELECT * FROM unnest(%(gateways)s::text[], %(provider_ids)s::text[], %(messages)s::bigint[], %(at)s::timestamptz[])
        AS t (gateway, provider_id, message_id, at)
), named AS (
    UPDATE message m SET provider_id = t.provider_id FROM told t WHERE m.id = t.message_id AND m.provider_id IS NULL
)
INSERT INTO further_acceptance (gateway, provider_id, message_id, at)
SELECT t.gateway, t.provider_id, m.id, t.at FROM told t JOIN message m ON m.id = t.message_id
WHERE m.provider_id <> t.provider_id
ON CONFLICT DO NOTHING
"""

# What waits for a message that has just been found. Asked for by lists: a planner who knows of none that wait would join the
# few that it expects with each of a thousand.
_WAITING = """
SELECT id, gateway, provider_id, status, reason FROM receipt
WHERE NOT matched AND gateway = ANY(%(gateways)s) AND provider_id = ANY(%(provider_ids)s) ORDER BY id
"""

# Kept anew and not changed: the same one may have been kept with its message meanwhile, by somebody who just found it, and
# then it is there once.
_NAME = """
WITH waited AS (
    DELETE FROM receipt r USING unnest(%(receipts)s::bigint[], %(messages)s::bigint[]) AS t (id, message_id)
    WHERE r.id = t.id AND NOT r.matched
    RETURNING r.gateway, r.provider_id, r.our_id, r.phone, r.status, r.reason, t.message_id, r.received_at
)
INSERT INTO receipt (gateway, provider_id, our_id, phone, status, reason, message_id, matched, received_at)
SELECT gateway, provider_id, our_id, phone, status, reason, message_id, true, received_at FROM waited
ON CONFLICT DO NOTHING
"""


def apply(database: Database, told: Sequence[Told]) -> int:
    """Keep receipts and apply them; those that came before our own answer was stored are kept until then.

    Returns how many could be matched. The same receipts again change nothing.
    """
    if not told:
        return 0
    # A message's receipts come close together, and some twice: it is looked for once.
    asked: dict[_Key, int] = {}
    asks = [asked.setdefault(_key(each), len(asked)) for each in told]
    names = ("gateways", "provider_ids", "our_ids", "phones")
    columns = {name: list(column) for name, column in zip(names, zip(*asked, strict=True), strict=True)}
    with database.transaction() as connection:
        answers: dict[int, tuple[int, bool]] = {}
        for place, message, is_news in connection.execute(_MATCH, columns):
            answers.setdefault(place - 1, (message, is_news))
        matched = {place: answers[asks[place]] for place in range(len(told)) if asks[place] in answers}
        found = [(told[place], message, is_news) for place, (message, is_news) in matched.items()]
        moves = [_Move(m, _STATE[e.receipt.status], e.receipt.reason, e.at) for e, m, _ in found]
        moves += _name_waiting(
            connection, {(e.gateway, e.receipt.provider_id): m for e, m, _ in found}, max(each.at for each in told)
        )
        _keep(connection, told, {place: message for place, (message, _) in matched.items()})
        _learn(connection, [(each, message) for each, message, is_news in found if is_news])
        _move(connection, moves)
        wrong = [
            (e.receipt.phone, e.gateway, e.receipt.reason) for e in told if e.receipt.wrong_number and e.receipt.phone
        ]
        if wrong:
            register_wrong(connection, wrong, max(each.at for each in told))
    return len(found)


def apply_early(connection: psycopg.Connection[Any], accepted: Sequence[tuple[str, str, int]], now: datetime) -> None:
    """Apply the receipts that came before the gateway's own answer, within the transaction that stores that answer.

    ``accepted``: (gateway, provider id, message) of what has just been accepted.
    """
    waited = {(gateway, provider_id): message for gateway, provider_id, message in accepted}
    _move(connection, _name_waiting(connection, waited, now))


def rematch(database: Database, now: datetime) -> int:
    """Apply receipts that came while our own answer was just being stored, where neither saw the other."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT DISTINCT r.gateway, r.provider_id, m.id FROM receipt r "
            "JOIN message m ON m.phone = r.phone AND m.gateway = r.gateway AND m.provider_id = r.provider_id "
            "WHERE NOT r.matched AND r.received_at > %s LIMIT 10000",
            (now - _EARLY,),
        ).fetchall()
        if rows:
            apply_early(connection, rows, now)
    return len(rows)


def _key(told: Told) -> _Key:
    receipt = told.receipt
    return told.gateway, receipt.provider_id, receipt.our_id, receipt.phone


def _keep(connection: psycopg.Connection[Any], told: Sequence[Told], matched: Mapping[int, int]) -> None:
    """Keep each receipt once, however often it was told; ``matched``: the messages of those that were, by place."""
    once: dict[tuple[str, str, str, str], tuple[Told, int | None]] = {}
    for place, each in enumerate(told):
        receipt = each.receipt
        key = (each.gateway, receipt.provider_id, receipt.status, receipt.reason)
        first, message = once.get(key, (each, None))
        once[key] = (first, message if message is not None else matched.get(place))
    kept = [first for first, _ in once.values()]
    connection.execute(
        _KEEP,
        {
            "gateways": [each.gateway for each in kept],
            "provider_ids": [each.receipt.provider_id for each in kept],
            "our_ids": [each.receipt.our_id for each in kept],
            "phones": [each.receipt.phone for each in kept],
            "statuses": [each.receipt.status for each in kept],
            "reasons": [each.receipt.reason for each in kept],
            "messages": [message for _, message in once.values()],
            "at": [each.at for each in kept],
        },
    )


def _move(connection: psycopg.Connection[Any], moves: Sequence[_Move]) -> None:
    if moves:
        connection.execute(
            _MOVE,
            {
                "messages": [move.message for move in moves],
                "states": [move.state for move in moves],
                "reasons": [move.reason for move in moves],
                "at": [move.at for move in moves],
            },
        )


def _learn(connection: psycopg.Connection[Any], found: Sequence[tuple[Told, int]]) -> None:
    if found:
        connection.execute(
            _LEARN,
            {
                "gateways": [told.gateway for told, _ in found],
                "provider_ids": [told.receipt.provider_id for told, _ in found],
                "messages": [message for _, message in found],
                "at": [told.at for told, _ in found],
            },
        )


def _name_waiting(
    connection: psycopg.Connection[Any], found: Mapping[tuple[str, str], int], now: datetime
) -> list[_Move]:
    """Say whose the receipts are that have waited for these messages, by gateway and provider id; what they move."""
    if not found:
        return []
    gateways, provider_ids = ({key[part] for key in found} for part in (0, 1))
    rows = connection.execute(_WAITING, {"gateways": list(gateways), "provider_ids": list(provider_ids)}).fetchall()
    waited = [(row, found[row[1], row[2]]) for row in rows if (row[1], row[2]) in found]
    if waited:
        connection.execute(_NAME, {"receipts": [row[0] for row, _ in waited], "messages": [m for _, m in waited]})
    return [_Move(m, _STATE[ReceiptStatus(row[3])], row[4], now) for row, m in waited]
