"""A table of states that contradicts itself is refused when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.conversation.catalog import Catalogs
from bot.conversation.engine import Engine
from bot.conversation.flow import (
    HERE,
    Aside,
    Branch,
    BrokenFlow,
    Ending,
    Keyword,
    Listing,
    Menu,
    Option,
    Question,
    Task,
)
from tests.conversation.teahouse import (
    READING,
    Free,
    Guest,
    teahouse,
)


def _with(*states: Any, **changes: Any) -> Callable[[], object]:
    flow = teahouse()
    kept = [state for state in flow.states if state.name not in {new.name for new in states}]
    return lambda: teahouse(states=(*kept, *states), **changes)


def _pick(*options: Option[Guest]) -> Listing[Guest]:
    listing = teahouse().by_name["teas"]
    assert isinstance(listing, Listing)
    return replace(listing, options=options)


class TestBrokenTables:
    """A table that contradicts itself is told when it is made, not to somebody who talks."""

    @pytest.mark.parametrize(
        ("make", "told"),
        [
            (lambda: teahouse(start="door"), "the start door does not exist"),
            (_with(Menu("gone", say="", options=(Option("", to="kitchen"),))), "gone leads to kitchen"),
            (lambda: teahouse(states=(*teahouse().states, Ending("full", say=""))), "share a name"),
            (lambda: teahouse(version=3, migrations={1: dict}), "no migration from version 2"),
            (_with(Menu("gone", say="", options=(Option("", to="help"),))), "only a keyword may lead"),
            (_with(Branch("who", cases=(), otherwise=HERE)), "leads to @here"),
            (lambda: teahouse(keywords=(Keyword(("BACK",), to=HERE),)), "leads to @here"),
            (_with(Menu("gone", say="", options=(Option("", to="teas", key="12"),))), "cannot have the number '12'"),
            (_with(Menu("gone", say="", options=(Option("", to="teas", key="x"),))), "cannot have the number 'x'"),
            (_with(_pick(Option("", to="card"))), "cannot have the number ''"),
            (_with(_pick(Option("", to="card", key="9"))), "cannot have the number '9'"),
        ],
    )
    def test_it_is_refused(self, make: Callable[[], object], told: str) -> None:
        with pytest.raises(BrokenFlow, match=told):
            make()

    def test_a_circle_of_states_that_ask_nothing_ends(self, words: Catalogs) -> None:
        states = [state for state in teahouse().states if state.name != "who"]
        circle: list[Branch[Guest]] = [
            Branch("who", cases=(), otherwise="what"),
            Branch("what", cases=(), otherwise="who"),
        ]
        engine = Engine(teahouse(states=(*states, *circle)), words, limit=160)
        turn = engine.begin(Guest(), 0.0, READING)
        assert turn.conversation is not None
        with pytest.raises(RecursionError, match="circle"):
            engine.resolve(turn.conversation, Free(), READING)


def test_every_kind_of_state_is_in_the_test_flow() -> None:
    kinds = {type(state) for state in teahouse().states}
    assert kinds == {Question, Menu, Listing, Task, Branch, Ending, Aside}
