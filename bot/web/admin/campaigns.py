"""Campaigns: all of them, the calendar of what the clock sends, and the page of one with how far it has come."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Response, abort, make_response, render_template, request

from bot.campaigns import drafts, kept, reminder_calendar, shelf, trial
from bot.campaigns.audience import AudienceError
from bot.campaigns.audience_words import word
from bot.campaigns.record import Campaign, State, same_person
from bot.campaigns.reminder_calendar import Kind
from bot.campaigns.reminder_record import CLOCK
from bot.campaigns.status import STATES
from bot.campaigns.texts import placeholders_in
from bot.officers.permissions import May
from bot.registration.closing import closes_at
from bot.services import Services
from bot.web.admin.access import Room, actor, area
from bot.web.admin.composer import ask_for
from bot.web.admin.faults import told
from bot.web.admin.words import language, mark, say

_ = mark

#: Campaigns of a page, and reminders that are shown.
_OF_A_PAGE, _REMINDERS = 40, 20
#: Districts of a preview that are listed, the largest first.
_DISTRICTS: Final = 25

STATE_WORDS: Final = {
    "draft": ("", _("draft")),
    "approved": ("warm", _("approved")),
    "starting": ("warm", _("starting")),
    "running": ("good", _("running")),
    "paused": ("warm", _("paused")),
    "finished": ("good", _("finished")),
    "cancelled": ("bad", _("cancelled")),
}
KIND_WORDS: Final = {
    Kind.DAY_BEFORE: _("The day before an appointment"),
    Kind.TWO_HOURS: _("Two hours before an appointment"),
    Kind.CLOSING: _("Before registration ends"),
    Kind.SECOND_NOTICE: _("Second notice to corrected numbers"),
}
_COUNT_WORDS: Final = {
    "queued": _("Waiting"),
    "submitted": _("Being handed over"),
    "accepted": _("Accepted by the gateway"),
    "delivered": _("Delivered"),
    "rejected": _("Not delivered"),
    "unknown": _("Fate unknown"),
    "suppressed": _("Left out"),
}
#: Reasons that we give ourselves; what gateways say is shown as they say it.
_REASON_WORDS: Final = {
    "opted out": _("opted out"),
    "wrong number": _("wrong number"),
    "the number has changed": _("the number has changed"),
    "booked meanwhile": _("booked meanwhile"),
    "the booking is over": _("the booking is over"),
    "out of the audience": _("no longer in the audience"),
    "same number": _("same number as another recipient"),
    "too late": _("too late"),
    "cancelled": _("cancelled"),
    "the campaign has reached its cap": _("the campaign has reached its cap"),
    "the day's cap is reached": _("the day's cap is reached"),
    "left by an admin": _("left by an admin"),
    "no answer is on record": _("no answer is on record"),
    "failed too often": _("failed too often"),
    "courtesy": _("a word of thanks or the like"),
    "too often": _("the number wrote too often"),
    "": _("no reason given"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A campaign in the list. ``done``: recipients who are settled one way or the other."""

    campaign: Campaign
    state: tuple[str, str]
    done: int
    is_own: bool
    title: str


def state_of(campaign: Campaign, now: datetime) -> str:
    """The state as an admin sees it: one that is about to start is starting."""
    return "starting" if drafts.is_starting(campaign, now) else campaign.state.value


def reason_word(reason: str) -> str:
    """A reason as the admin reads it."""
    return say(_REASON_WORDS[reason]) if reason in _REASON_WORDS else told(reason)


def title_of(name: str) -> str:
    """A campaign's name as the admin reads it: what the clock sends is called by what it reminds of."""
    kind = reminder_calendar.kind_of(name)
    return name if kind is None else say(KIND_WORDS[kind])


def author_of(name: str) -> str:
    """Who made or approved a campaign, as the admin reads it."""
    return say("the clock, by itself") if name == CLOCK else name


def found_or_404(services: Services, number: int) -> Campaign:
    """The campaign of that id, if the admin may see it."""
    campaign = shelf.seen(services.database, number, area())
    if campaign is None:
        abort(404)
    return campaign


def register(room: Room) -> None:
    """``/admin/campaigns/``, each campaign's page, and the parts of it that renew themselves."""
    services = room.services
    database = services.database

    @room.get("/campaigns/", needs=May.SEE_CAMPAIGNS)
    def campaigns() -> str:
        before = request.args.get("before", "")
        older = int(before) if before.isdecimal() and len(before) < 18 else None
        now = services.clock.now()
        found = shelf.listed(database, area(), before=older, most=_OF_A_PAGE + 1)
        reminders = shelf.listed(database, area(), kind="reminder", most=_REMINDERS) if older is None else []
        coming, stale = reminder_calendar.coming(database, services.settings.time_zone, now)
        if stale:
            ask_for(services, "look_around", 0)
        return render_template(
            "admin/campaigns.html",
            lines=_lines(services, found[:_OF_A_PAGE], now),
            more=found[_OF_A_PAGE - 1].id if len(found) > _OF_A_PAGE else None,
            older=older,
            reminders=_lines(services, reminders, now),
            coming=[(KIND_WORDS[each.kind], each.at) for each in coming],
        )

    @room.get("/campaigns/<int:number>/", needs=May.SEE_CAMPAIGNS)
    def campaign_page(number: int) -> str:
        campaign, now = found_or_404(services, number), services.clock.now()
        is_own = shelf.is_own(database, campaign, area())
        end = closes_at(database)
        zone = services.settings.time_zone.key
        return render_template(
            "admin/campaign.html",
            campaign=campaign,
            title=title_of(campaign.name),
            author_of=author_of,
            state=state_of(campaign, now),
            state_words=STATE_WORDS,
            is_own=is_own,
            audience=_spoken(services, campaign),
            samples=[
                (of, campaign.texts[of], trial.sample(services.composer, campaign, of, zone, end))
                for of in sorted(campaign.texts, reverse=True)
            ],
            lacks_end=end is None
            and campaign.ended_at is None
            and any("closes" in placeholders_in(body) for body in campaign.texts.values()),
            language_word=lambda of: word(of, language()),
            test_key=secrets.token_hex(16),
            reason_word=reason_word,
            settings=services.settings,
            price=services.settings.sms_price,
            **_figures(services, campaign, now),
            **(_look(services, campaign) if is_own else {}),
        )

    @room.get("/campaigns/<int:number>/live", needs=May.SEE_CAMPAIGNS)
    def campaign_live(number: int) -> Response:
        campaign, now = found_or_404(services, number), services.clock.now()
        state = state_of(campaign, now)
        figures = _figures(services, campaign, now)
        answer = make_response(
            render_template(
                "admin/campaign-live.html",
                campaign=campaign,
                state=state,
                state_words=STATE_WORDS,
                reason_word=reason_word,
                **figures,
            )
        )
        counts = figures["counts"]
        if state == "running" and counts and not counts["queued"] and not counts["submitted"]:
            ask_for(services, "end_campaigns", 0)
        if request.args.get("state") != state:  # other buttons now: the whole page again
            answer.headers["HX-Refresh"] = "true"
        return answer

    @room.get("/campaigns/<int:number>/preview", needs=May.SEE_CAMPAIGNS)
    def campaign_preview(number: int) -> str:
        campaign = found_or_404(services, number)
        if not shelf.is_own(database, campaign, area()):
            abort(404)
        return render_template(
            "admin/campaign-preview.html",
            campaign=campaign,
            state=state_of(campaign, services.clock.now()),
            is_own=True,
            **_look(services, campaign),
        )


def _lines(services: Services, found: list[Campaign], now: datetime) -> list[Line]:
    done, here = shelf.done(services.database, found), area()
    own = {each.id for each in found if shelf.is_own(services.database, each, here)}
    return [
        Line(
            each,
            STATE_WORDS[state_of(each, now)],
            done.get(each.id, 0),
            each.id in own,
            title_of(each.name),
        )
        for each in found
    ]


def _spoken(services: Services, campaign: Campaign) -> str:
    try:
        return shelf.spoken(services.database, campaign.audience, language())
    except AudienceError:
        return "–"


def _figures(services: Services, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """How far it has come, counted here if that is quick, else by a worker; it is asked for anew where it is old."""
    if campaign.recipients is None:
        return {"counts": None, "counted_at": None, "counting": False}
    found, wanted = kept.counted(services.database, campaign, now)
    if wanted:
        ask_for(services, "count_campaign", campaign.id)
    if found is None:
        return {"counts": None, "counted_at": None, "counting": True}
    body = found.body
    return {
        "counts": body,
        "counted_at": found.as_of,
        "counting": wanted,
        "resting_until": shelf.resting_until(services.database, campaign, now),
        "rows": [(name, _COUNT_WORDS[name], body[name]) for name in STATES],
        "reasons": [
            (_COUNT_WORDS[state], reason_word(reason), many)
            for state in ("rejected", "suppressed")
            for reason, many in body[f"{state}_by_reason"].items()
        ],
    }


def _look(services: Services, campaign: Campaign) -> dict[str, Any]:
    """What it would do, made by a worker; and whether the admin may approve it themselves."""
    if campaign.state not in (State.DRAFT, State.APPROVED):
        return {"look": None}
    found = kept.looked_at(services.database, campaign)
    if found is None:
        ask_for(services, "look_at_campaign", campaign.id)
        return {"look": None, "fingerprint": kept.fingerprint(campaign)}
    body, above = found.body, services.settings.campaign_approval_above
    districts = sorted(body["districts"], key=lambda each: -each["recipients"])
    moments = {
        name: None if body[name] is None else datetime.fromisoformat(body[name])
        for name in ("starts_at", "ends_at", "deadline_at")
    }
    return {
        "look": body,
        "look_as_of": found.as_of,
        "fingerprint": body["of"],
        "moments": moments,
        "districts": districts[:_DISTRICTS],
        "other_districts": len(districts[_DISTRICTS:]),
        "by_state": [(word(state, language()), many) for state, many in body["states"].items()],
        "threshold": above,
        "needs_another": same_person(actor(), campaign.created_by) and body["recipients"] > above,
    }
