"""From approved to running: all recipients of a campaign, with the attempts that will carry them, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg

from bot.campaigns import recipients
from bot.campaigns.record import Campaign, CampaignError, State, find, find_locked, same_person
from bot.campaigns.texts import is_alike_everywhere, is_personal
from bot.db import audit
from bot.db.database import Database
from gateway_adapters.base import GatewayRegistry

#: How long after its start a campaign may still send, unless it says otherwise.
DEADLINE = timedelta(hours=48)
#: Messages of an attempt, where the gateway takes one recipient at a time: as many as one worker has under way.
_ONE_BY_ONE = 100
#: Recipients of which the planner must know.
_MANY = 10_000

# What repeats a number comes last in its group and counts for no attempt's size: it never leaves. One statement: the
# attempts draw their ids first, so that the messages can name them.
_WRITE = """
WITH who AS MATERIALIZED ({who}),
numbered AS MATERIALIZED (
    SELECT worker_id, phone, booking_id, language, time_zone, repeated,
           (row_number() OVER (PARTITION BY language, time_zone ORDER BY repeated, {order}) - 1)
               / %(batch_size)s AS part
    FROM (SELECT *, {repeated} AS repeated FROM who) AS marked
), part AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('attempt', 'id')) AS id, g.* FROM (
        SELECT language, time_zone, part, count(*) FILTER (WHERE NOT repeated) AS size
        FROM numbered GROUP BY part, language, time_zone ORDER BY part, language, time_zone) AS g
), carried AS (
    INSERT INTO attempt (id, lane, gateway, campaign_id, language, time_zone, part, size, state, created_at, due_at,
                         deadline_at, settled_at)
    SELECT id, %(lane)s, %(gateway)s, %(campaign)s, language, time_zone, part, size,
           CASE WHEN size = 0 THEN 'settled' ELSE 'queued' END, %(now)s, %(due_at)s, %(deadline_at)s,
           CASE WHEN size = 0 THEN %(now)s END
    FROM part
), written AS (
    INSERT INTO message (campaign_id, worker_id, booking_id, attempt_id, phone, state, reason, settled_at, created_at,
                         lane, kind, gateway, language)
    SELECT %(campaign)s, n.worker_id, n.booking_id, p.id, n.phone,
           CASE WHEN n.repeated THEN 'suppressed' ELSE 'queued' END, CASE WHEN n.repeated THEN 'same number' END,
           CASE WHEN n.repeated THEN %(now)s END, %(now)s, %(lane)s, %(kind)s, %(gateway)s, n.language
    FROM numbered n JOIN part p USING (language, time_zone, part) RETURNING 1
)
SELECT count(*) FROM written
"""

# What says something of the district makes few requests of an attempt when its people stand together. What says the same
# everywhere goes in the order in which workers stand in their table: a thousand of them on a few dozen of its pages are
# looked up sooner than on a thousand, here and whenever an attempt is composed.
_BY_DISTRICT, _BY_PLACE = "district, worker_id", "worker_id"

#: A text that says the same to everybody is not sent to one number twice.
_REPEATED = "row_number() OVER (PARTITION BY phone ORDER BY worker_id) > 1"


def attempt_size(most_recipients: int) -> int:
    """Messages of one attempt, for a gateway that takes ``most_recipients`` in a request."""
    return most_recipients if most_recipients > 1 else _ONE_BY_ONE


def batch_size(gateways: GatewayRegistry, name: str) -> int:
    """Messages of one attempt, for a gateway of that name."""
    gateway = gateways.by_name.get(name)
    return attempt_size(1 if gateway is None else gateway.max_recipients_per_request)


def start(
    database: Database, name: str, now: datetime, *, batch_size: int, approval_above: int, actor: str
) -> Campaign:
    """Put an approved campaign's recipients on record and let it run; raises ``CampaignError``, and nothing has changed.

    All in one transaction with the campaign's row locked: a second start finds it running; a process that is killed
    leaves it approved, with nothing written. ``database``: one without a time limit, half a million recipients take
    some seconds. ``approval_above``: recipients from which somebody else than its maker must have approved it.
    """
    with database.transaction() as connection:
        recipients.make_room(connection)
        campaign = find_locked(connection, name)
        deadline_at = _checked_deadline(campaign, now)
        count = _write(connection, campaign, now, deadline_at, batch_size)
        if not count:
            raise CampaignError(f"Nobody is in the audience of {name!r} who may be sent to; nothing has been sent.")
        if count > approval_above and same_person(campaign.approved_by, campaign.created_by):
            raise CampaignError(
                f"The campaign {name!r} has {count:,} recipients by now; above {approval_above:,} somebody else than "
                "who made it must approve it."
            )
        connection.execute(
            "UPDATE campaign SET state = 'running', recipients = %s, materialised_at = %s, deadline_at = %s WHERE id = %s",
            (count, now, deadline_at, campaign.id),
        )
        audit.record(connection, now, actor, "campaign.start", f"campaign:{campaign.id}", {"recipients": count})
        if count > _MANY:
            # Until PostgreSQL has seen them, it plans for the few messages that there were before. Not once they are on
            # their way, when it would take its time from the sending.
            connection.execute("ANALYZE attempt, message")
    return find(database, name)


def _checked_deadline(campaign: Campaign, now: datetime) -> datetime:
    if campaign.state is State.DRAFT:
        raise CampaignError(f"The campaign {campaign.name!r} is a draft: it must be approved first.")
    if campaign.state is not State.APPROVED:
        raise CampaignError(f"The campaign {campaign.name!r} is {campaign.state}; it has been started before.")
    deadline_at = campaign.deadline_at or max(now, campaign.start_at or now) + DEADLINE
    if deadline_at <= now:
        raise CampaignError(f"The deadline of the campaign {campaign.name!r} is over.")
    return deadline_at


def _write(
    connection: psycopg.Connection[Any], campaign: Campaign, now: datetime, deadline_at: datetime, batch_size: int
) -> int:
    chosen = recipients.selection(campaign, now)
    personal = any(is_personal(body) for body in campaign.texts.values())
    alike = all(is_alike_everywhere(body) for body in campaign.texts.values())
    statement = _WRITE.format(
        who=chosen.sql, repeated="false" if personal else _REPEATED, order=_BY_PLACE if alike else _BY_DISTRICT
    )
    parameters = {
        **chosen.parameters,
        "batch_size": batch_size,
        "lane": campaign.kind,
        "kind": campaign.kind,
        "gateway": campaign.gateway,
        "campaign": campaign.id,
        "due_at": max(now, campaign.start_at or now),
        "deadline_at": deadline_at,
    }
    row = connection.execute(statement.encode(), parameters, prepare=False).fetchone()
    return 0 if row is None else int(row[0])
