"""What is done with a campaign: approved, sent, paused, resumed, cancelled, tried out, its unknown messages decided."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial

import redis
from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.campaigns import campaigns, drafts, kept, shelf, trial, unknowns
from bot.campaigns.record import Campaign, CampaignError, NotNow
from bot.campaigns.unknowns import Decision
from bot.messaging.outbox import Lane
from bot.messaging.wake import enqueue_once
from bot.officers.permissions import May
from bot.queues import enqueue_drain
from bot.services import Services
from bot.web.admin.access import Room, actor, area
from bot.web.admin.campaigns import found_or_404
from bot.web.admin.composer import ask_for
from bot.web.admin.faults import told
from bot.web.admin.formats import number as number_text
from bot.web.admin.words import say


def register(room: Room) -> None:
    """The buttons of ``/admin/campaigns/<id>/``."""
    services = room.services
    database = services.database

    def act(number: int, do: Callable[[Campaign], str]) -> Response:
        """Do something with a campaign of the admin's own, and say what came of it."""
        campaign = found_or_404(services, number)
        if not shelf.is_own(database, campaign, area()):
            abort(403)
        try:
            flash(do(campaign), "good")
        except CampaignError as error:
            flash(_told(error), "bad")
        return redirect(url_for("admin.campaign_page", number=number))

    @room.post("/campaigns/<int:number>/delete", needs=May.COMPOSE)
    def campaign_delete(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            drafts.delete(database, campaign.name, now=services.clock.now(), actor=actor())
            return say("The draft is deleted.")

        answer = act(number, do)
        gone = shelf.seen(database, number, area()) is None
        return redirect(url_for("admin.campaigns")) if gone else answer

    @room.post("/campaigns/<int:number>/preview", needs=May.COMPOSE)
    def campaign_look(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            kept.forget(database, campaign.id)
            ask_for(services, "look_at_campaign", campaign.id)
            return say("The recipients are being counted anew.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/test", needs=May.COMPOSE)
    def campaign_test(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            sent = trial.send(
                *(database, campaign, services.composer),
                to=request.form.get("phone", ""),
                language=request.form.get("language", ""),
                key=request.form.get("key", ""),
                time_zone=services.settings.time_zone.key,
                now=services.clock.now(),
                actor=actor(),
            )
            if sent:
                services.waker.wake()
            return say("The test message is on its way.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/approve", needs=May.APPROVE)
    def campaign_approve(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            drafts.approve(
                *(database, campaign.name, request.form.get("seen", "")),
                now=services.clock.now(),
                actor=actor(),
                approval_above=services.settings.campaign_approval_above,
            )
            if campaign.start_at is None:
                return say("Approved. It is sent when somebody presses Send.")
            return say("Approved. It starts by itself at its time.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/send", needs=May.RUN_CAMPAIGNS)
    def campaign_send(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            seen = request.form.get("seen", "")
            if drafts.send(database, campaign.name, seen, now=services.clock.now(), actor=actor()):
                ask_for(services, "start_campaigns", 0)
                return say("It is starting: the recipients are being put on record.")
            return say("It has been sent off already.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/pause", needs=May.RUN_CAMPAIGNS)
    def campaign_pause(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            campaigns.pause(database, campaign.name, now=services.clock.now(), actor=actor())
            return say("Paused. What a worker has in hand still leaves.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/resume", needs=May.RUN_CAMPAIGNS)
    def campaign_resume(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            campaigns.resume(database, campaign.name, now=services.clock.now(), actor=actor())
            _wake(services, campaign)
            return say("It goes on where it was.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/cancel", needs=May.RUN_CAMPAIGNS)
    def campaign_cancel(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            with database.transaction() as connection:
                campaigns.end_for_good(connection, campaign.name, now=services.clock.now(), actor=actor())
            # The messages that wait are marked by a worker: there may be half a million.
            ask_for(services, "end_campaigns", 0)
            return say("Cancelled for good. What has not left is not sent any more.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/rate", needs=May.RUN_CAMPAIGNS)
    def campaign_rate(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            wanted = _amount("rate")
            rate = None if wanted is None else float(wanted)
            campaigns.set_rate(database, campaign.name, rate, now=services.clock.now(), actor=actor())
            return say("The rate is changed; it counts at once.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/cap", needs=May.RUN_CAMPAIGNS)
    def campaign_cap(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            wanted = _amount("most_cost")
            if wanted is not None and services.settings.sms_price is None:
                raise CampaignError(say("Nobody has set what an SMS costs (SMS_PRICE), so there can be no cap on it."))
            campaigns.set_cap(database, campaign.name, wanted, now=services.clock.now(), actor=actor())
            return say("The cap is changed; it counts at once.")

        return act(number, do)

    @room.post("/campaigns/<int:number>/unknowns", needs=May.RUN_CAMPAIGNS)
    def campaign_unknowns(number: int) -> Response:
        def do(campaign: Campaign) -> str:
            given = request.form.get("decision", "")
            if given not in {each.value for each in Decision}:
                raise CampaignError(say("Choose one of the two."))
            decision = Decision(given)
            count = unknowns.resolve(database, campaign.name, decision, now=services.clock.now(), actor=actor())
            if count and decision is Decision.RESEND:
                _wake(services, campaign)
            if decision is Decision.RESEND:
                return say("{n} messages are sent again.", n=number_text(count))
            return say("{n} messages are left as they are.", n=number_text(count))

        return act(number, do)


def _amount(name: str) -> Decimal | None:
    given = request.form.get(name, "").strip().replace(",", ".")
    if not given:
        return None
    try:
        amount = Decimal(given)
    except InvalidOperation as error:
        raise CampaignError(say("A number above 0, please, or nothing for no limit.")) from error
    if not amount.is_finite() or not 0 < amount < 10**15:
        raise CampaignError(say("A number above 0, please, or nothing for no limit."))
    return amount


def _wake(services: Services, campaign: Campaign) -> None:
    """Have the lane's workers look at once; if Redis is away, the clock's sweep has them look later."""
    lane = Lane(campaign.kind)
    try:
        enqueue_once(services.queue, lane, partial(enqueue_drain, services.queue, lane))
    except redis.RedisError:
        return


def _told(error: CampaignError) -> str:
    """What went wrong, in the admin's language where it is one of the usual things."""
    if isinstance(error, drafts.NeedsAnother):
        return say(
            "It has {n} recipients. Above {most}, somebody else than who made it approves it.",
            n=number_text(error.recipients),
            most=number_text(error.threshold),
        )
    if isinstance(error, drafts.Changed):
        return say("It has been changed meanwhile. Look at it again.")
    if isinstance(error, drafts.NotLookedAt):
        return say("Its recipients are being counted. Approve it when that is done.")
    if isinstance(error, NotNow):
        return say("That is not possible any more: somebody else was faster. See its state.")
    return told(str(error))
