"""The composer: a campaign's texts and audience, with what they come to shown as one types and chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, Final

import redis
from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from bot.campaigns import campaigns, drafts, estimating, kept, shelf
from bot.campaigns.audience import LANGUAGES, OUTCOMES, PLACES, STATES, AudienceError
from bot.campaigns.audience_words import word
from bot.campaigns.measuring import Measure, measure
from bot.campaigns.plans import Plan
from bot.campaigns.record import DEFAULT_LANGUAGE, Campaign, CampaignError, State
from bot.campaigns.texts import PLACEHOLDERS
from bot.campaigns.timing import expected
from bot.messaging.wake import enqueue_once
from bot.officers.areas import Area
from bot.officers.permissions import May, may
from bot.queues import enqueue_about
from bot.services import Services
from bot.web.admin.access import NAME, Room, actor, area
from bot.web.admin.campaign_form import Filled, FormError, shown
from bot.web.admin.faults import told
from bot.web.admin.words import language, mark, say

_ = mark

#: Earlier campaigns that an audience may speak of, the newest.
_EARLIER: Final = 60
#: Forms that may hold a list of 100,000 numbers, and the size of those in bytes.
_WITH_LISTS: Final = frozenset(f"{NAME}.campaign_{what}" for what in ("create", "change", "audience"))
_LARGEST_BODY: Final = 2 * 1024**2
_LANGUAGE_NAMES: Final = {"id": _("Indonesian"), "en": _("English")}
_NOT_A_DRAFT: Final = _("Only a draft can be changed. Approved campaigns stay as they were approved.")
_PLACEHOLDER_WORDS: Final = {
    "name": _("the worker's name"),
    "district": _("their district"),
    "ussd_code": _("the USSD code"),
    "short_code": _("the short code"),
    "closes": _("the end of registration"),
    "ticket": _("their ticket"),
    "place": _("where they are booked"),
    "time": _("when they are booked"),
}


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a choice would come to: at most so many parts and so much money. ``ends_at``: if it began now, or at its start."""

    estimate: estimating.Estimate
    parts: int
    cost: Decimal | None
    ends_at: Any


def register(room: Room) -> None:
    """``/admin/campaigns/new``, ``.../edit`` and what they ask for while somebody types."""
    services = room.services
    database = services.database

    @room.blueprint.url_value_preprocessor
    def more_room(endpoint: str | None, _values: dict[str, Any] | None) -> None:
        # Before the form's token is looked for; for whoever may compose, at these addresses alone.
        if endpoint in _WITH_LISTS and current_user.is_authenticated and may(current_user.admin.role, May.COMPOSE):
            request.max_content_length = _LARGEST_BODY

    @room.get("/campaigns/new", needs=May.COMPOSE)
    def campaign_new() -> str:
        fields: MultiDict[str, str] = MultiDict({"gateway": services.settings.sms_gateway})
        return _form(services, fields)

    @room.post("/campaigns/new", needs=May.COMPOSE)
    def campaign_create() -> Response | tuple[str, int]:
        filled = Filled(request.form, services.settings.time_zone, file=request.files.get("phones_file"))
        try:
            plan = _plan(services, filled, shelf.limit_of(area()))
            made = campaigns.create(database, plan, services.gateways, now=services.clock.now(), actor=actor())
        except (FormError, CampaignError, AudienceError) as error:
            return _form(services, request.form, fault=told(str(error))), 422
        flash(say("The draft is saved. Nothing has been sent."), "good")
        return redirect(url_for("admin.campaign_page", number=made.id))

    @room.get("/campaigns/<int:number>/edit", needs=May.COMPOSE)
    def campaign_edit(number: int) -> Response | str:
        campaign = shelf.seen(database, number, area())
        if campaign is not None and campaign.state is not State.DRAFT:
            flash(say(_NOT_A_DRAFT), "warm")
            return redirect(url_for("admin.campaign_page", number=number))
        draft = _own_draft(services, number)
        return _form(services, shown(draft, services.settings.time_zone), draft=draft)

    @room.post("/campaigns/<int:number>/edit", needs=May.COMPOSE)
    def campaign_change(number: int) -> Response | tuple[str, int]:
        draft = _own_draft(services, number)
        phones = tuple(draft.audience.get("phones", ()))
        filled = Filled(request.form, services.settings.time_zone, phones, request.files.get("phones_file"))
        try:
            plan = _plan(services, filled, draft.audience.get("area"), draft)
            drafts.change(database, draft.name, plan, services.gateways, now=services.clock.now(), actor=actor())
        except (FormError, CampaignError, AudienceError) as error:
            return _form(services, request.form, draft=draft, fault=told(str(error))), 422
        flash(say("The draft is changed."), "good")
        return redirect(url_for("admin.campaign_page", number=number))

    @room.post("/campaigns/text", needs=May.COMPOSE)
    def campaign_text() -> str:
        of = request.form.get("of", DEFAULT_LANGUAGE)
        if of not in LANGUAGES:
            abort(400)
        return render_template(
            "admin/campaign-text.html", of=of, measure=_measure(services, request.form.get(f"text_{of}", ""))
        )

    @room.post("/campaigns/audience", needs=May.COMPOSE)
    def campaign_audience() -> str:
        filled = Filled(request.form, services.settings.time_zone)
        number = request.form.get("draft", "")
        draft = shelf.seen(database, int(number), area()) if number.isdecimal() and len(number) < 18 else None
        if draft is not None and shelf.is_own(database, draft, area()):
            filled = replace(filled, kept_phones=tuple(draft.audience.get("phones", ())))
            limit = draft.audience.get("area")
        else:
            limit = shelf.limit_of(area())
        try:
            mapping = shelf.limited(_visible(services, filled.audience()), limit)
            spoken = shelf.spoken(database, mapping, language())
        except (FormError, AudienceError) as error:
            return render_template("admin/campaign-audience.html", fault=told(str(error)))
        return render_template(
            "admin/campaign-audience.html",
            spoken=spoken,
            reckoned=_reckoned(services, filled, mapping),
            currency=services.settings.sms_currency,
        )


def _own_draft(services: Services, number: int) -> Campaign:
    campaign = shelf.seen(services.database, number, area())
    if campaign is None:
        abort(404)
    if not shelf.is_own(services.database, campaign, area()):
        abort(403)
    if campaign.state is not State.DRAFT or campaign.kind != "blast":
        abort(409, _NOT_A_DRAFT)
    return campaign


def _plan(services: Services, filled: Filled, limit: Any, draft: Campaign | None = None) -> Plan:
    """What the form says, within the area, with everything said in the admin's language that usually goes wrong."""
    plan = filled.plan(shelf.limited(_visible(services, filled.audience()), limit))
    for of, body in plan.texts.items():
        found = _measure(services, body)
        if not found.sound:
            raise FormError(
                say("The text in {language} cannot be sent yet: see below it.", language=say(_LANGUAGE_NAMES[of]))
            )
    if (draft is None or plan.name != draft.name) and _is_taken(services, plan.name):
        raise FormError(say("There is a campaign of that name already. Choose another name."))
    if plan.start_at is not None and plan.start_at < services.clock.now():
        raise FormError(say("The start is over already. Leave it empty to send by hand."))
    if plan.most_cost is not None and services.settings.sms_price is None:
        raise FormError(say("Nobody has set what an SMS costs (SMS_PRICE), so there can be no cap on it."))
    return plan


def _visible(services: Services, audience: dict[str, object]) -> dict[str, object]:
    """An audience, if the earlier campaign that it speaks of is one that the admin may see."""
    earlier = audience.get("campaign")
    if isinstance(earlier, dict) and not shelf.is_seen(services.database, str(earlier["name"]), area()):
        raise FormError(say("There is no campaign of that name."))
    return audience


def _is_taken(services: Services, name: str) -> bool:
    return services.database.row("SELECT 1 FROM campaign WHERE name = %s", (name,)) is not None


def _measure(services: Services, body: str) -> Measure:
    longest, stale = kept.longest_names(services.database, services.clock.now())
    if stale:
        ask_for(services, "look_around", 0)
    codes = {"ussd_code": services.settings.ussd_code, "short_code": services.settings.short_code}
    return measure(body, longest, codes)


def ask_for(services: Services, job: str, number: int) -> None:
    """Have a worker make what a page waits for, unless that is under way; the page asks again."""
    try:
        enqueue_once(services.queue, f"{job}:{number}", partial(enqueue_about, services.queue, job, number))
    except redis.RedisError:
        return


def _reckoned(services: Services, filled: Filled, mapping: dict[str, object]) -> Reckoned | None:
    """About how many, at what cost, until when; None where that takes too long to tell."""
    now, settings = services.clock.now(), services.settings
    texts = filled.texts() or {DEFAULT_LANGUAGE: ""}
    try:
        plan = filled.plan(mapping)
        rate, start, any_hour = plan.rate, max(now, plan.start_at or now), plan.ignore_quiet_hours
    except FormError:  # what is missing yet is said when the draft is saved
        rate, start, any_hour = None, now, False
    wanted = Campaign(
        *(0, "", "blast", State.DRAFT, mapping, "", rate, any_hour, None, None, None, None, 0, "", now),
        *(None, None, None, None, None),
        texts={DEFAULT_LANGUAGE: "", **{of: body for of, body in texts.items() if _measure(services, body).sound}},
    )
    found = estimating.estimate(services.database, wanted, now)
    if found is None:
        return None
    parts_of = {of: _measure(services, body).parts for of, body in wanted.texts.items()}
    parts = sum(many * parts_of[of] for of, many in found.languages.items())
    ends = [each.ends_at for each in expected(found.zones, start, rate, None if any_hour else settings.sending_window)]
    known = [end for end in ends if end is not None]
    return Reckoned(
        found,
        parts,
        None if settings.sms_price is None else parts * settings.sms_price,
        max(known) if known and len(known) == len(ends) else None,
    )


def _form(services: Services, fields: MultiDict[str, str], *, draft: Campaign | None = None, fault: str = "") -> str:
    here: Area = area()
    earlier = [each.name for each in shelf.listed(services.database, here, most=_EARLIER) if each.recipients]
    chosen = fields.get("campaign", "")
    if chosen and chosen not in earlier and shelf.is_seen(services.database, chosen, here):
        earlier.append(chosen)
    measures = {of: _measure(services, fields.get(f"text_{of}", "")) for of in LANGUAGES}
    speaks = language()
    return render_template(
        "admin/composer.html",
        fields=fields,
        draft=draft,
        fault=fault,
        measures=measures,
        language_names=_LANGUAGE_NAMES,
        placeholders=[(name, _PLACEHOLDER_WORDS[name]) for name in PLACEHOLDERS],
        places=shelf.places(services.database, here),
        facilities=shelf.facilities(services.database, here),
        states=[(each, word(each, speaks)) for each in STATES],
        stops=[(each, word(each, speaks)) for each in PLACES],
        outcomes=[(each, word(each, speaks)) for each in OUTCOMES],
        speaking=[(each, word(each, speaks)) for each in LANGUAGES],
        earlier=earlier,
        professions=shelf.professions(services.database),
        gateways=sorted(name for name, each in services.gateways.by_name.items() if not each.missing_to_send()),
        kept_phones=len(draft.audience.get("phones", ())) if draft is not None else 0,
        settings=services.settings,
    )
