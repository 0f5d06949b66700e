"""Reminders on record: each a campaign that the clock makes and adds to, so that nobody is reminded of one thing twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import structlog
from psycopg.types.json import Jsonb

from bot.db import audit
from bot.db.database import Database

_log = structlog.get_logger(__name__)

#: Who makes and approves reminders.
CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Reminder:
    """The reminders of one kind and day. ``texts``: by language; ``ends_at``: when nothing more is added to them."""

    name: str
    texts: Mapping[str, str]
    gateway: str
    ends_at: datetime
    audience: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Recipients:
    """A SELECT of those who are due and not on record yet, by the parameter ``name``, the reminder's.

    It gives worker_id, booking_id, phone, language, time_zone (the recipient's) and deadline_at (nothing leaves after).
    """

    sql: str
    parameters: Mapping[str, object]


_CREATE = """
INSERT INTO campaign (name, kind, state, audience, gateway, deadline_at, recipients, created_by, created_at, approved_by,
                      approved_at, materialised_at)
VALUES (%(name)s, 'reminder', %(state)s, %(audience)s, %(gateway)s, %(ends_at)s, %(recipients)s, %(clock)s, %(now)s,
        %(clock)s, %(now)s, %(materialised_at)s)
ON CONFLICT (name) DO NOTHING RETURNING id
"""

# The messages first: an attempt is written for those that really are, whoever else may write the same ones.
_WRITE = """
WITH who AS MATERIALIZED ({who}),
numbered AS MATERIALIZED (
    SELECT *, (row_number() OVER (PARTITION BY language, time_zone, deadline_at ORDER BY worker_id, booking_id) - 1)
              / %(batch_size)s AS part FROM who
), part AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('attempt', 'id')) AS id, g.* FROM (
        SELECT DISTINCT language, time_zone, deadline_at, part FROM numbered) AS g
), written AS (
    INSERT INTO message (campaign_id, worker_id, booking_id, attempt_id, phone, state, created_at, lane, kind, gateway,
                         language)
    SELECT %(campaign)s, n.worker_id, n.booking_id, p.id, n.phone, 'queued', %(now)s, 'reminder', 'reminder',
           %(gateway)s, n.language
    FROM numbered n JOIN part p USING (language, time_zone, deadline_at, part)
    ON CONFLICT DO NOTHING RETURNING attempt_id
), carried AS (
    INSERT INTO attempt (id, lane, gateway, campaign_id, language, time_zone, part, size, state, created_at, due_at,
                         deadline_at)
    SELECT p.id, 'reminder', %(gateway)s, %(campaign)s, p.language, p.time_zone, p.part, count(*), 'queued', %(now)s,
           %(now)s, p.deadline_at
    FROM written w JOIN part p ON p.id = w.attempt_id GROUP BY p.id, p.language, p.time_zone, p.part, p.deadline_at
    RETURNING 1
)
SELECT count(*) FROM written
"""


def create(
    connection: psycopg.Connection[Any], reminder: Reminder, now: datetime, *, state: str, recipients: int | None
) -> bool:
    """Make the reminder's campaign in a state; False if it is there already."""
    row = connection.execute(
        _CREATE,
        {
            "name": reminder.name,
            "state": state,
            "audience": Jsonb(dict(reminder.audience)),
            "gateway": reminder.gateway,
            "ends_at": reminder.ends_at,
            "recipients": recipients,
            "clock": CLOCK,
            "now": now,
            "materialised_at": None if recipients is None else now,
        },
    ).fetchone()
    if row is None:
        return False
    for language, body in reminder.texts.items():
        connection.execute(
            "INSERT INTO campaign_text (campaign_id, language, body) VALUES (%s, %s, %s)", (row[0], language, body)
        )
    audit.record(connection, now, CLOCK, "campaign.create", f"campaign:{row[0]}", {"kind": "reminder"})
    return True


def remind(
    database: Database, reminder: Reminder, who: Recipients, now: datetime, *, batch_size: int, about: int | None = None
) -> int:
    """Put those who are due on record; returns how many were written. Costs one look where nobody is.

    All of it is one transaction with the campaign's row locked: of two clocks, the second finds nobody due any more, and
    one that is killed leaves nothing. What an admin has cancelled stays so; what has finished is opened again.
    ``about``: the campaign of which this is one of several reminders. It is locked before the reminder's own row, so that
    two clocks of which each writes another of them come one after the other as well.
    """
    parameters = {**who.parameters, "name": reminder.name, "now": now}
    if database.row(f"SELECT 1 FROM ({who.sql}) AS who LIMIT 1", parameters) is None:
        return 0
    written = 0
    with database.transaction() as connection:
        if about is not None:
            connection.execute("SELECT 1 FROM campaign WHERE id = %s FOR NO KEY UPDATE", (about,))
        create(connection, reminder, now, state="running", recipients=0)
        found = connection.execute(
            "SELECT id, gateway FROM campaign WHERE name = %s AND created_by = %s AND state <> 'cancelled' "
            "FOR NO KEY UPDATE",
            (reminder.name, CLOCK),
        ).fetchone()
        if found is None:
            _log.info("reminders_cancelled", campaign=reminder.name)
            raise psycopg.Rollback
        campaign, gateway = found
        row = connection.execute(
            _WRITE.format(who=who.sql).encode(),
            {**parameters, "campaign": campaign, "gateway": gateway, "batch_size": batch_size},
        ).fetchone()
        written = 0 if row is None else int(row[0])
        if not written:
            raise psycopg.Rollback
        connection.execute(
            "UPDATE campaign SET recipients = recipients + %s, deadline_at = greatest(deadline_at, %s), ended_at = NULL, "
            "state = CASE WHEN state = 'finished' THEN 'running' ELSE state END WHERE id = %s",
            (written, reminder.ends_at, campaign),
        )
        audit.record(connection, now, CLOCK, "campaign.remind", f"campaign:{campaign}", {"recipients": written})
    return written
