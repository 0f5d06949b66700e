"""Stored conversations across releases: of the stored form, and of the flow."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import store
from bot.conversation.conversation import Conversation, NotOurs, Page, forget_passing, freeze, thaw
from bot.conversation.flow import Ending, Flow, Menu, Option, Row
from bot.conversation.store import Record, decode, encode
from tests.conversation.teahouse import Guest, teahouse

PAGE = Page((Row("1", "Melati"), Row("2", 'Teh "hijau"')), offset=7, before=(0, 3), more=True)
STANDING = Conversation("teas", Guest(name="Budi", inside=True), 1610514000.25, page=PAGE)


def _stored(conversation: Conversation[Guest], flow: Flow[Guest] | None = None) -> dict[str, Any]:
    """As it comes back from Redis."""
    stored: dict[str, Any] = json.loads(json.dumps(freeze(flow or teahouse(), conversation)))
    return stored


class TestFreezing:
    def test_what_is_frozen_thaws_as_it_was(self) -> None:
        assert thaw(teahouse(), _stored(STANDING)) == STANDING

    @given(
        st.text(max_size=30),
        st.booleans(),
        st.lists(st.tuples(st.text(max_size=9), st.text(max_size=40)), max_size=7),
        st.lists(st.integers(0, 999), max_size=5),
        st.floats(0, 4e9),
    )
    def test_whatever_it_holds(
        self, name: str, inside: bool, rows: list[tuple[str, str]], before: list[int], started_at: float
    ) -> None:
        page = Page(tuple(Row(*row) for row in rows), 7, tuple(before), inside) if rows else None
        standing = Conversation("seat", Guest(name=name, inside=inside), started_at, page=page)
        assert thaw(teahouse(), _stored(standing)) == standing

    def test_only_what_differs_from_the_default_is_stored(self) -> None:
        assert freeze(teahouse(), Conversation("seat", Guest(), 1.0)) == {
            "f": "tea",
            "fv": 1,
            "s": "seat",
            "m": {},
            "t": 1.0,
        }

    def test_passing_fields_are_never_stored(self) -> None:
        standing = replace(STANDING, memory=Guest(card="1234"))
        assert "1234" not in json.dumps(freeze(teahouse(), standing))
        assert forget_passing(teahouse(), Guest(name="Budi", card="1234")) == Guest(name="Budi")

    def test_what_lasts_one_turn_is_not_stored(self) -> None:
        assert thaw(teahouse(), _stored(replace(STANDING, here="seat", unheard="Budi", note="Hm?"))) == STANDING


class TestNotOurs:
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"f": "coffee"}, "another flow"),
            ({"fv": 2}, "newer release"),
            ({"s": "lounge"}, "nobody stands in lounge"),
            ({"s": "brew"}, "nobody stands in brew"),
            ({"fv": 0}, "cannot be read"),
            ({"fv": "1"}, "cannot be read"),
            ({"m": None}, "cannot be read"),
            ({"s": ["seat"]}, "cannot be read"),
            ({"p": []}, "cannot be read"),
            ({"p": [[["1"]], 0, [], False]}, "cannot be read"),
        ],
    )
    def test_what_cannot_be_used_any_more_is_told(self, change: dict[str, Any], told: str) -> None:
        with pytest.raises(NotOurs, match=told):
            thaw(teahouse(), _stored(STANDING) | change)

    @pytest.mark.parametrize("missing", ["f", "fv", "s", "m", "t"])
    def test_so_is_what_lacks_something(self, missing: str) -> None:
        stored = _stored(STANDING)
        del stored[missing]
        with pytest.raises(NotOurs):
            thaw(teahouse(), stored)

    def test_fields_that_a_memory_has_no_more_are_left_out(self) -> None:
        stored = _stored(STANDING)
        stored["m"]["shoe_size"] = 42
        assert thaw(teahouse(), stored) == STANDING


@dataclass(frozen=True, slots=True)
class Walker:
    """The memory of version 3: version 1 knew one ``name``, version 2 two."""

    language: str = "id"
    first: str = ""
    last: str = ""
    steps: int = 0


def _two_names(memory: dict[str, Any]) -> dict[str, Any]:
    first, _, last = memory.pop("name", "").partition(" ")
    return memory | {"first": first, "last": last}


def _steps(memory: dict[str, Any]) -> dict[str, Any]:
    return memory | {"steps": memory.pop("metres", 0) * 3}


def _walking(version: int) -> Flow[Walker]:
    return Flow(
        name="walk",
        version=version,
        start="walk",
        states=(Menu("walk", say="", options=(Option("Stop", to="stop"),)), Ending("stop", say="")),
        memory=Walker,
        show={},
        migrations={1: _two_names, 2: _steps},
    )


class TestVersionsOfAFlow:
    OLD: ClassVar[dict[str, Any]] = {
        "f": "walk",
        "fv": 1,
        "s": "walk",
        "m": {"language": "en", "name": "Siti Wulandari", "metres": 5},
        "t": 1.0,
    }

    def test_every_migration_in_between_is_applied(self) -> None:
        thawed = thaw(_walking(3), json.loads(json.dumps(self.OLD)))
        assert thawed.memory == Walker(language="en", first="Siti", last="Wulandari", steps=15)

    def test_only_those_that_it_has_not_had(self) -> None:
        stored = {**self.OLD, "fv": 2, "m": {"first": "Siti", "metres": 2}}
        assert thaw(_walking(3), stored).memory == Walker(first="Siti", steps=6)

    def test_it_is_stored_in_the_new_version(self) -> None:
        stored = freeze(_walking(3), thaw(_walking(3), json.loads(json.dumps(self.OLD))))
        assert (stored["fv"], stored["m"]) == (3, {"language": "en", "first": "Siti", "last": "Wulandari", "steps": 15})

    def test_a_migration_that_fails_starts_the_conversation_anew(self) -> None:
        with pytest.raises(NotOurs):
            thaw(_walking(3), {**self.OLD, "m": {"name": 4711}})


class TestFormsOfTheStore:
    RECORD = Record(
        at=2.5, conversation={"s": "seat"}, session="s1", heard="d", heard_length=4, answer="A", goes_on=True
    )

    def test_the_form_of_this_release_stays_readable(self) -> None:
        """What the release before this one wrote: change it only together with FORM and a migration."""
        written = b'{"v":1,"a":2.5,"c":{"s":"seat"},"s":"s1","h":"d","l":4,"w":"A","g":true}'
        assert decode(written) == self.RECORD
        # A member that the release before knew nothing of, and that it does not miss.
        assert encode(self.RECORD) == written[:-1] + b',"p":0}'

    def test_an_older_form_is_migrated_step_by_step(self, monkeypatch: pytest.MonkeyPatch) -> None:
        older = encode(self.RECORD).replace(b'"h":"d"', b'"digest":"D"')

        def second(stored: dict[str, Any]) -> dict[str, Any]:
            return {**stored, "v": 2, "hash": stored["digest"]}

        def third(stored: dict[str, Any]) -> dict[str, Any]:
            return {**stored, "v": 3, "h": stored["hash"].lower()}

        monkeypatch.setattr(store, "FORM", 3)
        monkeypatch.setattr(store, "FORM_MIGRATIONS", {1: second, 2: third})
        assert decode(older) == self.RECORD
        assert decode(encode(self.RECORD)) == self.RECORD

    def test_a_form_from_the_future_is_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as future:
            future.setattr(store, "FORM", 2)
            written = encode(self.RECORD)
        assert decode(written) is None

    def test_every_older_form_has_its_migration(self) -> None:
        assert set(store.FORM_MIGRATIONS) == set(range(1, store.FORM))
