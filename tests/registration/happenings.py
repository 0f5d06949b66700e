"""What happens to a worker, and leaves a moment in some row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.db.database import Database

Happens = Callable[[Database, int, Any], object]

WAYS: dict[str, Happens] = {
    "dials": lambda db, worker, now: db.rows("UPDATE worker SET started_at = %s WHERE id = %s", (now, worker)),
    "proves who they are": lambda db, worker, now: db.rows(
        "UPDATE worker SET verified_at = %s WHERE id = %s", (now, worker)
    ),
    "confirms": lambda db, worker, now: db.rows("UPDATE worker SET confirmed_at = %s WHERE id = %s", (now, worker)),
    "is corrected": lambda db, worker, now: db.rows("UPDATE worker SET updated_at = %s WHERE id = %s", (now, worker)),
    "is screened": lambda db, worker, now: db.rows(
        "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', %s)", (worker, now)
    ),
    "books": lambda db, worker, now: db.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "SELECT %s, min(id), 'booked', 'T1', %s, %s FROM vaccination_session",
        (worker, now, now),
    ),
    "cancels": lambda db, worker, now: db.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at, ended_at) "
        "SELECT %s, min(id), 'cancelled', 'T1', %s::timestamptz - interval '1 day', %s::timestamptz - interval '1 day', %s "
        "FROM vaccination_session",
        (worker, now, now, now),
    ),
    "is acted for": lambda db, worker, now: db.rows(
        "INSERT INTO audit (at, actor, action, subject) VALUES (%s, 'desk', 'desk.attended', %s)",
        (now, f"worker:{worker}"),
    ),
    "opts out": lambda db, worker, now: db.rows(
        "INSERT INTO opt_out (phone, source, since) SELECT phone, 'sms', %s FROM worker WHERE id = %s", (now, worker)
    ),
    "has a wrong number": lambda db, worker, now: db.rows(
        "INSERT INTO wrong_number (phone, gateway, reason, since) "
        "SELECT phone, 'simulator', 'no such number', %s FROM worker WHERE id = %s",
        (now, worker),
    ),
    "is locked": lambda db, worker, now: db.rows(
        "INSERT INTO identity_guard (kind, subject, failures, last_failure_at) SELECT 'phone', phone, 5, %s FROM worker "
        "WHERE id = %s",
        (now, worker),
    ),
    "is sent a message": lambda db, worker, now: message(db, worker, now),
    "is told of by a receipt": lambda db, worker, now: receipt(db, worker, now, by_phone=True),
    "is told of by a receipt with our own id": lambda db, worker, now: receipt(db, worker, now, by_phone=False),
}


def message(database: Database, worker: int, at: Any) -> int:
    """A blast's message to a worker, settled then; its id."""
    campaign = database.value(
        "INSERT INTO campaign (name, kind, state, gateway, audience, created_at, created_by) "
        "VALUES ('Blast ' || gen_random_uuid(), 'blast', 'finished', 'simulator', '{}', %s, 'tests') RETURNING id",
        (at,),
    )
    attempt = database.value(
        "INSERT INTO attempt (lane, gateway, campaign_id, size, state, created_at, due_at, settled_at) "
        "VALUES ('blast', 'simulator', %s, 1, 'settled', %s, %s, %s) RETURNING id",
        (campaign, at, at, at),
    )
    return int(
        database.value(
            "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, created_at, lane, kind, gateway, "
            "language) SELECT %s, id, %s, phone, 'accepted', %s, 'blast', 'blast', 'simulator', 'id' FROM worker "
            "WHERE id = %s RETURNING id",
            (campaign, attempt, at, worker),
        )
    )


def receipt(database: Database, worker: int, at: Any, *, by_phone: bool) -> None:
    """A receipt for one, which names the phone or our own id."""
    sent = message(database, worker, at - timedelta(hours=1))
    database.rows(
        "INSERT INTO receipt (gateway, provider_id, our_id, phone, status, matched, received_at) "
        "SELECT 'simulator', 'x', CASE WHEN %s THEN NULL ELSE id END, CASE WHEN %s THEN phone END, 'delivered', true, %s "
        "FROM message WHERE id = %s",
        (by_phone, by_phone, at - timedelta(minutes=5), sent),
    )
