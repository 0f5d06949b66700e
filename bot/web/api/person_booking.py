"""``/people/<id>/booking``: a place is booked for a worker, another instead, or given back."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from bot.officers.permissions import May
from bot.registration import on_behalf
from bot.registration.acts import AgeOutside, AlreadyBooked, Closed, Done, SessionFull, Ticketed
from bot.registration.on_behalf import Deferred, ScreeningWanted, TicketText, Wish
from bot.services import Services
from bot.web.api.problems import Refused
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Hour, Id, Told
from flows.memory import Campaign
from flows.ticket_sms import TicketSms

_OUTCOMES: Final[dict[type, tuple[str, str]]] = {
    SessionFull: ("session-full", "That session has no place left."),
    ScreeningWanted: ("screening-wanted", "Ask about health first, and send the answer as condition."),
    AgeOutside: ("age-outside", "By their age they cannot be vaccinated on any day of this campaign."),
    Closed: ("closed", "Registration has ended, or that place cannot be booked."),
    AlreadyBooked: ("already-booked", "There is another booking by now. Look at it, and name it as instead_of."),
}
_CHANGED: Final = ("changed", "The booking has changed meanwhile. Look at it again.")


class WishAsked(Asked):
    """What is to be booked. `instead_of`: the booking that there is, if there is one. `condition`: the answer to the
    screening, if it has not been given yet; any but `none` defers the vaccination."""

    session: Id
    instead_of: Id | None = None
    condition: (
        Literal["none", "pregnant", "breast-feeding", "covid-19", "hypertension", "diabetes", "chronic"] | None
    ) = None


class BookingNamed(Asked):
    """The booking that is meant: what has changed meanwhile is not cancelled by mistake."""

    booking: Id


class PlaceTold(Told):
    """A place at a session, in the time of `time_zone`."""

    booking_id: int
    ticket: str | None
    facility_id: int
    facility: str
    day: date
    start: Hour
    end: Hour
    time_zone: str


class BookedTold(Told):
    """What came of it; `booking` is null unless a place is booked."""

    outcome: Literal["booked", "deferred", "cancelled"]
    booking: PlaceTold | None


def register(api: Api) -> None:
    """The routes."""

    @api.post("/people/<int:worker>/booking", needs=May.BOOK, tells=BookedTold, body=WishAsked)
    def book_place(call: Call, worker: int, body: WishAsked) -> BookedTold:
        """Book a place, or another instead; the ticket goes out by SMS where there is a number."""
        services = call.services
        wish = Wish(worker, body.session, body.instead_of, body.condition)
        outcome = on_behalf.book(
            *(services.database, services.vault, services.terms, wish, call.officer, _ticket_sms(services), call.now)
        )
        if isinstance(outcome, Ticketed):
            services.waker.wake()
            return BookedTold(outcome="booked", booking=PlaceTold.model_validate(outcome.slot))
        if isinstance(outcome, Deferred):
            return BookedTold(outcome="deferred", booking=None)
        kind, words = _OUTCOMES.get(type(outcome), _CHANGED)
        raise Refused(409, words, kind)

    @api.delete("/people/<int:worker>/booking", needs=May.BOOK, tells=BookedTold, query=BookingNamed)
    def cancel_booking(call: Call, worker: int, query: BookingNamed) -> BookedTold:
        """Give a booked place back."""
        done = on_behalf.cancel(call.services.database, worker, query.booking, call.officer, call.now)
        if not isinstance(done, Done):
            kind, words = _CHANGED
            raise Refused(409, words, kind)
        return BookedTold(outcome="cancelled", booking=None)


def _ticket_sms(services: Services) -> TicketText:
    """The SMS with a ticket, as conversations send it."""
    settings = services.settings
    return TicketSms(Campaign(settings.ussd_code, settings.call_centre, settings.age_limits))
