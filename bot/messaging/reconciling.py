"""Asking a gateway what became of messages of unknown fate, where it can be asked. Nothing is ever sent again by this."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.db.database import Database
from bot.messaging import receipts
from bot.messaging.receipts import Told
from gateway_adapters.base import Gateway, GatewayRegistry, Outgoing, Receipt

#: A gateway is asked about a message at the earliest this long after it was handed over: its list takes a while.
_AFTER = timedelta(minutes=2)
#: It is asked again after as long, and no more when the message is older than this.
_AGAIN, _UNTIL = timedelta(minutes=30), timedelta(hours=24)
#: Seconds that one round of asking lasts.
_ROUND = 10.0

# ``asked_at`` is written before the gateway is asked: a process that dies meanwhile does not ask for ever.
_CLAIM = """
WITH next AS (
    SELECT id FROM attempt WHERE has_unknown AND gateway = %(gateway)s AND submitted_at < %(before)s
    AND submitted_at > %(since)s AND (asked_at IS NULL OR asked_at < %(asked_before)s)
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE attempt a SET asked_at = %(now)s FROM next WHERE a.id = next.id RETURNING a.id, a.submitted_at
"""

_UNKNOWN = "SELECT id, phone, body FROM message WHERE attempt_id = %s AND state = 'unknown' ORDER BY id"

#: What the messages of an attempt said that have no body on record: by their ids.
Recall = Callable[[int, datetime], dict[int, str]]


def reconcile(database: Database, gateways: GatewayRegistry, now: datetime, recall: Recall) -> int:
    """Ask about messages of unknown fate, for some seconds; returns of how many it is known now. Raises ``Away``."""
    stop = time.monotonic() + _ROUND
    found = 0
    for gateway in gateways.by_name.values():
        if not gateway.can_be_asked or gateway.missing_to_send():
            continue
        while time.monotonic() < stop:
            parameters = {
                "gateway": gateway.name,
                "now": now,
                "before": now - _AFTER,
                "since": now - _UNTIL,
                "asked_before": now - _AGAIN,
            }
            claimed = database.row(_CLAIM, parameters)
            if claimed is None:
                break
            found += _ask(database, gateway, claimed[0], claimed[1], now, recall)
    return found


def _ask(
    database: Database, gateway: Gateway, attempt: int, submitted_at: datetime, now: datetime, recall: Recall
) -> int:
    unknown = database.rows(_UNKNOWN, (attempt,))
    said = recall(attempt, now) if any(body is None for _, _, body in unknown) else {}
    found = 0
    for message, phone, body in unknown:
        text = body if body is not None else said.get(message)
        if text is None:
            continue
        told = gateway.reconcile(Outgoing(message, phone, text), submitted_at)
        if told is not None:
            receipt = Receipt(told.provider_id, told.status, phone, our_id=message)
            found += receipts.apply(database, [Told(gateway.name, receipt, now)])
    if found == len(unknown):
        database.rows(
            "UPDATE attempt SET has_unknown = false WHERE id = %(attempt)s "
            "AND NOT EXISTS (SELECT 1 FROM message WHERE attempt_id = %(attempt)s AND state = 'unknown')",
            {"attempt": attempt},
        )
    return found
