"""When something is away in the middle, or a release comes between two inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.away import Away
from bot.conversation.driver import BUSY, Caller
from bot.conversation.flow import Branch, Ending, Listing, Menu, Question
from bot.conversation.screens import Screen
from bot.conversation.store import Store
from bot.embedded.servers import EmbeddedServers
from bot.redis_clients import connect
from tests.conversation.house import NAME, PHONE, SEAT, SERVED, House
from tests.conversation.teahouse import Brew, Look, Teas, teahouse
from tests.conversation.wire import Wire
from tests.stopping import paused


class TestAwayInTheMiddle:
    @pytest.fixture
    def away(self, house: House) -> Callable[[type], None]:
        def make(kind: type) -> None:
            def be_away(effect: object, _caller: Caller) -> None:
                if isinstance(effect, kind):
                    raise Away("PostgreSQL")

            house.before = be_away

        return make

    def test_the_caller_is_told_and_stands_where_they_stood(self, house: House, away: Callable[[type], None]) -> None:
        house.dials("Budi", "1", "1")
        kept = house.client.get(Store.key(PHONE))
        away(Brew)
        assert house.driver.ussd(PHONE, "s1", "Budi*1*1*1234") == house.driver.busy("id")
        assert house.client.get(Store.key(PHONE)) == kept
        house.before = lambda _effect, _caller: None
        assert house.driver.ussd(PHONE, "s2", "").text == "Type the 4 digits of your card:"
        assert house.driver.ussd(PHONE, "s2", "1234").text == SERVED

    def test_an_sms_is_left_to_be_handled_later(self, house: House, away: Callable[[type], None]) -> None:
        away(Look)
        with pytest.raises(Away):
            house.texts("Budi")
        house.before = lambda _effect, _caller: None
        assert house.texts("Budi").reply == SEAT

    def test_it_is_told_in_the_callers_language(self, house: House, away: Callable[[type], None]) -> None:
        house.texts("Budi")
        assert house.texts("ENGLISH", "m2").language == "en"
        away(Teas)
        assert house.dials().text == "Budi, do you sit inside?\n1 Inside\n2 Outside"
        assert house.driver.ussd(PHONE, "s1", "1").text == BUSY

    def test_a_last_screen_is_shown_though_it_cannot_be_saved(self, redis_url: str, house: House) -> None:
        with Wire(redis_url) as wire:
            house.client = connect(wire.url)
            house.before = lambda effect, _caller: wire.cut() if isinstance(effect, Brew) else None
            assert house.dials("Budi", "1", "1", "1234") == Screen(SERVED, goes_on=False)

    def test_a_screen_that_waits_for_an_answer_is_not(self, redis_url: str, house: House) -> None:
        with Wire(redis_url) as wire:
            house.client = connect(wire.url)
            house.before = lambda effect, _caller: wire.cut() if isinstance(effect, Teas) else None
            assert house.dials("Budi", "1") == house.driver.busy()

    def test_a_paused_redis_is_told_politely(self, house: House, servers: EmbeddedServers) -> None:
        with paused(servers.valkey.pid):
            assert house.dials() == house.driver.busy()
        assert house.kitchen.asked == []

    def test_what_is_no_answer_of_ours_is_not_swallowed(self, house: House) -> None:
        def fail(_effect: object, _caller: Caller) -> None:
            raise ValueError("a bug")

        house.before = fail
        with pytest.raises(ValueError, match="a bug"):
            house.dials()


class TestChangedFlows:
    """A release came between two inputs."""

    def _renamed(self, house: House) -> None:
        """What was ``seat`` is now ``chair``."""
        states: list[Any] = []
        for state in teahouse().states:
            match state:
                case Menu(name="seat"):
                    states.append(replace(state, name="chair"))
                case Question(name="name"):
                    states.append(replace(state, to="chair", options=()))
                case Listing():
                    states.append(replace(state, back="chair"))
                case Branch():
                    states.append(replace(state, cases=()))
                case _:
                    states.append(state)
        house.flow = teahouse(states=states)

    def test_a_redial_in_a_state_that_is_gone_starts_anew(self, house: House) -> None:
        house.dials("Budi")
        self._renamed(house)
        assert house.dials(session="s2").text == "Siapa nama Anda?"

    def test_so_does_the_same_session_and_it_goes_on_from_there(self, house: House) -> None:
        house.dials("Budi")
        self._renamed(house)
        assert house.driver.ussd(PHONE, "s1", "Budi*1") == Screen("Siapa nama Anda?", goes_on=True)
        assert house.driver.ussd(PHONE, "s1", "Budi*1*Ani").text == "Ani" + SEAT.removeprefix("Budi")

    def test_so_does_an_sms_whose_text_may_answer_already(self, house: House) -> None:
        house.texts("Budi")
        self._renamed(house)
        assert house.texts("Ani", "m2").reply == "Ani" + SEAT.removeprefix("Budi")

    def test_a_state_that_waits_no_more_is_gone_too(self, house: House) -> None:
        """It must not be carried out by somebody who only dials again."""
        house.dials("Budi")
        kept = [each for each in teahouse().states if each.name not in {"seat", "full"}]
        house.flow = teahouse(states=(*kept, Ending("seat", say="x"), Ending("full", say="y")))
        assert house.dials(session="s2").text == NAME

    def test_a_repeated_request_is_still_answered_as_it_was(self, house: House) -> None:
        first = house.dials("Budi")
        self._renamed(house)
        assert house.driver.ussd(PHONE, "s1", "Budi") == first

    def test_what_a_newer_release_stored_is_started_anew_and_overwritten(self, house: House) -> None:
        house.dials("Budi")
        kept = house.client.get(Store.key(PHONE))
        assert isinstance(kept, bytes)
        house.client.set(Store.key(PHONE), kept.replace(b'"v":1', b'"v":99'))
        assert house.dials(session="s2").text == NAME
        assert house.driver.ussd(PHONE, "s2", "Budi").text == SEAT
