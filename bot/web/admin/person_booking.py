"""Booking a place for a worker, or another instead: where, when, and the question that the worker would be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.daytime import hours_text, zone_name
from bot.officers.permissions import May
from bot.registration import on_behalf
from bot.registration.acts import AgeOutside, AlreadyBooked, Closed, SessionFull, Ticketed
from bot.registration.officer_places import MOST_PLACES, places, times
from bot.registration.on_behalf import FIT, Booked, Deferred, ScreeningWanted, TicketText, Wish
from bot.registration.story import booking_lines, standing
from bot.services import Services
from bot.web.admin.access import Room
from bot.web.admin.people import officer, row_id
from bot.web.admin.words import language, mark, say
from flows.memory import Campaign
from flows.ticket_sms import TicketSms

_ = mark

#: The answers to the screening, as conversations keep them; the first lets somebody book.
CONDITIONS: Final = {
    FIT: _("None of these applies"),
    "pregnant": _("Pregnant"),
    "breast-feeding": _("Breast-feeding"),
    "covid-19": _("Has or had COVID-19"),
    "hypertension": _("High blood pressure"),
    "diabetes": _("Diabetes"),
    "chronic": _("Another chronic illness"),
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What is told of an outcome, and whether the officer goes on choosing."""

    text: str
    kind: str
    choose_again: bool = False


_OUTCOMES: Final[dict[type, _Said]] = {
    SessionFull: _Said(_("That session has no place left. Choose another."), "warm", choose_again=True),
    ScreeningWanted: _Said(_("Ask about health first, and tick the answer."), "warm", choose_again=True),
    AgeOutside: _Said(_("By their age they cannot be vaccinated on any day of this campaign."), "bad"),
    Closed: _Said(_("Registration has ended. Data can still be corrected, but no place can be booked."), "bad"),
    AlreadyBooked: _Said(_("There is another booking by now. Look at it first."), "warm"),
    Deferred: _Said(_("Noted: the vaccination is deferred for their safety. Nothing was booked."), "warm"),
}


def ticket_sms(services: Services) -> TicketText:
    """The SMS with a ticket, as conversations send it."""
    settings = services.settings
    return TicketSms(Campaign(settings.ussd_code, settings.call_centre, settings.age_limits))


def register(room: Room) -> None:
    """``/admin/people/<id>/book``."""
    services = room.services

    @room.get("/people/<int:worker>/book", needs=May.BOOK)
    def people_book(worker: int) -> str:
        who, now, terms = officer(), services.clock.now(), services.terms
        person = standing(services.database, row_id(worker), who, now)
        named = request.args.get("place", "").strip()[:60]
        facility = request.args.get("facility", "")
        found = [] if person.has_closed else places(services.database, terms, worker, who, now, named)
        chosen = row_id(facility) if facility else next((place.id for place in found if place.is_own), None)
        open_sessions = []
        if chosen is not None and not person.has_closed:
            open_sessions = times(services.database, terms, worker, chosen, who, now)
        bookings = booking_lines(services.database, worker)
        return render_template(
            "admin/people/book.html",
            person=person,
            places=found,
            most_places=MOST_PLACES,
            named=named,
            chosen=chosen,
            sessions=open_sessions,
            current=next((line for line in bookings if line.state in {"booked", "attended"}), None),
            conditions=CONDITIONS,
            ages=terms.ages,
            hours=lambda slot: hours_text(slot.start, slot.end, language()),
            zone_name=zone_name,
        )

    @room.post("/people/<int:worker>/book", needs=May.BOOK)
    def people_take(worker: int) -> Response:
        session = row_id(request.form.get("session"))
        before, condition = request.form.get("instead_of", ""), request.form.get("condition")
        wish = Wish(
            row_id(worker),
            session,
            row_id(before) if before else None,
            condition if condition in CONDITIONS else None,
        )
        outcome = on_behalf.book(
            services.database,
            services.vault,
            services.terms,
            wish,
            officer(),
            ticket_sms(services),
            services.clock.now(),
        )
        said = _said(outcome)
        flash(say(said.text), said.kind)
        if isinstance(outcome, Ticketed):
            services.waker.wake()
        if said.choose_again:
            facility = request.form.get("facility", "")
            return redirect(url_for("admin.people_book", worker=worker, facility=facility or None))
        return redirect(url_for("admin.people_one", worker=worker))


def _said(outcome: Booked) -> _Said:
    if isinstance(outcome, Ticketed):
        return _Said(_("Booked. The ticket stands below; where there is a number, the SMS is on its way."), "good")
    return _OUTCOMES.get(type(outcome), _Said(_("The booking has changed meanwhile. Look at it again."), "warm"))
