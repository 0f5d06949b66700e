"""Whatever people type and whatever the registry answers, the step gives a screen that fits, and nothing else happens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation.conversation import Conversation, freeze, thaw
from bot.conversation.engine import Engine, Turn, outcome_kinds
from bot.conversation.flow import Listing, Row, Rows, Task
from bot.registration import acts
from bot.text import is_gsm7, septets
from flows.memory import Memory
from flows.registration import catalogs, registration
from tests.flows.talking import READING, person
from tests.flows.worst_cases import CAMPAIGN, NAMES, OFFSET, WITA

FLOW = registration(CAMPAIGN)
ENGINE: Engine[Memory] = Engine(FLOW, catalogs(), limit=160)

#: Somebody who looks at a place.
LOOKING = Memory(day="2021-01-14", start="08:00", end="10:00", place="Puskesmas Melati", ticket="W7XQ3M")
#: Where a ticket or a place should stand, and nothing does.
HOLE = re.compile(r"(Tiket|Ticket) *(\.|\n|$)|: ,|\{[a-z_]+\}")

# --- what people type -------------------------------------------------------------------------------------------------

NIK, BIRTH_DATE = "3273015708850001", "17081985"
KEYWORDS = [word for keyword in FLOW.keywords for word in keyword.words]
USUAL = st.sampled_from(
    ["1", "1", "2", "3", "4", "8", "9", "0", "ya", "tidak", "tidak ada", "bandung", BIRTH_DATE, NIK]
)
STRANGE = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[0-9*#]{0,12}", fullmatch=True),
    st.from_regex(r"[0-9]{14,18}", fullmatch=True),
    st.dates(date(1900, 1, 1), date(2030, 1, 1)).map(lambda day: f"{day:%d%m%Y}"),
    st.sampled_from(["*" * 200, "😀" * 2000, "\x00", "{name} {0} %s", "1" * 4000, "'; --"]),
)
TYPED = st.one_of(USUAL, USUAL, USUAL, STRANGE)

# --- what the registry answers ----------------------------------------------------------------------------------------

_names = st.sampled_from(NAMES)
_ZONES = st.sampled_from(["Asia/Jakarta", WITA, OFFSET])
_TICKETS = st.sampled_from(["W7XQ3M", "234679"])


def _slots(ticket: st.SearchStrategy[str | None]) -> st.SearchStrategy[acts.Slot]:
    days = st.dates(date(2021, 1, 14), date(2021, 12, 31))
    return st.builds(
        lambda booking, names, day, zone, code: acts.Slot(
            booking, booking + 1, names.facility, day, time(8), time(23, 59), zone, code
        ),
        st.integers(1, 10**9),
        _names,
        days,
        _ZONES,
        ticket,
    )


_held, _booked = _slots(st.none()), _slots(_TICKETS)
_people = st.builds(
    lambda names, slot, changes: person(name=names.person, district=names.district, booked=slot, **changes),
    _names,
    st.none() | _booked,
    st.fixed_dictionaries(
        {
            "language": st.sampled_from(["id", "en"]),
            "access": st.sampled_from(list(acts.Access)),
            **{flag: st.booleans() for flag in ("confirmed", "screened_out", "fit", "age_fits", "closed")},
        }
    ),
)

OUTCOMES: dict[type, st.SearchStrategy[Any]] = {
    acts.KnownCaller: st.builds(
        acts.KnownCaller,
        st.sampled_from(["", "S*** W***", "***"]),
        st.booleans(),
        st.sampled_from(["id", "en"]),
        st.just(0),
    ),
    acts.StrangeCaller: st.builds(acts.StrangeCaller, st.just(0)),
    acts.Locked: st.builds(acts.Locked, st.just(datetime(2021, 1, 13, 23, 59, tzinfo=UTC)), _ZONES),
    acts.Wrong: st.builds(acts.Wrong, st.integers(1, 4)),
    acts.Proven: st.builds(acts.Proven, _people),
    acts.NikSealed: st.just(acts.NikSealed("f" * 88)),
    acts.Moved: st.builds(lambda names: acts.Moved("3578", names.district), _names),
    acts.Offered: st.builds(acts.Offered, _held),
    acts.SlotLost: st.builds(acts.SlotLost, _held),
    acts.Ticketed: st.builds(acts.Ticketed, _booked, st.booleans()),
    acts.AlreadyBooked: st.builds(acts.AlreadyBooked, _booked),
    acts.LanguageSet: st.builds(acts.LanguageSet, st.sampled_from(["id", "en"])),
    **{
        kind: st.just(kind())
        for kind in (
            acts.Closed,
            acts.Ambiguous,
            acts.Done,
            acts.NothingToDo,
            acts.TooLate,
            acts.TooManyPeople,
            acts.NoPlace,
            acts.SessionFull,
            acts.AgeOutside,
            acts.Barred,
        )
    },
}
_rows = st.builds(
    lambda names, count, more: Rows(tuple(Row(str(each), names.facility) for each in range(count)), more and count > 0),
    _names,
    st.integers(0, 8),
    st.booleans(),
)

Draw = Callable[[st.SearchStrategy[Any]], Any]


def _settle(turn: Turn[Memory], draw: Draw) -> Turn[Memory]:
    for _ in range(8):
        if turn.screen is not None:
            return turn
        assert turn.conversation is not None
        state = FLOW.by_name[turn.conversation.state]
        if isinstance(state, Listing):
            outcome = draw(_rows)
        else:
            assert isinstance(state, Task)
            usual, *others = state.then
            kind = draw(st.sampled_from([usual] * (2 + len(others)) + others))
            outcome = draw(OUTCOMES[kind])
        turn = ENGINE.resolve(turn.conversation, outcome, READING)
    raise AssertionError("a turn of more than eight effects")


def _holds(turn: Turn[Memory]) -> None:
    """What is true of every turn that came to a screen."""
    assert turn.screen is not None
    assert is_gsm7(turn.screen.text)
    assert 0 < septets(turn.screen.text) <= 160
    assert not HOLE.search(turn.screen.text), turn.screen.text
    if turn.conversation is None:
        assert not turn.screen.goes_on
        return
    assert FLOW.by_name[turn.conversation.state].waits
    memory = turn.conversation.memory
    assert (memory.nik, memory.birth_date) == ("", "")
    stored = json.dumps(freeze(FLOW, turn.conversation))
    assert NIK not in stored
    thawed = thaw(FLOW, json.loads(stored))
    assert thawed == replace(turn.conversation, here=None, unheard=None)
    assert len(stored) < 3000


def test_the_world_of_these_tests_knows_every_outcome() -> None:
    assert set(OUTCOMES) == outcome_kinds(FLOW)


MOVES = ["says"] * 6 + ["dials again", "texts a keyword", "repeats"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.data())
def test_any_walk_stays_on_screens_that_fit(data: st.DataObject) -> None:
    draw: Draw = data.draw
    early = draw(st.sampled_from([None, BIRTH_DATE]) | TYPED)
    turn = _settle(ENGINE.begin(Memory(), 0.0, READING, unheard=early), draw)
    _holds(turn)
    for _ in range(draw(st.integers(1, 14))):
        conversation = turn.conversation
        match draw(st.sampled_from(MOVES)):
            case _ if conversation is None:
                turn = ENGINE.begin(Memory(), 0.0, READING, unheard=draw(st.none() | TYPED))
            case "says":
                turn = ENGINE.hear(conversation, draw(TYPED), READING)
            case "dials again":
                turn = ENGINE.resume(conversation)
            case "repeats":
                turn = ENGINE.again(conversation)
            case _:
                heard = ENGINE.keyword(conversation, Memory(), draw(st.sampled_from(KEYWORDS)), 0.0)
                assert heard is not None
                turn = heard
        turn = _settle(turn, draw)
        _holds(turn)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([state.name for state in FLOW.states if state.waits]), TYPED, st.data())
def test_the_same_input_gives_the_same_turn(state: str, text: str, data: st.DataObject) -> None:
    """The step is pure: no clock, no chance, nothing remembered between two calls."""
    names = data.draw(_names)
    memory = replace(LOOKING, name=names.person, district=names.district, place=names.facility)
    standing = Conversation(state, memory, 0.0)
    before = repr(standing)
    first = ENGINE.hear(standing, text, READING)
    again = Engine(FLOW, ENGINE.catalogs, limit=160).hear(standing, text, READING)
    assert (first.screen, first.effect, first.conversation) == (again.screen, again.effect, again.conversation)
    assert repr(standing) == before


@pytest.mark.parametrize("text", ["", "   ", "\n", "\x00", "*", "#", "😀" * 5000, "9" * 10000, "\ud83d"])
def test_no_state_minds_what_is_typed(text: str) -> None:
    for state in FLOW.states:
        if state.waits:
            turn = ENGINE.hear(Conversation(state.name, LOOKING, 0.0), text, READING)
            assert turn.screen is not None or turn.effect is not None
