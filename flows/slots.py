"""Offering a place, choosing another, taking it."""

from __future__ import annotations

from bot.conversation.catalog import mark as _
from bot.conversation.change import changed
from bot.conversation.flow import Case, Ending, Listing, Menu, Option, Question, Row, State, Task
from bot.registration.acts import (
    AgeOutside,
    AlreadyBooked,
    Barred,
    Closed,
    HoldSlot,
    ListFacilities,
    ListTimes,
    NoPlace,
    Offered,
    OfferSlot,
    SessionFull,
    SlotLost,
    TakeSlot,
    Ticketed,
)
from flows.memory import Memory, keep_slot
from flows.screening import read_phrase

TICKET_SMS = _(
    "Booked: {place}, {day} {hours} {zone}. Ticket {code}. Bring your ID card. Change or cancel: {ussd_code}"
)


def _keep_offer(m: Memory, outcome: Offered | SlotLost) -> Memory:
    return keep_slot(changed(m, fit=True, screened_out=False, search=""), outcome.slot)


def _keep_ticket(m: Memory, outcome: Ticketed) -> Memory:
    return keep_slot(changed(m, booked=True, by_sms=outcome.by_sms, intent=""), outcome.slot)


def keep_booked(m: Memory, outcome: AlreadyBooked) -> Memory:
    """The place that the worker has already."""
    return keep_slot(changed(m, booked=True), outcome.slot)


def _keep_place(m: Memory, row: Row) -> Memory:
    return changed(m, chosen_place=int(row.id), search="")


def _keep_session(m: Memory, row: Row) -> Memory:
    return changed(m, chosen_session=int(row.id))


def _same_place(m: Memory) -> Memory:
    return changed(m, chosen_place=m.place_id)


def _all_places(m: Memory) -> Memory:
    return changed(m, search="")


def _keep_search(m: Memory, phrase: str) -> Memory:
    return changed(m, search=phrase)


def _booked(m: Memory) -> bool:
    return m.booked


def _ticket_words(m: Memory) -> str:
    return TICKET_BY_SMS if m.by_sms else TICKET_ON_SCREEN


TICKET_ON_SCREEN = _("Booked: {place}, {day} {hours} {zone}. Ticket {ticket}. Bring your ID card. An SMS follows.")
TICKET_BY_SMS = _(
    "Booked: {place}, {day} {hours} {zone}. Ticket {ticket}. Bring your ID card. Change or cancel: {ussd_code}"
)

OFFER = _("Your place: {place}, {day} {hours} {zone}. Held for 5 minutes.")
NEXT_OFFER = _("Just taken. Next: {place}, {day} {hours} {zone}. Held for 5 minutes.")

_OFFER_OPTIONS: tuple[Option[Memory], ...] = (
    Option(_("Take it"), to="taking", means=True),
    Option(_("Another place"), to="places", keep=_all_places),
    Option(_("Another time"), to="times", keep=_same_place),
    Option(_("Keep my old place"), to="offering", key="0", when=_booked),
)

SLOTS: tuple[State[Memory], ...] = (
    Task(
        "offering",
        do=lambda m, _words: OfferSlot(m.worker_id, fit=m.condition == "none"),
        then={
            Offered: Case("offer", keep=_keep_offer),
            NoPlace: Case("no_place"),
            AgeOutside: Case("age_outside"),
            Closed: Case("closed"),
            Barred: Case("barred"),
            AlreadyBooked: Case("booked", keep=keep_booked),
        },
    ),
    Menu("offer", say=OFFER, options=_OFFER_OPTIONS, resume_at="offering"),
    Menu("next_offer", say=NEXT_OFFER, options=_OFFER_OPTIONS, resume_at="offering"),
    Listing(
        "places",
        say=_("Choose a place:"),
        fetch=lambda m, offset: ListFacilities(m.worker_id, m.search, offset),
        keep=_keep_place,
        to="times",
        back="offering",
        empty="no_such_place",
        options=(Option(_("Search"), to="place_search", key="8"),),
    ),
    Question(
        "place_search",
        say=_("Type a part of the place's name, e.g. MELATI:"),
        read=read_phrase,
        keep=_keep_search,
        to="places",
        again=_("Please type at least 2 letters of the place's name:"),
        options=(Option(_("Back"), to="places", key="0", keep=_all_places),),
    ),
    Menu(
        "no_such_place",
        say=_("No place with free times was found."),
        options=(
            Option(_("All places"), to="places", keep=_all_places),
            Option(_("Back"), to="offering", key="0", keep=_all_places),
        ),
    ),
    Listing(
        "times",
        say=_("Times ({zone}), places left:"),
        fetch=lambda m, offset: ListTimes(m.worker_id, m.chosen_place, m.language, offset),
        keep=_keep_session,
        to="holding",
        back="offering",
        empty="no_times",
        options=(Option(_("Another place"), to="places", key="8", keep=_all_places),),
    ),
    Menu(
        "no_times",
        say=_("This place has no free times left."),
        options=(
            Option(_("Another place"), to="places", keep=_all_places),
            Option(_("Back"), to="offering", key="0"),
        ),
    ),
    Task(
        "holding",
        do=lambda m, _words: HoldSlot(m.worker_id, m.chosen_session),
        then={
            Offered: Case("offer", keep=_keep_offer),
            SessionFull: Case("session_full"),
            AgeOutside: Case("age_outside"),
            Closed: Case("closed"),
            Barred: Case("barred"),
        },
    ),
    Menu(
        "session_full",
        say=_("This time was just taken by others."),
        options=(
            Option(_("Other times"), to="times"),
            Option(_("Another place"), to="places", keep=_all_places),
            Option(_("Back"), to="offering", key="0"),
        ),
    ),
    Task(
        "taking",
        do=lambda m, words: TakeSlot(m.worker_id, m.booking_id, m.language, words(TICKET_SMS)),
        then={
            Ticketed: Case("ticket", keep=_keep_ticket),
            SlotLost: Case("next_offer", keep=_keep_offer),
            NoPlace: Case("no_place"),
            AgeOutside: Case("age_outside"),
            Closed: Case("closed"),
            Barred: Case("barred"),
            AlreadyBooked: Case("booked", keep=keep_booked),
        },
    ),
    Ending("ticket", say=_ticket_words),
    Ending(
        "no_place",
        say=_(
            "All places in your district are taken at the moment. Please dial {ussd_code} again tomorrow or call {call_centre}."
        ),
    ),
)
