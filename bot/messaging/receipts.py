"""Delivery reports: kept as told, matched to an attempt, and only ever moving it forward.

The order of finality is submitted or unknown < accepted < rejected < delivered: whatever the order in which receipts
arrive, the same ones lead to the same state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from bot.db.database import Database
from gateway_adapters.base import Receipt, ReceiptStatus

_STATE = {ReceiptStatus.SENT: "accepted", ReceiptStatus.DELIVERED: "delivered", ReceiptStatus.FAILED: "rejected"}

#: The states that a state may follow.
_BEFORE = {
    "accepted": ["submitted", "unknown", "claimed"],
    "rejected": ["submitted", "unknown", "claimed", "accepted"],
    "delivered": ["submitted", "unknown", "claimed", "accepted", "rejected"],
}


def take_in(database: Database, gateway: str, receipt: Receipt, now: datetime) -> bool:
    """Keep a receipt and apply it; one that came before our own answer was stored is kept until then.

    Returns whether it could be matched. The same receipt again changes nothing.
    """
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO receipt (gateway, provider_id, message_id, phone, status, final, reason, received_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                gateway,
                receipt.provider_id,
                receipt.our_id,
                receipt.phone,
                receipt.status,
                receipt.status is not ReceiptStatus.SENT,
                receipt.reason,
                now,
            ),
        )
        attempt = _match(connection, gateway, receipt)
        if attempt is None:
            return False
        _move(connection, attempt, receipt.status, receipt.provider_id, receipt.reason, now)
        _mark_matched(connection, gateway, receipt.provider_id)
        return True


def apply_early(connection: psycopg.Connection[Any], gateway: str, provider_id: str, now: datetime) -> None:
    """Apply the receipts that came before the gateway's own answer, within the transaction that stores that answer."""
    early = connection.execute(
        "SELECT status, reason FROM receipt WHERE gateway = %s AND provider_id = %s AND NOT matched ORDER BY id",
        (gateway, provider_id),
    ).fetchall()
    if not early:
        return
    attempt = connection.execute(
        "SELECT id, message_id FROM attempt WHERE gateway = %s AND provider_id = %s", (gateway, provider_id)
    ).fetchone()
    if attempt is None:
        return
    for status, reason in early:
        _move(connection, attempt, ReceiptStatus(status), provider_id, reason, now)
    _mark_matched(connection, gateway, provider_id)


def _mark_matched(connection: psycopg.Connection[Any], gateway: str, provider_id: str) -> None:
    connection.execute(
        "UPDATE receipt SET matched = true WHERE gateway = %s AND provider_id = %s AND NOT matched",
        (gateway, provider_id),
    )


def _match(connection: psycopg.Connection[Any], gateway: str, receipt: Receipt) -> tuple[Any, ...] | None:
    """The attempt that a receipt speaks of: by the provider's id, by ours, or the phone's only unknown one."""
    found = connection.execute(
        "SELECT id, message_id FROM attempt WHERE gateway = %s AND provider_id = %s", (gateway, receipt.provider_id)
    ).fetchone()
    if found is not None:
        return tuple(found)
    if receipt.our_id is not None:
        ours = connection.execute(
            "SELECT id, message_id FROM attempt WHERE message_id = %s AND gateway = %s AND provider_id IS NULL "
            "AND state IN ('submitted', 'unknown') ORDER BY number DESC LIMIT 1",
            (receipt.our_id, gateway),
        ).fetchone()
        return None if ours is None else tuple(ours)
    if receipt.phone is None:
        return None
    unknown = connection.execute(
        "SELECT id, message_id FROM attempt "
        "WHERE gateway = %s AND phone = %s AND state = 'unknown' AND provider_id IS NULL LIMIT 2",
        (gateway, receipt.phone),
    ).fetchall()
    return tuple(unknown[0]) if len(unknown) == 1 else None


def _move(
    connection: psycopg.Connection[Any],
    attempt: Sequence[Any],
    status: ReceiptStatus,
    provider_id: str,
    reason: str,
    now: datetime,
) -> None:
    state = _STATE[status]
    connection.execute(
        "UPDATE attempt SET state = %s, reason = %s, settled_at = %s WHERE id = %s AND state = ANY(%s)",
        (state, reason, now, attempt[0], _BEFORE[state]),
    )
    connection.execute(
        "UPDATE attempt SET provider_id = %s WHERE id = %s AND provider_id IS NULL", (provider_id, attempt[0])
    )
    connection.execute(
        "UPDATE message SET state = %s, reason = %s, settled_at = %s WHERE id = %s AND state = ANY(%s)",
        (state, reason, now, attempt[1], _BEFORE[state]),
    )
