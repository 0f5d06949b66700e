"""Drafts in the browser: changed, deleted, approved as they were seen, and marked to be sent.

What approves and sends names the ``fingerprint`` of what the admin looked at: if somebody has changed the draft meanwhile,
nothing happens, and the admin looks again.
"""

from __future__ import annotations

from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from bot.campaigns import kept
from bot.campaigns.plans import Plan, checked
from bot.campaigns.record import Campaign, CampaignError, NotNow, State, find, find_locked, same_person
from bot.db import audit
from bot.db.database import Database
from gateway_adapters.base import GatewayRegistry

_CHANGE = """
UPDATE campaign SET name = %(name)s, audience = %(audience)s, gateway = %(gateway)s, rate = %(rate)s,
       ignore_quiet_hours = %(any_hour)s, start_at = %(start_at)s, deadline_at = %(deadline_at)s,
       most_cost = %(most_cost)s, paused_because = NULL
WHERE id = %(id)s
"""


class NeedsAnother(CampaignError):
    """Somebody else than who made the campaign must approve it: it has more recipients than ``threshold``."""

    def __init__(self, recipients: int, threshold: int) -> None:
        super().__init__(
            f"The campaign has {recipients:,} recipients; above {threshold:,} somebody else than who made it approves it."
        )
        self.recipients, self.threshold = recipients, threshold


class Changed(CampaignError):
    """The campaign is not any more as the admin saw it."""


class NotLookedAt(CampaignError):
    """Nobody knows yet how many recipients the campaign has as it is now."""


def change(database: Database, name: str, plan: Plan, gateways: GatewayRegistry, *, now: datetime, actor: str) -> None:
    """Let the draft ``name`` say what ``plan`` says; raises ``CampaignError``, and nothing has changed."""
    texts, audience = checked(database, plan, gateways, now)
    try:
        with database.transaction() as connection:
            draft = _draft(find_locked(connection, name))
            connection.execute(
                _CHANGE,
                {
                    "id": draft.id,
                    "name": plan.name,
                    "audience": Jsonb(dict(audience.mapping)),
                    "gateway": plan.gateway,
                    "rate": plan.rate,
                    "any_hour": plan.ignore_quiet_hours,
                    "start_at": plan.start_at,
                    "deadline_at": plan.deadline_at,
                    "most_cost": plan.most_cost,
                },
            )
            connection.execute("DELETE FROM campaign_text WHERE campaign_id = %s", (draft.id,))
            for language, body in texts.items():
                connection.execute(
                    "INSERT INTO campaign_text (campaign_id, language, body) VALUES (%s, %s, %s)",
                    (draft.id, language, body),
                )
            detail = {"gateway": plan.gateway, "rate": plan.rate, "languages": sorted(texts)}
            audit.record(connection, now, actor, "campaign.change", _subject(draft), detail)
    except psycopg.errors.UniqueViolation as error:
        raise CampaignError(f"There is a campaign {plan.name!r} already; choose another name.") from error


def delete(database: Database, name: str, *, now: datetime, actor: str) -> None:
    """Delete a draft, of which nothing has ever left; raises ``CampaignError``."""
    with database.transaction() as connection:
        draft = _draft(find_locked(connection, name))
        connection.execute("DELETE FROM campaign WHERE id = %s", (draft.id,))
        audit.record(connection, now, actor, "campaign.delete", _subject(draft))
    kept.forget(database, draft.id)


def approve(database: Database, name: str, seen: str, *, now: datetime, actor: str, approval_above: int) -> None:
    """Approve a draft as ``actor`` has seen it; raises ``CampaignError``. That they may, the caller has made sure of.

    Whoever made it may approve it as well, up to ``approval_above`` recipients: as many as its preview has counted, and
    once more when it starts.
    """
    # Of the campaign as it is now: if that is not as it was seen, nothing comes of it below.
    found = kept.looked_at(database, find(database, name))
    with database.transaction() as connection:
        draft = _draft(find_locked(connection, name))
        _unchanged(draft, seen)
        if same_person(actor, draft.created_by):
            if found is None or found.body["of"] != seen:
                raise NotLookedAt(f"The recipients of {name!r} are being counted; approve it when that is done.")
            if found.body["recipients"] > approval_above:
                raise NeedsAnother(found.body["recipients"], approval_above)
        connection.execute(
            "UPDATE campaign SET state = 'approved', approved_by = %s, approved_at = %s, paused_because = NULL WHERE id = %s",
            (actor, now, draft.id),
        )
        audit.record(connection, now, actor, "campaign.approve", _subject(draft), {"approved_by": actor})


def send(database: Database, name: str, seen: str, *, now: datetime, actor: str) -> bool:
    """Mark an approved campaign to be started at once, by ``launching.start_due``; False if it is marked or started.

    Raises ``CampaignError`` if it is a draft, cancelled, or not as it was seen.
    """
    with database.transaction() as connection:
        campaign = find_locked(connection, name)
        if campaign.state in (State.RUNNING, State.PAUSED, State.FINISHED):
            return False
        if campaign.state is not State.APPROVED:
            raise NotNow(f"The campaign {name!r} is {campaign.state}: it cannot be sent.")
        if is_starting(campaign, now):
            return False
        _unchanged(campaign, seen)
        connection.execute("UPDATE campaign SET start_at = %s WHERE id = %s", (now, campaign.id))
        audit.record(connection, now, actor, "campaign.send", _subject(campaign))
    return True


def is_starting(campaign: Campaign, now: datetime) -> bool:
    """Whether the clock, or a job, is about to put its recipients on record."""
    return campaign.state is State.APPROVED and campaign.start_at is not None and campaign.start_at <= now


def _draft(campaign: Campaign) -> Campaign:
    if campaign.state is not State.DRAFT or campaign.recipients is not None:
        raise NotNow(f"The campaign {campaign.name!r} is {campaign.state}: only a draft can be changed.")
    return campaign


def _unchanged(campaign: Campaign, seen: str) -> None:
    if kept.fingerprint(campaign) != seen:
        raise Changed(f"The campaign {campaign.name!r} has been changed meanwhile: look at it again.")


def _subject(campaign: Campaign) -> str:
    return f"campaign:{campaign.id}"
