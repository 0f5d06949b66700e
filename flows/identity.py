"""Who is calling: greeting, birth date, NIK from strange numbers, and those who are not found."""

from __future__ import annotations

from typing import Any

from bot.conversation.catalog import mark as _
from bot.conversation.change import changed
from bot.conversation.flow import Branch, Case, Ending, Menu, Option, Question, Reading, State, Task, Unreadable, Words
from bot.conversation.readers import Date, Impossible, read_date, read_digits
from bot.registration.acts import (
    Access,
    Ambiguous,
    Closed,
    Done,
    GreetCaller,
    KnownCaller,
    LeaveEnquiry,
    Locked,
    NikSealed,
    NothingToDo,
    ProveByNik,
    ProveByPhone,
    Proven,
    ReportNotMe,
    SealNik,
    StrangeCaller,
    TooManyPeople,
    Wrong,
)
from flows.memory import (
    ENGLISH,
    INDONESIAN,
    Memory,
    forget_expected,
    keep_known,
    keep_lock,
    keep_proven,
    switch_language,
)

ASK_BIRTH_DATE = _(
    "Health worker vaccination (privacy: SMS DATA). {masked_name}, type your birth date as DDMMYYYY, e.g. 17081985:"
)
ASK_BIRTH_DATE_OF_SEVERAL = _(
    "Health worker vaccination (privacy: SMS DATA). Type your birth date as DDMMYYYY, e.g. 17081985:"
)
BIRTH_DATE_WRONG = _("This birth date does not match our list. Tries left: {left}. Type your birth date as DDMMYYYY:")
NO_BIRTH_DATE = _("That is not a date. Type day, month and year of your birth, e.g. 17081985 for 17 August 1985:")
NO_SUCH_DATE = _("There is no such date. Type day, month and year of your birth, e.g. 17081985 for 17 August 1985:")
ASK_NIK = _(
    "Health worker vaccination (privacy: SMS DATA). This number is not listed. Type your NIK (16 digits on your ID card):"
)
NO_NIK = _("A NIK has 16 digits and no letters. Please type your NIK as on your ID card:")
ASK_BIRTH_DATE_AFTER_NIK = _("Now type your birth date as DDMMYYYY, e.g. 17081985:")
PAIR_WRONG = _("This NIK and birth date do not match our list. Tries left: {left}. Type your birth date again:")
ASK_NIK_OF_FAMILY = _("More than one person on our list has this number. Type your NIK (16 digits on your ID card):")

NOTICE_TO_ROSTER_NUMBER = _(
    "The number {stranger} uses your data for the vaccination. Is that you? Then do nothing. If not, reply TOLAK. "
    "Help: {call_centre}"
)


def _read_birth_date(text: str, reading: Reading) -> object:
    found = read_date(text, today=reading.today)
    if isinstance(found, Date):
        return found.value.isoformat()
    return Unreadable(NO_SUCH_DATE if isinstance(found, Impossible) else None)


def _read_nik(text: str, _reading: Reading) -> object:
    return read_digits(text, 16) or Unreadable()


def _keep_birth_date(m: Memory, value: str) -> Memory:
    return changed(m, birth_date=value)


def _keep_nik(m: Memory, value: str) -> Memory:
    return changed(m, nik=value)


def _ask_birth_date(m: Memory) -> str:
    if m.left:
        return BIRTH_DATE_WRONG
    return ASK_BIRTH_DATE_OF_SEVERAL if m.several else ASK_BIRTH_DATE


def _ask_birth_date_after_nik(m: Memory) -> str:
    return PAIR_WRONG if m.left else ASK_BIRTH_DATE_AFTER_NIK


def _keep_wrong(m: Memory, wrong: Wrong) -> Memory:
    return changed(m, left=wrong.left, expected="")


def _keep_sealed(m: Memory, nik: NikSealed) -> Memory:
    return changed(m, sealed_nik=nik.sealed, left=0)


def _spoken(language: str) -> Any:
    return lambda m: m.language == language


def _prove_by_nik(m: Memory, words: Words) -> ProveByNik:
    notices = tuple((language, words(NOTICE_TO_ROSTER_NUMBER, language)) for language, _other in LANGUAGES)
    return ProveByNik(m.sealed_nik, m.birth_date, notices)


LANGUAGES: tuple[tuple[str, str], ...] = ((INDONESIAN, "English"), (ENGLISH, "Bahasa Indonesia"))


def language_options(to: str) -> tuple[Option[Memory], ...]:
    """The choice of the other language, in its own name."""
    return tuple(
        Option(label, to=to, key="9", when=_spoken(language), keep=switch_language) for language, label in LANGUAGES
    )


def _after_nik(m: Memory) -> bool:
    return m.left > 0


def _barred(m: Memory) -> bool:
    return m.access == Access.NONE


def _cancelling(m: Memory) -> bool:
    return m.booked and m.intent == "cancel"


def _wants_ticket(m: Memory) -> bool:
    return m.booked and m.intent == "ticket"


def _booked(m: Memory) -> bool:
    return m.booked


def _closed(m: Memory) -> bool:
    return m.closed


def _asked_for_booking(m: Memory) -> bool:
    return bool(m.intent)


def _too_young_or_old(m: Memory) -> bool:
    return not m.age_fits


def _deferred(m: Memory) -> bool:
    return m.screened_out


def _fit(m: Memory) -> bool:
    return m.fit


def _confirmed(m: Memory) -> bool:
    return m.confirmed


IDENTITY: tuple[State[Memory], ...] = (
    Task(
        "greet",
        do=lambda _m, _words: GreetCaller(),
        then={
            KnownCaller: Case("birth_date", keep=keep_known),
            StrangeCaller: Case("nik"),
            Locked: Case("locked", keep=keep_lock),
            Closed: Case("closed"),
        },
    ),
    Question(
        "birth_date",
        say=_ask_birth_date,
        read=_read_birth_date,
        keep=_keep_birth_date,
        to="prove",
        again=NO_BIRTH_DATE,
        options=language_options("birth_date"),
        resume_at="greet",
    ),
    Task(
        "prove",
        do=lambda m, _words: ProveByPhone(m.birth_date, m.expected),
        then={
            Proven: Case("route", keep=keep_proven),
            Wrong: Case("birth_date", keep=_keep_wrong),
            Ambiguous: Case("nik_of_family", keep=forget_expected),
            Locked: Case("locked", keep=keep_lock),
            StrangeCaller: Case("nik", keep=forget_expected),
        },
    ),
    Question(
        "nik",
        say=ASK_NIK,
        read=_read_nik,
        keep=_keep_nik,
        to="seal_nik",
        again=NO_NIK,
        options=language_options("nik"),
        resume_at="greet",
    ),
    Question("nik_of_family", say=ASK_NIK_OF_FAMILY, read=_read_nik, keep=_keep_nik, to="seal_nik", again=NO_NIK),
    Task(
        "seal_nik",
        do=lambda m, _words: SealNik(m.nik),
        then={NikSealed: Case("birth_date_after_nik", keep=_keep_sealed)},
    ),
    Question(
        "birth_date_after_nik",
        say=_ask_birth_date_after_nik,
        read=_read_birth_date,
        keep=_keep_birth_date,
        to="prove_by_nik",
        again=NO_BIRTH_DATE,
        options=(
            Option(_("Another NIK"), to="nik", when=_after_nik),
            Option(_("I am not on the list"), to="leave_enquiry", when=_after_nik),
        ),
    ),
    Task(
        "prove_by_nik",
        do=_prove_by_nik,
        then={
            Proven: Case("route", keep=keep_proven),
            Wrong: Case("birth_date_after_nik", keep=_keep_wrong),
            Locked: Case("locked", keep=keep_lock),
            TooManyPeople: Case("too_many_people"),
        },
    ),
    Task(
        "leave_enquiry",
        do=lambda m, _words: LeaveEnquiry(m.sealed_nik),
        then={Done: Case("enquiry_kept"), NothingToDo: Case("enquiry_kept")},
    ),
    Branch(
        "route",
        cases=(
            (_barred, "barred"),
            (_cancelling, "cancel_sure"),
            (_wants_ticket, "ticket_shown"),
            (_booked, "booked"),
            (_closed, "closed"),
            (_asked_for_booking, "nothing_booked"),
            (_too_young_or_old, "age_outside"),
            (_deferred, "deferred_before"),
            (_fit, "offering"),
            (_confirmed, "screening"),
        ),
        otherwise="confirm",
    ),
    Task(
        "not_me",
        do=lambda m, _words: ReportNotMe(m.worker_id),
        then={Done: Case("not_me_kept")},
    ),
    Menu(
        "nothing_booked",
        say=_("You have no booking yet."),
        options=(Option(_("Register now"), to="register_now"), Option(_("Finish"), to="goodbye", key="0")),
    ),
    Branch(
        "register_now",
        cases=(
            (_too_young_or_old, "age_outside"),
            (_deferred, "deferred_before"),
            (_fit, "offering"),
        ),
        otherwise="confirm",
    ),
    Ending("not_me_kept", say=_("Thank you. We will check this number. Help: {call_centre}")),
    Ending(
        "enquiry_kept", say=_("Your data is kept for your district health office. Please call them or {call_centre}.")
    ),
    Ending(
        "locked", say=_("Too many wrong answers. Please try again after {until}, or call {call_centre}. Thank you.")
    ),
    Ending(
        "too_many_people",
        say=_(
            "This number has been used for many people. Please use the phone of who wants to register, or call {call_centre}."
        ),
    ),
    Ending(
        "barred",
        say=_(
            "This booking belongs to the number on our list; we have told it by SMS. "
            "If it does not object, try again in 24 hours. Help: {call_centre}"
        ),
    ),
    Ending("closed", say=_("Registration is closed. Questions: call your district health office or {call_centre}.")),
)
