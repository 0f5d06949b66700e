"""``/admin/follow-up/enquiries/``: people who are not on the list and ask; put on the roster, or declined."""

from __future__ import annotations

from datetime import date

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.followup.enquiries import (
    LONGEST,
    NewWorker,
    Office,
    Settled,
    approve,
    decline,
    enquiries,
    enquiry,
)
from bot.followup.enquiry_texts import Decline
from bot.followup.listing import district_name, districts, facilities
from bot.officers.permissions import May
from bot.services import Services
from bot.web.admin.access import Room, actor, area
from bot.web.admin.follow_up_words import DECLINES
from bot.web.admin.people import row_id
from bot.web.admin.words import mark, say

_ = mark

_SAID = {
    Settled.ALREADY: _("This enquiry is settled already."),
    Settled.LISTED: _("This NIK is on the list by now. Look them up by it, and decline the enquiry as listed already."),
    Settled.NO_BIRTH_DATE: _("The NIK states no birth date. Type the one of the ID card."),
    Settled.NO_FACILITY: _("Choose a facility of your area."),
}


def register(room: Room) -> None:
    """Those that wait and those that are settled; one of them; approving and declining."""
    services, database = room.services, room.services.database

    @room.get("/follow-up/enquiries/", needs=May.SETTLE_ENQUIRIES)
    def follow_up_enquiries() -> str:
        settled, before = request.args.get("show") == "settled", request.args.get("before")
        found, more = enquiries(
            *(database, services.vault, area(), _today(services)),
            settled=settled,
            before=row_id(before) if before else None,
        )
        return render_template(
            "admin/follow-up/enquiries.html", enquiries=found, more=more, settled=settled, declines=DECLINES
        )

    @room.get("/follow-up/enquiries/<int:number>", needs=May.SETTLE_ENQUIRIES)
    def follow_up_enquiry(number: int) -> str:
        one = enquiry(database, services.vault, area(), row_id(number), _today(services)) or abort(404)
        places = districts(database, area())
        likely = one.district_code if one.district_code in {code for code, _name, _province in places} else None
        chosen = request.args.get("district", places[0][0] if len(places) == 1 else likely or "")
        if chosen and district_name(database, chosen, area()) is None:
            abort(404)
        return render_template(
            "admin/follow-up/enquiry.html",
            enquiry=one,
            districts=places,
            chosen=chosen,
            facilities=facilities(database, chosen, area()) if chosen else [],
            declines=DECLINES,
            longest=LONGEST,
            today=_today(services),
        )

    @room.post("/follow-up/enquiries/<int:number>/approve", needs=May.SETTLE_ENQUIRIES)
    def follow_up_enquiry_approve(number: int) -> Response:
        form = request.form
        name, profession = " ".join(form.get("name", "").split()), " ".join(form.get("profession", "").split())
        born = _date(form.get("birth_date", ""))
        if enquiry(database, services.vault, area(), row_id(number), _today(services)) is None:
            abort(404)
        today = _today(services)
        is_named = any(map(str.isalpha, name)) and len(name) <= LONGEST and len(profession) <= LONGEST
        if not is_named or (born is not None and not date(today.year - 110, 1, 1) <= born < today):
            flash(say("Fill in name and birth date as they stand on the ID card."), "bad")
            return _back(number)
        new = NewWorker(name, row_id(form.get("facility")), profession, born)
        done = approve(database, services.vault, number, new, _office(services), services.clock.now(), today)
        return _told(services, number, done, say("Approved: they are on the list and are told by SMS."))

    @room.post("/follow-up/enquiries/<int:number>/decline", needs=May.SETTLE_ENQUIRIES)
    def follow_up_enquiry_decline(number: int) -> Response:
        why = request.form.get("why", "")
        if why not in set(Decline):
            abort(404)
        done = decline(database, row_id(number), Decline(why), _office(services), services.clock.now())
        return _told(services, number, done, say("Declined: they are told by SMS."))


def _told(services: Services, number: int, done: Settled, success: str) -> Response:
    if done is Settled.GONE:
        abort(404)
    if done is Settled.DONE:
        services.waker.wake()
        flash(success, "good")
        return redirect(url_for("admin.follow_up_enquiries"))
    flash(say(_SAID[done]), "warm")
    return _back(number)


def _back(number: int) -> Response:
    chosen = request.form.get("district")
    return redirect(url_for("admin.follow_up_enquiry", number=number, district=chosen or None))


def _office(services: Services) -> Office:
    settings = services.settings
    codes = {"ussd_code": settings.ussd_code, "short_code": settings.short_code}
    return Office(actor(), area(), settings.sms_gateway, codes)


def _today(services: Services) -> date:
    return services.clock.now().astimezone(services.settings.time_zone).date()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        abort(404)
