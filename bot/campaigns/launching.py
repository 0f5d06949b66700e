"""Sending a campaign off: at once, or by the clock when its time has come."""

from __future__ import annotations

from datetime import datetime

import structlog

from bot.campaigns import campaigns, materialise
from bot.campaigns.record import Campaign, CampaignError, State, find, find_locked
from bot.db import audit
from bot.db.database import Database
from gateway_adapters.base import GatewayRegistry

_log = structlog.get_logger(__name__)

_CLOCK = "clock"


def launch(
    database: Database, name: str, gateways: GatewayRegistry, *, now: datetime, approval_above: int, actor: str
) -> Campaign:
    """Send a campaign: approve it if it is small enough for that, and let it run; raises ``CampaignError``.

    One that is to start later is only approved, and started by ``start_due``. ``database``: one without a time limit.
    """
    campaign = find(database, name)
    if campaign.state is State.DRAFT:
        campaign = campaigns.approve_own(database, name, now=now, actor=actor, approval_above=approval_above)
    if campaign.state is State.APPROVED and campaign.start_at is not None and campaign.start_at > now:
        return campaign
    return materialise.start(
        database,
        name,
        now,
        batch_size=materialise.batch_size(gateways, campaign.gateway),
        approval_above=approval_above,
        actor=actor,
    )


def start_due(database: Database, gateways: GatewayRegistry, now: datetime, *, approval_above: int) -> list[str]:
    """Start the approved campaigns whose time has come; returns their names. Idempotent: each is started once.

    One that cannot be started is a draft again, with the reason, so that an admin looks at it.
    """
    due = database.rows(
        "SELECT name, gateway FROM campaign WHERE state = 'approved' AND start_at <= %s ORDER BY start_at, id", (now,)
    )
    if not due:
        return []
    started = []
    # The recipients of half a million take longer than a sweep's statements may.
    patient = database.beside(size=1, limit=None)
    try:
        for name, gateway in due:
            try:
                materialise.start(
                    patient,
                    name,
                    now,
                    batch_size=materialise.batch_size(gateways, gateway),
                    approval_above=approval_above,
                    actor=_CLOCK,
                )
            except CampaignError as error:
                _put_back(patient, name, str(error), now)
            else:
                started.append(name)
    finally:
        patient.close()
    return started


def _put_back(database: Database, name: str, reason: str, now: datetime) -> None:
    with database.transaction() as connection:
        campaign = find_locked(connection, name)
        if campaign.state is not State.APPROVED:  # another clock has started it meanwhile
            return
        connection.execute(
            "UPDATE campaign SET state = 'draft', approved_by = NULL, approved_at = NULL, paused_because = %s WHERE id = %s",
            (reason, campaign.id),
        )
        audit.record(connection, now, _CLOCK, "campaign.not-started", f"campaign:{campaign.id}", {"reason": reason})
    _log.warning("campaign_not_started", campaign=campaign.id)
