"""What admins do with campaigns: make, approve, pause, resume and cancel them. All of it is in the audit log.

Each change of state is one conditional UPDATE: of two admins who act at once, one is told what the other did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from bot.campaigns import recipients
from bot.campaigns.plans import Plan, check_cap, check_rate, checked
from bot.campaigns.record import Campaign, CampaignError, NotNow, State, every, find, no_such, same_person
from bot.campaigns.unknowns import resolve, resolve_replies
from bot.db import audit
from bot.db.database import Database
from bot.officers import accounts
from bot.officers.accounts import Role
from gateway_adapters.base import GatewayRegistry

__all__ = [
    "Campaign",
    "CampaignError",
    "Plan",
    "State",
    "approve",
    "approve_own",
    "cancel",
    "cancel_queued",
    "create",
    "end_for_good",
    "every",
    "find",
    "finish_done",
    "pause",
    "resolve",
    "resolve_replies",
    "resume",
    "set_cap",
    "set_rate",
]

#: Attempts that are cancelled in one statement: of a thousand messages each, that is well below a second.
_CANCELLED_AT_ONCE = 50


def create(database: Database, plan: Plan, gateways: GatewayRegistry, *, now: datetime, actor: str) -> Campaign:
    """Make a draft of ``plan``; raises ``CampaignError`` for whatever is wrong with it."""
    texts, audience = checked(database, plan, gateways, now)
    with database.transaction() as connection:
        row = connection.execute(
            "INSERT INTO campaign (name, kind, state, audience, gateway, rate, ignore_quiet_hours, start_at, deadline_at, "
            "most_cost, created_by, created_at) VALUES (%s, %s, 'draft', %s, %s, %s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (name) DO NOTHING RETURNING id",
            (
                plan.name,
                plan.kind,
                Jsonb(audience.mapping),
                plan.gateway,
                plan.rate,
                plan.ignore_quiet_hours,
                plan.start_at,
                plan.deadline_at,
                plan.most_cost,
                actor,
                now,
            ),
        ).fetchone()
        if row is None:
            raise CampaignError(f"There is a campaign {plan.name!r} already; choose another name.")
        for language, body in texts.items():
            connection.execute(
                "INSERT INTO campaign_text (campaign_id, language, body) VALUES (%s, %s, %s)", (row[0], language, body)
            )
        detail = {"kind": plan.kind, "gateway": plan.gateway, "rate": plan.rate, "languages": sorted(texts)}
        audit.record(connection, now, actor, "campaign.create", _subject(row[0]), detail)
    return find(database, plan.name)


def approve(database: Database, name: str, as_user: str, *, now: datetime, actor: str, approval_above: int) -> Campaign:
    """Approve a campaign as the admin ``as_user``, who must be national.

    Above ``approval_above`` recipients that is somebody else than who made it. Raises ``CampaignError``. A campaign
    that its maker has approved and that has grown since may be approved once more.
    """
    admin = accounts.find(database, as_user)
    if admin is None:
        raise CampaignError(f"There is no user {as_user!r}; see: python -m bot user list")
    if admin.disabled_at is not None:
        raise CampaignError(f"The user {admin.name} is disabled.")
    if admin.role is not Role.NATIONAL:
        raise CampaignError(f"{admin.name} is a {admin.role} user; only a national one approves campaigns.")
    return _approve(database, name, admin.name, now=now, actor=actor, approval_above=approval_above)


def approve_own(database: Database, name: str, *, now: datetime, actor: str, approval_above: int) -> Campaign:
    """Approve a campaign of at most ``approval_above`` recipients as whoever sends it; raises ``CampaignError``."""
    campaign = find(database, name)
    count = recipients.count(database, campaign, now)
    if count > approval_above:
        raise CampaignError(
            f"The campaign {name!r} has {count:,} recipients; above {approval_above:,} another admin approves it first: "
            f'python -m bot campaign approve "{name}" --as USER'
        )
    return _approve(database, name, actor, now=now, actor=actor, approval_above=approval_above)


def _approve(
    database: Database, name: str, approver: str, *, now: datetime, actor: str, approval_above: int
) -> Campaign:
    campaign = find(database, name)
    if same_person(approver, campaign.created_by):
        count = recipients.count(database, campaign, now)
        if count > approval_above:
            raise CampaignError(
                f"The campaign {name!r} has {count:,} recipients; above {approval_above:,} somebody else than "
                f"{campaign.created_by}, who made it, must approve it."
            )
    with database.transaction() as connection:
        number = _move(
            connection,
            name,
            "approved",
            [State.DRAFT, State.APPROVED],
            "state = 'approved', approved_by = %(approver)s, approved_at = %(now)s, paused_because = NULL",
            {"approver": approver, "now": now},
        )
        audit.record(connection, now, actor, "campaign.approve", _subject(number), {"approved_by": approver})
    return find(database, name)


def pause(database: Database, name: str, *, now: datetime, actor: str, because: str | None = None) -> None:
    """Stop a running campaign: from now on nothing more is handed over. ``because``: if it is not an admin's wish."""
    with database.transaction() as connection:
        number = _move(
            connection,
            name,
            "paused",
            [State.RUNNING],
            "state = 'paused', paused_because = %(because)s",
            {"because": because},
        )
        audit.record(connection, now, actor, "campaign.pause", _subject(number), {"because": because})


def resume(database: Database, name: str, *, now: datetime, actor: str) -> None:
    """Let a paused campaign go on where it was."""
    with database.transaction() as connection:
        number = _move(connection, name, "resumed", [State.PAUSED], "state = 'running', paused_because = NULL", {})
        audit.record(connection, now, actor, "campaign.resume", _subject(number))


def cancel(database: Database, name: str, *, now: datetime, actor: str) -> int:
    """End a campaign for good; returns how many messages were still to be sent and are not sent any more.

    The end is committed first, and counts at once; the messages are then marked some at a time. Should that be
    interrupted, ``finish_done`` completes it.
    """
    with database.transaction() as connection:
        number = end_for_good(connection, name, now=now, actor=actor)
    return cancel_queued(database, number, now)


def end_for_good(connection: psycopg.Connection[Any], name: str, *, now: datetime, actor: str) -> int:
    """The first half of ``cancel``, within the caller's transaction; returns the campaign's id, for ``cancel_queued``."""
    number = _move(
        connection,
        name,
        "cancelled",
        [State.DRAFT, State.APPROVED, State.RUNNING, State.PAUSED],
        "state = 'cancelled', ended_at = %(now)s",
        {"now": now},
    )
    audit.record(connection, now, actor, "campaign.cancel", _subject(number))
    return number


def set_rate(database: Database, name: str, rate: float | None, *, now: datetime, actor: str) -> None:
    """Change how many messages a second a campaign may send (None: what the gateway takes), also while it runs."""
    check_rate(rate)
    with database.transaction() as connection:
        allowed = [State.DRAFT, State.APPROVED, State.RUNNING, State.PAUSED]
        number = _move(connection, name, "given another rate", allowed, "rate = %(rate)s", {"rate": rate})
        audit.record(connection, now, actor, "campaign.set-rate", _subject(number), {"rate": rate})


def set_cap(database: Database, name: str, most_cost: Decimal | None, *, now: datetime, actor: str) -> None:
    """Change what a campaign may cost at most (None: no cap), also while it runs. Going on is up to ``resume``."""
    check_cap(most_cost)
    with database.transaction() as connection:
        allowed = [State.DRAFT, State.APPROVED, State.RUNNING, State.PAUSED]
        number = _move(connection, name, "given another cap", allowed, "most_cost = %(most)s", {"most": most_cost})
        detail = {"most_cost": None if most_cost is None else str(most_cost)}
        audit.record(connection, now, actor, "campaign.set-cap", _subject(number), detail)


def finish_done(database: Database, now: datetime) -> list[str]:
    """End the running campaigns of which nothing is left to send, and complete what a cancelling left; returns the names
    of those that ended. Idempotent."""
    with database.transaction() as connection:
        # Locked first and judged by a later statement: a decision to send unknown ones again may just be committing.
        running = connection.execute(
            "SELECT id FROM campaign WHERE state = 'running' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
        ).fetchall()
        ended = connection.execute(
            "UPDATE campaign c SET state = 'finished', ended_at = %(now)s WHERE c.id = ANY(%(running)s) "
            # The clock adds to its reminders until their end.
            "AND NOT (c.kind = 'reminder' AND c.created_by = 'clock' AND c.deadline_at > %(now)s) "
            "AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.campaign_id = c.id "
            "AND a.state IN ('queued', 'claimed', 'submitted')) RETURNING c.id, c.name",
            {"now": now, "running": [number for (number,) in running]},
        ).fetchall()
        for number, _name in ended:
            audit.record(connection, now, "clock", "campaign.finish", _subject(number))
    left = database.rows(
        "SELECT DISTINCT c.id FROM campaign c JOIN attempt a ON a.campaign_id = c.id AND a.state = 'queued' "
        "WHERE c.state = 'cancelled'"
    )
    for (number,) in left:
        cancel_queued(database, number, now)
    return [name for _number, name in ended]


_CANCEL_SOME = """
WITH cancelled AS (
    UPDATE attempt SET state = 'cancelled', reason = 'cancelled', settled_at = %(now)s
    WHERE id IN (SELECT id FROM attempt WHERE campaign_id = %(campaign)s AND state = 'queued' LIMIT %(limit)s FOR UPDATE)
    RETURNING id
), suppressed AS (
    UPDATE message SET state = 'suppressed', reason = 'cancelled', settled_at = %(now)s
    WHERE attempt_id IN (SELECT id FROM cancelled) AND state = 'queued' RETURNING id
)
SELECT (SELECT count(*) FROM cancelled), (SELECT count(*) FROM suppressed)
"""


def cancel_queued(database: Database, number: int, now: datetime) -> int:
    """The second half of ``cancel``: mark what a cancelled campaign has not sent; returns how many messages."""
    suppressed = 0
    while True:
        [(attempts, messages)] = database.rows(
            _CANCEL_SOME, {"campaign": number, "now": now, "limit": _CANCELLED_AT_ONCE}
        )
        suppressed += int(messages)
        if not attempts:
            return suppressed


def _move(
    connection: psycopg.Connection[Any],
    name: str,
    done: str,
    allowed: Sequence[State],
    changes: str,
    parameters: Mapping[str, object],
) -> int:
    """Change the campaign if it is in a state that allows it; returns its id."""
    row = connection.execute(
        f"UPDATE campaign SET {changes} WHERE name = %(name)s AND state = ANY(%(allowed)s) RETURNING id".encode(),
        {**parameters, "name": name, "allowed": list(allowed)},
    ).fetchone()
    if row is not None:
        return int(row[0])
    found = connection.execute("SELECT state FROM campaign WHERE name = %s", (name,)).fetchone()
    if found is None:
        raise no_such(name)
    raise NotNow(f"The campaign {name!r} is {found[0]}; it can be {done} only while {' or '.join(allowed)}.")


def _subject(number: int) -> str:
    return f"campaign:{number}"
