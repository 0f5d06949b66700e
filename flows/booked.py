"""After the ticket: see it again, change, cancel; and what counts at any moment by SMS."""

from __future__ import annotations

from collections.abc import Callable

from bot.conversation.catalog import mark as _
from bot.conversation.change import changed
from bot.conversation.flow import HERE, Aside, Branch, Case, Ending, Keyword, Menu, Option, State, Task
from bot.registration.acts import (
    Barred,
    CancelBooking,
    Done,
    LanguageSet,
    NothingToDo,
    ObjectToClaim,
    OptIn,
    OptOut,
    SendTicket,
    SetLanguage,
    TooLate,
)
from flows.identity import LANGUAGES
from flows.memory import ENGLISH, Memory, other_language
from flows.slots import TICKET_BY_SMS, TICKET_SMS


def _open(m: Memory) -> bool:
    return not m.closed


def _speaks(language: str) -> Callable[[Memory], bool]:
    return lambda m: m.language == language


def _same_place(m: Memory) -> Memory:
    return changed(m, chosen_place=m.place_id)


def _keep_cancelled(m: Memory, _outcome: object) -> Memory:
    return changed(m, booked=False, intent="", ticket="")


def _keep_language(m: Memory, outcome: LanguageSet) -> Memory:
    return changed(m, language=outcome.language, chose_language=True)


def _intend(intent: str) -> Callable[[Memory], Memory]:
    return lambda m: changed(m, intent=intent)


def _has_booking(m: Memory) -> bool:
    return m.worker_id > 0 and m.booked


def _shows_booking(m: Memory) -> bool:
    """Somebody who is choosing a new place sees that one, which has no ticket yet."""
    return _has_booking(m) and bool(m.ticket)


def _proven(m: Memory) -> bool:
    return m.worker_id > 0


BOOKED: tuple[State[Memory], ...] = (
    Menu(
        "booked",
        say=_("{place}, {day} {hours} {zone}. Ticket {ticket}"),
        options=(
            Option(_("Change"), to="times", key="1", when=_open, keep=_same_place),
            Option(_("Cancel"), to="cancel_sure", key="2"),
            Option(_("Send SMS again"), to="send_ticket", key="3"),
            *(Option(label, to="switch_language_here", key="4", when=_speaks(tongue)) for tongue, label in LANGUAGES),
        ),
    ),
    Menu(
        "cancel_sure",
        say=_("Cancel {place}, {day} {hours} {zone}? Your place goes to somebody else."),
        options=(
            Option(_("Yes, cancel"), to="cancel", means=True),
            Option(_("No, keep it"), to="ticket_shown", means=False),
        ),
    ),
    Task(
        "cancel",
        do=lambda m, _words: CancelBooking(m.worker_id),
        then={
            Done: Case("cancelled", keep=_keep_cancelled),
            NothingToDo: Case("cancelled", keep=_keep_cancelled),
            Barred: Case("barred"),
        },
    ),
    Task(
        "send_ticket",
        do=lambda m, words: SendTicket(m.worker_id, m.booking_id, m.language, words(TICKET_SMS)),
        then={Done: Case("sms_sent"), NothingToDo: Case("nothing_booked"), Barred: Case("barred")},
    ),
    Task(
        "switch_language_here",
        do=lambda m, _words: SetLanguage(m.worker_id, other_language(m)),
        then={LanguageSet: Case("booked", keep=_keep_language)},
    ),
    Ending("sms_sent", say=_("The SMS is on its way. Ticket {ticket}. Thank you.")),
    Ending("ticket_shown", say=TICKET_BY_SMS),
    Ending("cancelled", say=_("Your booking is cancelled. To register again dial {ussd_code} or text MULAI.")),
)

KEYWORD_STATES: tuple[State[Memory], ...] = (
    Task("opt_in", do=lambda _m, _words: OptIn(), then={Done: Case("greet")}),
    Task("opt_out", do=lambda _m, _words: OptOut(), then={Done: Case("stopped")}),
    Task(
        "object",
        do=lambda _m, _words: ObjectToClaim(),
        then={
            Done: Case("objected"),
            NothingToDo: Case("nothing_to_object"),
            TooLate: Case("object_too_late"),
        },
    ),
    Task(
        "switch_language",
        do=lambda m, _words: SetLanguage(m.worker_id, other_language(m)),
        then={LanguageSet: Case(HERE, keep=_keep_language)},
    ),
    Task(
        "speak_english",
        do=lambda m, _words: SetLanguage(m.worker_id, ENGLISH),
        then={LanguageSet: Case(HERE, keep=_keep_language)},
    ),
    Branch(
        "cancel_wanted",
        cases=((_shows_booking, "cancel_sure"), (_has_booking, "offering"), (_proven, "nothing_booked")),
        otherwise="greet",
    ),
    Branch(
        "ticket_wanted",
        cases=((_shows_booking, "ticket_shown"), (_has_booking, "offering"), (_proven, "nothing_booked")),
        otherwise="greet",
    ),
    Aside(
        "help",
        say=_(
            "MULAI register, TIKET ticket, BATAL cancel, BERHENTI no more SMS, BAHASA Indonesian. "
            "Or dial {ussd_code}. Help: {call_centre}"
        ),
    ),
    Aside(
        "data",
        say=_(
            "Health offices use your data for this vaccination only, then delete it. "
            "For a copy, a correction or erasure call {call_centre}."
        ),
    ),
    Ending(
        "stopped",
        say=_(
            "You will get no more invitations by SMS. You can still register at {ussd_code}. To get SMS again reply MULAI."
        ),
    ),
    Ending("objected", say=_("Thank you. The other number cannot use your data any more. Help: {call_centre}")),
    Ending(
        "object_too_late",
        say=_(
            "Another number has your data, for our SMS had no answer for 24 hours. Is that not you? Please call {call_centre}."
        ),
    ),
    Ending(
        "nothing_to_object", say=_("There is nothing to object to: no other number uses your data. Help: {call_centre}")
    ),
)

KEYWORDS: tuple[Keyword[Memory], ...] = (
    Keyword(("START", "MULAI", "DAFTAR", "UNSTOP"), to="opt_in", keep=_intend("")),
    Keyword(("STOP", "BERHENTI", "UNSUBSCRIBE", "UNSUB"), to="opt_out"),
    Keyword(("HELP", "BANTUAN", "INFO"), to="help"),
    Keyword(("DATA", "PRIVASI", "PRIVACY"), to="data"),
    Keyword(("CANCEL", "BATAL", "BATALKAN"), to="cancel_wanted", keep=_intend("cancel")),
    Keyword(("TICKET", "TIKET"), to="ticket_wanted", keep=_intend("ticket")),
    Keyword(("LANGUAGE", "BAHASA"), to="switch_language"),
    Keyword(("ENGLISH",), to="speak_english"),
    Keyword(("TOLAK",), to="object"),
)
