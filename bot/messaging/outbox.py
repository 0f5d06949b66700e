"""The outbox: what is to be sent, written in the transaction of what made it necessary.

``natural_key`` says what a message is about; there is one row for each, however often the writer runs. Beside it stands
its first attempt, which is what workers claim.
"""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
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


# An attempt's phone keeps a person's replies in their order; what leaves by another way is not waited for.
_WRITE = """
WITH tried AS (
    INSERT INTO attempt (lane, gateway, language, size, phone, state, created_at, due_at, deadline_at,
                         claimed_at, submitted_at)
    SELECT %(lane)s, %(gateway)s, %(language)s, 1, CASE WHEN NOT %(inline)s AND %(lane)s = 'reply' THEN %(phone)s END,
           CASE WHEN %(inline)s THEN 'submitted' ELSE 'queued' END, %(now)s, %(now)s, %(deadline_at)s,
           CASE WHEN %(inline)s THEN %(now)s END, CASE WHEN %(inline)s THEN %(now)s END
    WHERE NOT EXISTS (SELECT 1 FROM message WHERE natural_key = %(natural_key)s)
    RETURNING id
)
INSERT INTO message (natural_key, kind, lane, gateway, phone, link_id, language, body, worker_id, booking_id, inbound_id,
                     attempt_id, inline, state, created_at)
SELECT %(natural_key)s, %(kind)s, %(lane)s, %(gateway)s, %(phone)s, %(link_id)s, %(language)s, %(body)s, %(worker_id)s,
       %(booking_id)s, %(inbound_id)s, tried.id, %(inline)s, 'queued', %(now)s
FROM tried
ON CONFLICT (natural_key) WHERE natural_key IS NOT NULL DO NOTHING RETURNING id
"""


def write(connection: psycopg.Connection[Any], draft: Draft, now: datetime) -> int | None:
    """Queue a message; None if it is there already."""
    return _write(connection, draft, now, inline=False)


def write_submitted(connection: psycopg.Connection[Any], draft: Draft, now: datetime) -> int | None:
    """Record a message that leaves by another way than the workers (in an HTTP answer); None if it is there already."""
    return _write(connection, draft, now, inline=True)


def _write(connection: psycopg.Connection[Any], draft: Draft, now: datetime, *, inline: bool) -> int | None:
    row = connection.execute(_WRITE, asdict(draft) | {"now": now, "inline": inline}).fetchone()
    return None if row is None else int(row[0])
