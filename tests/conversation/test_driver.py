"""Driving conversations on a real server: repeats, races, dropped sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.conversation.driver import RESUME_SMS, RESUME_USSD, Caller, Heard
from bot.conversation.screens import Screen
from bot.conversation.store import Store, StoreAway
from gateway_adapters.base import Channel
from tests.conversation.house import NAME, NOON, PHONE, SEAT, SERVED, House
from tests.conversation.teahouse import Brew, Brewed, Free, Full, Gone, Look, Switch, Teas


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
        assert house.driver.ussd(PHONE, "s1", "Ani*1*1*2").text.startswith("Teh kami")

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

    def test_older_requests_that_come_late_in_any_order_do_nothing(self, house: House) -> None:
        house.kitchen.outcomes[Brew] = Gone()
        house.dials("Budi", "1", "1", "1234")
        done, screen = len(house.kitchen.asked), house.driver.ussd(PHONE, "s1", "Budi*1*1*1234")
        for text in ("", "Budi", "Budi*1", "Budi*1*1", "Budi", "Budi*1*1", "Budi*1*1*1234", "Budi*1", "Budi*1*1*1234"):
            house.driver.ussd(PHONE, "s1", text)
        assert house.driver.ussd(PHONE, "s1", "Budi*1*1*1234").goes_on == screen.goes_on
        assert house.asked(Brew) == 1
        assert len([effect for effect in house.kitchen.asked[done:] if not isinstance(effect, Teas)]) == 0

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
