"""What is done with a campaign: approved, sent, paused, resumed, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from bot.campaigns import campaigns, drafts, shelf
from bot.campaigns.record import Campaign, CampaignError
from bot.messaging.outbox import Lane
from bot.officers.permissions import May
from bot.web.api.campaigns import CampaignTold, seen_or_nothing, told
from bot.web.api.problems import Refused
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Text

#: What stands in the way, by the kind of the error.
_KINDS = {drafts.NeedsAnother: "needs-another", drafts.Changed: "changed", drafts.NotLookedAt: "being-counted"}


class SeenAsked(Asked):
    """What was looked at: `seen` of the campaign, as it was told."""

    seen: Annotated[Text, Field(min_length=1)]


def register(api: Api) -> None:
    """The routes."""

    @api.post("/campaigns/<int:number>/approve", needs=May.APPROVE, tells=CampaignTold, body=SeenAsked)
    def approve_campaign(call: Call, number: int, body: SeenAsked) -> CampaignTold:
        """Approve a draft as it was seen; of many recipients, somebody else than who made it does that."""

        def do(campaign: Campaign) -> None:
            drafts.approve(
                *(call.services.database, campaign.name, body.seen),
                now=call.now,
                actor=call.actor,
                approval_above=call.services.settings.campaign_approval_above,
            )

        return _act(call, number, do)

    @api.post("/campaigns/<int:number>/send", needs=May.RUN_CAMPAIGNS, tells=CampaignTold, body=SeenAsked)
    def send_campaign(call: Call, number: int, body: SeenAsked) -> CampaignTold:
        """Send an approved campaign now, as it was seen."""

        def do(campaign: Campaign) -> None:
            if drafts.send(call.services.database, campaign.name, body.seen, now=call.now, actor=call.actor):
                call.ask_for("start_campaigns", 0)

        return _act(call, number, do)

    @api.post("/campaigns/<int:number>/pause", needs=May.RUN_CAMPAIGNS, tells=CampaignTold)
    def pause_campaign(call: Call, number: int) -> CampaignTold:
        """Pause a running campaign; what a worker has in hand still leaves."""

        def do(campaign: Campaign) -> None:
            campaigns.pause(call.services.database, campaign.name, now=call.now, actor=call.actor)

        return _act(call, number, do)

    @api.post("/campaigns/<int:number>/resume", needs=May.RUN_CAMPAIGNS, tells=CampaignTold)
    def resume_campaign(call: Call, number: int) -> CampaignTold:
        """Let a paused campaign go on where it was."""

        def do(campaign: Campaign) -> None:
            campaigns.resume(call.services.database, campaign.name, now=call.now, actor=call.actor)
            call.wake(Lane(campaign.kind))

        return _act(call, number, do)

    @api.post("/campaigns/<int:number>/cancel", needs=May.RUN_CAMPAIGNS, tells=CampaignTold)
    def cancel_campaign(call: Call, number: int) -> CampaignTold:
        """End a campaign for good; what has not left is not sent any more."""

        def do(campaign: Campaign) -> None:
            with call.services.database.transaction() as connection:
                campaigns.end_for_good(connection, campaign.name, now=call.now, actor=call.actor)
            # The messages that wait are marked by a worker: there may be half a million.
            call.ask_for("end_campaigns", 0)

        return _act(call, number, do)


def _act(call: Call, number: int, do: Callable[[Campaign], None]) -> CampaignTold:
    """Do something with a campaign of the admin's own."""
    campaign = seen_or_nothing(call, number)
    if not shelf.is_own(call.services.database, campaign, call.area):
        raise Refused(403, "This campaign is not of your area.", "area")
    try:
        do(campaign)
    except CampaignError as error:
        raise Refused(409, str(error), _KINDS.get(type(error), "not-now")) from None
    return told(call, seen_or_nothing(call, number))
