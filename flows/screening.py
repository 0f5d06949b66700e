"""Is this you, where do you live, may you be vaccinated now?"""

from __future__ import annotations

from collections.abc import Callable

from bot.conversation.catalog import mark as _
from bot.conversation.change import changed
from bot.conversation.flow import Case, Ending, Listing, Menu, Option, Question, Reading, Row, State, Task, Unreadable
from bot.conversation.readers import read_search
from bot.registration.acts import Barred, Defer, Done, ListDistricts, Moved, SetDomicile
from flows.memory import Memory


def read_phrase(text: str, _reading: Reading) -> object:
    """A part of a name to search for."""
    return read_search(text) or Unreadable()


def _keep_search(m: Memory, phrase: str) -> Memory:
    return changed(m, search=phrase)


def _keep_district(m: Memory, row: Row) -> Memory:
    return changed(m, district_code=row.id, district=row.label, search="")


def _keep_moved(m: Memory, moved: Moved) -> Memory:
    return changed(m, district_code=moved.district_code, district=moved.district)


def _keep_condition(condition: str) -> Callable[[Memory], Memory]:
    return lambda m: changed(m, condition=condition)


CONDITIONS: tuple[tuple[str, str], ...] = (
    ("pregnant", _("Pregnant")),
    ("breast-feeding", _("Breast-feeding")),
    ("covid-19", _("COVID-19, now or before")),
    ("hypertension", _("High blood pressure")),
    ("diabetes", _("Diabetes")),
    ("chronic", _("Another chronic illness")),
)

#: How people text that none of the conditions applies, or one does.
NONE_APPLIES = ("tidak ada", "tdk ada", "gak ada", "ga ada", "nggak ada", "sehat", "none", "none of these")
ONE_APPLIES = ("ada", "ya ada", "one", "one applies")

SCREENING: tuple[State[Memory], ...] = (
    Menu(
        "confirm",
        say=_("{name}\n{district}\nIs this you?"),
        options=(
            Option(_("Yes"), to="screening", means=True),
            Option(_("Yes, but another district"), to="district_search"),
            Option(_("Not me"), to="not_me", means=False),
        ),
    ),
    Question(
        "district_search",
        say=_("In which district do you live? Type a part of its name, e.g. BANDUNG:"),
        read=read_phrase,
        keep=_keep_search,
        to="districts",
        again=_("Please type at least 2 letters of the district's name, e.g. BANDUNG:"),
        options=(Option(_("Back"), to="confirm", key="0"),),
    ),
    Listing(
        "districts",
        say=_("Your district:"),
        fetch=lambda m, offset: ListDistricts(m.search, offset),
        keep=_keep_district,
        to="set_domicile",
        back="district_search",
        empty="district_unknown",
    ),
    Menu(
        "district_unknown",
        say=_("No district in this campaign has that name."),
        options=(
            Option(_("Search again"), to="district_search"),
            Option(_("Back"), to="confirm", key="0"),
        ),
    ),
    Task(
        "set_domicile",
        do=lambda m, _words: SetDomicile(m.worker_id, m.district_code),
        then={Moved: Case("screening", keep=_keep_moved), Barred: Case("barred")},
    ),
    Menu(
        "screening",
        say=_(
            "Any of these: pregnant, breast-feeding, COVID-19 now/before, high blood pressure, diabetes, chronic illness?"
        ),
        options=(
            Option(_("None of these"), to="offering", means=False, words=NONE_APPLIES, keep=_keep_condition("none")),
            Option(_("One applies"), to="which", means=True, words=ONE_APPLIES),
        ),
    ),
    Menu(
        "which",
        say=_("Which one?"),
        options=(
            *(Option(label, to="defer", keep=_keep_condition(name)) for name, label in CONDITIONS),
            Option(_("Back"), to="screening", key="0"),
        ),
    ),
    Task(
        "defer",
        do=lambda m, _words: Defer(m.worker_id, m.condition),
        then={Done: Case("deferred"), Barred: Case("barred")},
    ),
    Menu(
        "deferred_before",
        say=_("Your vaccination was deferred by your earlier answers. Has your condition changed?"),
        options=(
            Option(_("Answer again"), to="screening", means=True),
            Option(_("Finish"), to="goodbye", key="0", means=False),
        ),
    ),
    Ending(
        "deferred",
        say=_(
            "Your vaccination is deferred for your safety. An officer will contact you. "
            "If this changes, dial {ussd_code} again."
        ),
    ),
    Ending(
        "age_outside",
        say=_(
            "For now only ages {youngest} to {oldest} are vaccinated. We keep your data and will contact you. "
            "Help: {call_centre}"
        ),
    ),
    Ending("goodbye", say=_("Thank you.")),
)
