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
    worker_id: int | None = None
    booking_id: int | None = None
    deadline_at: datetime | None = None


# An attempt's phone keeps a person's replies in their order.
_WRITE = """
WITH tried AS (
    INSERT INTO attempt (lane, gateway, language, size, phone, state, created_at, due_at, deadline_at)
    SELECT %(lane)s, %(gateway)s, %(language)s, 1, CASE WHEN %(lane)s = 'reply' THEN %(phone)s END, 'queued', %(now)s, %(now)s,
           %(deadline_at)s
    WHERE NOT EXISTS (SELECT 1 FROM message WHERE natural_key = %(natural_key)s)
    RETURNING id
)
INSERT INTO message (natural_key, kind, lane, gateway, phone, language, body, worker_id, booking_id,
                     attempt_id, state, created_at)
SELECT %(natural_key)s, %(kind)s, %(lane)s, %(gateway)s, %(phone)s, %(language)s, %(body)s, %(worker_id)s,
       %(booking_id)s, tried.id, 'queued', %(now)s
FROM tried
ON CONFLICT (natural_key) WHERE natural_key IS NOT NULL DO NOTHING RETURNING id
"""


def write(connection: psycopg.Connection[Any], draft: Draft, now: datetime) -> int | None:
    """Queue a message; None if it is there already."""
    row = connection.execute(_WRITE, asdict(draft) | {"now": now}).fetchone()
    return None if row is None else int(row[0])
