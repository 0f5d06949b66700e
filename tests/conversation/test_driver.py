"""Driving conversations on a real server: repeats, races, dropped sessions, and what is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis

from bot.away import Away
from bot.clock import ManualClock
from bot.conversation.catalog import Catalogs
from bot.conversation.driver import BUSY, RESUME_SMS, RESUME_USSD, Caller, Driver, Heard
from bot.conversation.engine import Engine
from bot.conversation.flow import Branch, Ending, Flow, Listing, Menu, Question
from bot.conversation.screens import Screen
from bot.conversation.store import Store, StoreAway, connect
from bot.embedded.servers import EmbeddedServers
from gateway_adapters.base import Channel
from tests.conversation.teahouse import Brew, Brewed, Free, Full, Gone, Guest, Kitchen, Look, Switch, Teas, teahouse
from tests.conversation.wire import Wire, paused

PHONE = "+6281234567890"
NOON = datetime(2021, 1, 13, 5, 0, tzinfo=UTC)
NAME, SEAT = "Siapa nama Anda?\n0 No name", "Budi, duduk di dalam?\n1 Di dalam\n2 Di luar"
SERVED = "Teh Melati untuk Budi. Selamat menikmati!"


@dataclass
class House:
    """A driver with its world: what it asks for is counted, and can be interfered with."""

    client: redis.Redis
    words: Catalogs
    kitchen: Kitchen
    clock: ManualClock
    flow: Flow[Guest]
    before: Callable[[object, Caller], None] = lambda _effect, _caller: None

    def __post_init__(self) -> None:
        self.callers: list[Caller] = []

    @property
    def driver(self) -> Driver[Guest]:
        return Driver(
            Engine(self.flow, self.words, limit=160),
            Store(self.client),
            self._perform,
            self.clock,
            digest_key=b"k" * 32,
            time_zone=ZoneInfo("Asia/Jakarta"),
        )

    def _perform(self, effect: object, caller: Caller) -> object:
        self.callers.append(caller)
        self.before(effect, caller)
        return self.kitchen.perform(effect)

    def asked(self, kind: type) -> int:
        return sum(isinstance(effect, kind) for effect in self.kitchen.asked)

    def dials(self, *inputs: str, session: str = "s1") -> Screen:
        """A session from its first request to its last."""
        screen = self.driver.ussd(PHONE, session, "")
        for count in range(len(inputs)):
            screen = self.driver.ussd(PHONE, session, "*".join(inputs[: count + 1]))
        return screen

    def texts(self, text: str, message: str = "m1") -> Heard:
        return self.driver.sms(PHONE, text, message)

    def passes(self, seconds: float) -> None:
        self.clock.moment += timedelta(seconds=seconds)


@pytest.fixture
def house(redis_url: str, words: Catalogs, kitchen: Kitchen) -> Iterator[House]:
    with connect(redis_url) as client:
        yield House(client, words, kitchen, ManualClock(NOON), teahouse())


class TestUssd:
    def test_a_session_from_dialling_to_its_end(self, house: House) -> None:
        assert house.dials() == Screen(NAME, goes_on=True)
        assert house.dials("Budi", session="s2") == Screen(SEAT, goes_on=True)
        assert house.dials("1", "1", "1234", session="s3") == Screen(SERVED, goes_on=False)

    def test_what_is_typed_may_hold_stars(self, house: House) -> None:
        house.dials("Budi", "1", "1")
        assert house.driver.ussd(PHONE, "s1", "Budi*1*1*1*2*3*4").text == SERVED

    def test_a_text_that_does_not_follow_shows_the_screen_again(self, house: House) -> None:
        house.dials("Budi")
        for text in ("Bud", "Bu*1", "Ani*1*1", "Budi1", "Ani*1"):
            assert house.driver.ussd(PHONE, "s1", text).text == SEAT
        assert house.driver.ussd(PHONE, "s1", "Ani*1*2").text.startswith("Teh kami")

    def test_a_code_that_is_dialled_with_more_behind_it_starts_at_the_beginning(self, house: House) -> None:
        assert house.driver.ussd(PHONE, "s1", "5").text == NAME
        assert house.driver.ussd(PHONE, "s1", "5*Budi").text == SEAT

    def test_after_the_end_the_same_session_hears_the_end_again(self, house: House) -> None:
        house.dials("Budi", "1", "1", "1234")
        for text in ("Budi*1*1*1234", "Budi*1*1*1234*1", ""):
            assert house.driver.ussd(PHONE, "s1", text) == Screen(SERVED, goes_on=False)
        assert house.asked(Brew) == 1

    def test_two_phones_do_not_meet(self, house: House) -> None:
        house.dials("Budi")
        assert house.driver.ussd(PHONE + "1", "s1", "Budi").text == NAME


class TestRepeats:
    def test_the_same_request_gets_the_same_answer_and_does_nothing(self, house: House) -> None:
        inputs = ("Budi", "1", "1", "1234")
        for count in range(len(inputs) + 1):
            text = "*".join(inputs[:count])
            first = house.driver.ussd(PHONE, "s1", text)
            effects = list(house.kitchen.asked)
            for _ in range(3):
                assert house.driver.ussd(PHONE, "s1", text) == first
            assert house.kitchen.asked == effects
        assert house.asked(Brew) == 1

    def test_the_same_message_gets_the_same_reply_and_does_nothing(self, house: House) -> None:
        house.texts("Budi")
        first = house.texts("1", "m2")
        effects = list(house.kitchen.asked)
        assert house.texts("1", "m2") == first
        assert house.texts("something else", "m2") == first
        assert house.kitchen.asked == effects

    def test_an_hour_later_it_is_still_the_same_request(self, house: House) -> None:
        first = house.dials("Budi")
        house.passes(3600)
        assert house.driver.ussd(PHONE, "s1", "Budi") == first

    def test_an_effect_that_is_carried_out_again_is_known_by_its_hop(self, house: House) -> None:
        """The store loses what was saved: the request that is sent again is a new one to us, not to the world."""
        house.dials("Budi")
        house.driver.sms(PHONE, "LIST", "m7")
        before = [caller.hop for caller in house.callers]
        house.client.flushall()
        house.callers.clear()
        house.driver.ussd(PHONE, "s1", "")
        house.driver.sms(PHONE, "LIST", "m7")
        assert [caller.hop for caller in house.callers] == before
        assert len(set(before)) == 2

    def test_every_input_is_a_hop_of_its_own(self, house: House) -> None:
        house.kitchen.outcomes[Brew] = Gone()
        house.dials("Budi", "1", "1", "1234", "1", "1", "1234")
        hops = [
            caller.hop
            for caller, effect in zip(house.callers, house.kitchen.asked, strict=True)
            if isinstance(effect, Brew)
        ]
        assert len(hops) == len(set(hops)) == 2
        assert not any("1234" in hop for hop in hops)

    def test_the_world_learns_who_is_calling_by_what_and_since_when(self, house: House) -> None:
        house.dials("Budi")
        house.passes(60)
        house.texts("1")
        assert [replace(caller, hop="") for caller in house.callers] == [
            Caller(PHONE, Channel.USSD, NOON, "", NOON),
            Caller(PHONE, Channel.SMS, NOON + timedelta(seconds=60), "", NOON),
        ]


class TestRaces:
    def test_whoever_loses_starts_over_from_what_was_saved(self, house: House) -> None:
        """The same request twice at the same moment: while the first is at work, the second overtakes it."""
        house.dials("Budi", "1", "1")
        overtaken: list[Screen] = []

        def overtake(effect: object, _caller: Caller) -> None:
            if isinstance(effect, Brew) and not overtaken:
                overtaken.append(Screen("", goes_on=True))
                overtaken[0] = house.driver.ussd(PHONE, "s1", "Budi*1*1*1234")

        house.before = overtake
        assert house.driver.ussd(PHONE, "s1", "Budi*1*1*1234") == Screen(SERVED, goes_on=False)
        assert overtaken == [Screen(SERVED, goes_on=False)]
        assert len({caller.hop for caller in house.callers[-2:]}) == 1

    def test_another_input_in_between_is_not_lost(self, house: House) -> None:
        house.texts("Budi")
        done: list[Heard] = []

        def overtake(effect: object, _caller: Caller) -> None:
            if isinstance(effect, Teas) and not done:
                done.append(Heard(None, ""))
                done[0] = house.texts("BAHASA APA INI", "m9")

        house.before = overtake
        assert (
            house.texts("1", "m2").reply
            == "Teh kami yang paling enak:\n1 Teh Melati\n2 Teh Sencha\n3 Teh Assam\n8 Surprise me\n0 Kembali"
        )
        assert done[0].reply == "Silakan ketik angka pilihan.\n" + SEAT

    def test_who_loses_again_and_again_is_told_that_we_are_busy(self, house: House) -> None:
        def overtake(_effect: object, _caller: Caller) -> None:
            house.client.set(Store.key(PHONE), f"{len(house.callers) + 7}:t:{{}}")

        house.before = overtake
        screen = house.dials()
        assert screen == house.driver.busy()
        assert house.asked(Look) == 5
        with pytest.raises(StoreAway):
            house.texts("Budi")


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
        assert house.driver.ussd(PHONE, "s1", "Budi*1*1*1234") == Screen(
            house.words.translate(BUSY, "id"), goes_on=False
        )
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


class TestResuming:
    @pytest.mark.parametrize(("seconds", "resumes"), [(RESUME_USSD, True), (RESUME_USSD + 1, False)])
    def test_a_redial_resumes_for_fifteen_minutes(self, house: House, seconds: int, resumes: bool) -> None:
        assert RESUME_USSD == 15 * 60
        house.dials("Budi")
        house.passes(seconds)
        assert house.dials(session="s2").text == (SEAT if resumes else NAME)

    @pytest.mark.parametrize(("seconds", "resumes"), [(RESUME_SMS, True), (RESUME_SMS + 1, False)])
    def test_a_reply_resumes_for_two_days(self, house: House, seconds: int, resumes: bool) -> None:
        assert RESUME_SMS == 48 * 3600
        house.texts("Budi")
        house.passes(seconds)
        reply = house.texts("2", "m2").reply
        assert reply is not None
        assert reply.startswith("Teh kami" if resumes else NAME)

    def test_time_counts_from_the_last_contact(self, house: House) -> None:
        house.dials("Budi")
        for number in range(3):
            house.passes(RESUME_USSD - 60)
            assert house.dials(session=f"s{number + 2}").text == SEAT

    def test_one_channel_goes_on_where_the_other_stopped(self, house: House) -> None:
        house.dials("Budi")
        assert house.texts("1").reply is not None
        assert house.dials(session="s2").text.startswith("Teh kami")
        assert house.driver.ussd(PHONE, "s2", "1").text == "Type the 4 digits of your card:"

    def test_an_sms_in_the_middle_of_a_session_shows_the_session_where_it_stands(self, house: House) -> None:
        house.dials("Budi")
        house.texts("HELP")
        assert house.driver.ussd(PHONE, "s1", "Budi*1").text == SEAT
        assert house.driver.ussd(PHONE, "s1", "Budi*1*1").text.startswith("Teh kami")

    def test_after_an_end_one_starts_anew(self, house: House) -> None:
        house.dials("Budi", "1", "1", "1234")
        assert house.dials(session="s2").text == NAME


class TestSms:
    def test_the_first_message_may_answer_the_first_question(self, house: House) -> None:
        assert house.texts("Budi") == Heard(SEAT, "id")

    def test_keywords_count_at_any_moment(self, house: House) -> None:
        assert house.texts("tolong").reply == "Type what you want."
        house.texts("Budi", "m2")
        assert house.texts("tolong", "m3").reply == "Type what you want."
        assert house.texts("1", "m4").reply is not None
        assert house.texts("LEAVE", "m5").reply == "Good bye, Budi."
        assert house.texts("Ani", "m6").reply == "Ani" + SEAT.removeprefix("Budi")

    def test_keywords_are_for_sms_only(self, house: House) -> None:
        house.dials("LEAVE")
        assert house.asked(Look) == 1
        assert house.dials(session="s2").text.startswith("LEAVE, duduk di dalam?")

    def test_thanks_after_an_end_want_no_answer(self, house: House) -> None:
        for number, text in enumerate(("Budi", "1", "1", "1234")):
            house.texts(text, f"m{number}")
        assert house.texts("Terima kasih.", "t1") == Heard(None, "id", "courtesy")
        assert house.texts("Terima kasih.", "t1") == Heard(None, "id", "courtesy")
        assert house.texts("Ani", "t2").reply == "Ani" + SEAT.removeprefix("Budi")

    def test_thanks_in_the_middle_or_before_anything_are_words_like_others(self, house: House) -> None:
        assert house.texts("thanks").reply == "thanks" + SEAT.removeprefix("Budi")
        reply = house.texts("thanks", "m2").reply
        assert reply is not None
        assert reply.startswith("Silakan ketik angka")

    def test_a_reply_is_in_the_language_that_it_says(self, house: House) -> None:
        house.texts("Budi")
        assert house.texts("ENGLISH", "m2").language == "en"
        assert house.asked(Switch) == 1


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


def test_nothing_typed_is_kept_in_the_clear(house: House) -> None:
    house.kitchen.outcomes[Brew] = Gone()
    house.dials("Budi", "1", "1", "1234")
    kept = house.client.get(Store.key(PHONE))
    assert isinstance(kept, bytes)
    assert b"1234" not in kept


def test_outcomes_of_the_kitchen_are_those_that_the_flow_knows(house: House) -> None:
    house.kitchen.outcomes |= {Look: Full(), Brew: Brewed()}
    assert house.dials().text == "We are full."
    house.kitchen.outcomes[Look] = Free(regular=True)
    assert house.dials(session="s2").text.endswith("3 At the usual place")
