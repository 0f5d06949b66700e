"""Receipts on their way: acknowledged once they are in a Redis stream, applied in batches by a worker.

A thousand receipts a second are a thousand short writes to Redis and one transaction, instead of a thousand transactions
beside the hops. The stream holds ids, numbers and codes of the provider, no text. What a worker has applied it removes;
what it had in hand when it died is still there, and applying it again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import redis

from bot.breaker import Breaker
from bot.db.database import Database
from bot.messaging import receipts
from bot.messaging.copies import Copies
from bot.messaging.receipts import Told
from bot.redis_line import OwnLine
from gateway_adapters.base import Receipt, ReceiptStatus

STREAM = "receipts"
#: Receipts applied in one transaction.
BATCH = 1000


#: Adds one entry to the stream; raises ``redis.RedisError``, then it is not kept for sure.
Way = Callable[[bytes], None]


def alone(line: OwnLine) -> Way:
    """The way to the one server that there is, on a connection of each thread's own."""

    def add(frozen: bytes) -> None:
        command = ("XADD", STREAM, "*", "r", frozen)
        try:
            line.ask(*command)
        except redis.ConnectionError:
            # The server had closed this connection; one that is away fails again at once. A receipt kept twice is applied once.
            line.ask(*command)

    return add


def with_copies(client: redis.Redis) -> Way:
    """The way where a replica may be the primary in a moment: it must have them, too."""
    copies = Copies(client)
    return lambda frozen: copies.add(STREAM, {"r": frozen})


def put(way: Way, gateway: str, told: Sequence[Receipt], at: datetime, breaker: Breaker | None = None) -> None:
    """Keep receipts until a worker applies them; raises ``redis.RedisError``, then they are not kept for sure.

    With a ``breaker`` at once, where somebody has just waited in vain.
    """
    if breaker is not None and not breaker.admits():
        raise redis.TimeoutError("just kept waiting")
    try:
        for receipt in told:
            way(_frozen(Told(gateway, receipt, at)))
    except (redis.TimeoutError, redis.ConnectionError):
        # Also who is refused at once has asked sentinels first, on the time of callers behind them.
        if breaker is not None:
            breaker.trip()
        raise
    if breaker is not None:
        breaker.heard()


def take(client: redis.Redis, database: Database) -> tuple[int, int]:
    """Apply the oldest batch: returns (how many there were, how many matched a message).

    Raises ``redis.RedisError`` and ``bot.away.Away``; then nothing is lost.
    """
    entries: Any = client.xrange(STREAM, count=BATCH)
    if not entries:
        return 0, 0
    told = [_thawed(fields[b"r"]) for _, fields in entries]
    matched = receipts.apply(database, told)
    client.xdel(STREAM, *[position for position, _ in entries])
    return len(told), matched


def waiting(client: redis.Redis) -> int:
    """How many wait to be applied; raises ``redis.RedisError``."""
    length: Any = client.xlen(STREAM)
    return int(length)


def _frozen(told: Told) -> bytes:
    receipt = told.receipt
    return msgspec.json.encode(
        [
            told.gateway,
            receipt.provider_id,
            receipt.status.value,
            receipt.phone,
            receipt.reason,
            receipt.our_id,
            receipt.wrong_number,
            told.at.isoformat(),
        ]
    )


def _thawed(stored: bytes) -> Told:
    gateway, provider_id, status, phone, reason, our_id, wrong_number, at = json.loads(stored)
    receipt = Receipt(provider_id, ReceiptStatus(status), phone, reason, our_id, wrong_number)
    return Told(gateway, receipt, datetime.fromisoformat(at))
