"""The outbox: what is to be sent, written in the transaction of what made it necessary.

``natural_key`` says what a message is about; there is one row for each, however often the writer runs.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg


class Lane(enum.StrEnum):
    """Replies and tickets overtake reminders, which overtake blasts."""

    REPLY = "reply"
    REMINDER = "reminder"
    BLAST = "blast"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be written. ``deadline_at``: after it there is no point in sending."""

    natural_key: str
    kind: str
    lane: Lane
    gateway: str
    phone: str
    language: str
    body: str
    link_id: str | None = None
    worker_id: int | None = None
    booking_id: int | None = None
    inbound_id: int | None = None
    deadline_at: datetime | None = None


_INSERT = """
INSERT INTO message (natural_key, kind, lane, gateway, phone, link_id, language, body, worker_id, booking_id, inbound_id,
                     inline, state, created_at, due_at, deadline_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (natural_key) DO NOTHING RETURNING id
"""


def write(connection: psycopg.Connection[Any], draft: Draft, now: datetime) -> int | None:
    """Queue a message; None if it is there already."""
    return _write(connection, draft, now, "queued")


def write_submitted(connection: psycopg.Connection[Any], draft: Draft, now: datetime) -> int | None:
    """Record a message that leaves by another way than the dispatch (in an HTTP answer); None if it is there already."""
    written = _write(connection, draft, now, "submitted")
    if written is not None:
        connection.execute(
            "INSERT INTO attempt (message_id, number, gateway, phone, state, claimed_at, submitted_at) "
            "VALUES (%s, 1, %s, %s, 'submitted', %s, %s)",
            (written, draft.gateway, draft.phone, now, now),
        )
        connection.execute("UPDATE message SET attempts = 1 WHERE id = %s", (written,))
    return written


def _write(connection: psycopg.Connection[Any], draft: Draft, now: datetime, state: str) -> int | None:
    row = connection.execute(
        _INSERT,
        (
            draft.natural_key,
            draft.kind,
            draft.lane,
            draft.gateway,
            draft.phone,
            draft.link_id,
            draft.language,
            draft.body,
            draft.worker_id,
            draft.booking_id,
            draft.inbound_id,
            state == "submitted",
            state,
            now,
            now,
            draft.deadline_at,
        ),
    ).fetchone()
    return None if row is None else int(row[0])
