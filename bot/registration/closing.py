"""The end of registration: kept in PostgreSQL, movable while the service runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from bot.db import audit
from bot.db.database import Database

_KEY = "registration_closes_at"

#: Conversations that were open at the end may still be finished for this long.
GRACE = timedelta(minutes=5)

#: The end of registration within a statement, NULL if there is none.
CLOSES_AT = f"(SELECT (value #>> '{{}}')::timestamptz FROM setting WHERE key = '{_KEY}')"

#: Whether registration takes bookings, for a conversation that began at ``started`` (parameters: now, started, grace).
STILL_OPEN = f"""NOT EXISTS (SELECT 1 FROM setting WHERE key = '{_KEY}' AND (value #>> '{{}}')::timestamptz <= %(now)s
    AND ((value #>> '{{}}')::timestamptz <= %(started)s OR (value #>> '{{}}')::timestamptz + %(grace)s <= %(now)s))"""


def closes_at(database: Database) -> datetime | None:
    """When registration ends, or None."""
    found: datetime | None = database.value(f"SELECT {CLOSES_AT}")
    return found


def closes_at_for_now(connection: psycopg.Connection[Any]) -> datetime | None:
    """When registration ends, or None; it is not moved before the caller's transaction is over."""
    row = connection.execute(
        "SELECT (value #>> '{}')::timestamptz FROM setting WHERE key = %s FOR SHARE", (_KEY,)
    ).fetchone()
    found: datetime | None = None if row is None else row[0]
    return found


def is_open(end: datetime | None, now: datetime, started: datetime) -> bool:
    """Whether a conversation that began at ``started`` may still book."""
    return end is None or now < end or (started < end and now < end + GRACE)


def close_at(database: Database, end: datetime | None, *, now: datetime, actor: str) -> None:
    """Move the end of registration (None: no end), and write it to the audit log."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO setting (key, value, changed_at) VALUES (%s, %s, %s) "
            "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, changed_at = EXCLUDED.changed_at",
            (_KEY, Jsonb(end.isoformat() if end else None), now),
        )
        detail = {"closes_at": end.isoformat() if end else None}
        audit.record(connection, now, actor, "registration.close-at", _KEY, detail)


def set_first_value(database: Database, end: datetime | None, *, now: datetime) -> None:
    """Take the end from the settings if none has ever been set."""
    database.rows(
        "INSERT INTO setting (key, value, changed_at) VALUES (%s, %s, %s) ON CONFLICT (key) DO NOTHING",
        (_KEY, Jsonb(end.isoformat() if end else None), now),
    )
