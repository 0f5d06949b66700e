"""Messages of unknown fate, which nobody sends again but by an admin's decision."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.campaigns.record import CampaignError, State, find_locked
from bot.db import audit
from bot.db.database import Database

#: The reason of an unknown message that an admin has decided to leave as it is.
LEFT = "left by an admin"
#: Messages of one attempt, at most.
_MOST = 1000
#: How long messages that are sent again may take to leave.
_DEADLINE = timedelta(hours=48)


class Decision(enum.StrEnum):
    """What is to become of messages that may have arrived and may not have."""

    RESEND = "resend"
    LEAVE = "leave"


# A campaign's messages are found by its attempts. Locked: a receipt that comes just now is waited for.
_OF_CAMPAIGN = """
    SELECT m.id FROM attempt a JOIN message m ON m.attempt_id = a.id
    WHERE a.campaign_id = %(campaign)s AND m.state = 'unknown' AND m.reason IS DISTINCT FROM %(left)s"""
# Of an old one the text is gone (``bot.privacy``).
_OF_REPLIES = """
    SELECT m.id FROM attempt a JOIN message m ON m.attempt_id = a.id
    WHERE a.has_unknown AND a.lane = 'reply' AND m.campaign_id IS NULL AND m.body <> ''
    AND m.state = 'unknown' AND m.reason IS DISTINCT FROM %(left)s"""

# Each attempt draws its id first, so that its messages can be given to it in the same statement.
_RESEND = """
WITH undecided AS ({undecided} FOR UPDATE OF m),
chosen AS (
    SELECT m.id, a.lane, a.gateway, a.campaign_id, a.language, a.time_zone, a.phone, a.number,
           (row_number() OVER (PARTITION BY a.lane, a.gateway, a.campaign_id, a.language, a.time_zone, a.phone, a.number
                               ORDER BY m.id) - 1) / %(size)s AS chunk
    FROM message m JOIN attempt a ON a.id = m.attempt_id WHERE m.id IN (SELECT id FROM undecided)
), again AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('attempt', 'id')) AS id, g.* FROM (
        SELECT lane, gateway, campaign_id, language, time_zone, phone, number, chunk, count(*) AS size,
               array_agg(id) AS messages
        FROM chosen GROUP BY lane, gateway, campaign_id, language, time_zone, phone, number, chunk ORDER BY min(id)) AS g
), attempts AS (
    INSERT INTO attempt (id, lane, gateway, campaign_id, language, time_zone, phone, number, size, state, created_at,
                         due_at, deadline_at, reason)
    SELECT id, lane, gateway, campaign_id, language, time_zone, phone, number + 1, size, 'queued', %(now)s, %(now)s,
           %(deadline)s, 'sent again by an admin' FROM again
), moved AS (
    UPDATE message m SET attempt_id = o.attempt_id, state = 'queued', reason = NULL, settled_at = NULL
    FROM (SELECT id AS attempt_id, unnest(messages) AS message_id FROM again) AS o WHERE m.id = o.message_id
    RETURNING m.id
)
SELECT count(*) FROM moved
"""

# The attempts too, of which nothing else waits for a decision: their reason says why.
_LEAVE = """
WITH undecided AS ({undecided} FOR UPDATE OF m),
left_alone AS (
    UPDATE message SET reason = %(left)s WHERE id IN (SELECT id FROM undecided) RETURNING attempt_id
), attempts AS (
    UPDATE attempt SET reason = %(left)s WHERE state = 'unknown' AND id IN (SELECT attempt_id FROM left_alone)
)
SELECT count(*) FROM left_alone
"""


def undecided(database: Database, name: str | None) -> int:
    """How many unknown messages of a campaign (None: of replies) wait for a decision."""
    if name is None:
        found: int = database.value(f"SELECT count(*) FROM ({_OF_REPLIES}) AS m", {"left": LEFT})
        return found
    number = database.value("SELECT id FROM campaign WHERE name = %s", (name,))
    return int(database.value(f"SELECT count(*) FROM ({_OF_CAMPAIGN}) AS m", {"left": LEFT, "campaign": number}))


def resolve(database: Database, name: str, decision: Decision, *, now: datetime, actor: str) -> int:
    """Decide about the unknown messages of a campaign; returns how many it concerned. Raises ``CampaignError``.

    Sending again opens a campaign anew that has finished, for 48 hours at most. Whoever did get the message the first
    time gets it twice: that is what the admin decides.
    """
    with database.transaction() as connection:
        campaign = find_locked(connection, name)
        if decision is Decision.RESEND:
            if campaign.state is State.CANCELLED:
                raise CampaignError(f"The campaign {name!r} is cancelled; nothing of it can be sent again.")
            if campaign.kind == "reminder":
                raise CampaignError(f"{name!r} reminded at its hour and is not sent again; leave its unknown messages.")
            deadline = max(campaign.deadline_at or now, now + _DEADLINE)
            count = _decide(connection, _RESEND.format(undecided=_OF_CAMPAIGN), now, deadline, campaign.id)
            if count:
                connection.execute(
                    "UPDATE campaign SET state = CASE WHEN state = 'finished' THEN 'running' ELSE state END, "
                    "ended_at = NULL, deadline_at = %s WHERE id = %s",
                    (deadline, campaign.id),
                )
        else:
            count = _decide(connection, _LEAVE.format(undecided=_OF_CAMPAIGN), now, None, campaign.id)
        if count:
            detail = {"messages": count}
            audit.record(connection, now, actor, f"campaign.{decision}", f"campaign:{campaign.id}", detail)
    return count


def resolve_replies(database: Database, decision: Decision, *, now: datetime, actor: str) -> int:
    """Decide about the unknown replies and tickets, each an attempt of its own; returns how many it concerned."""
    statement = _RESEND if decision is Decision.RESEND else _LEAVE
    with database.transaction() as connection:
        count = _decide(connection, statement.format(undecided=_OF_REPLIES), now, None, None)
        if count:
            audit.record(connection, now, actor, f"replies.{decision}", "replies", {"messages": count})
    return count


def _decide(
    connection: psycopg.Connection[Any], statement: str, now: datetime, deadline: datetime | None, campaign: int | None
) -> int:
    parameters = {
        "now": now,
        "deadline": deadline,
        "campaign": campaign,
        "left": LEFT,
        "size": 1 if campaign is None else _MOST,
    }
    row = connection.execute(statement.encode(), parameters).fetchone()
    return 0 if row is None else int(row[0])
