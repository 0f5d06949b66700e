"""How what is remembered is shown: days, hours, zones, locks; and that a memory can be stored."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, time

import pytest

from bot.conversation.conversation import Conversation, freeze, thaw
from bot.daytime import clock_text, day_text, hours_text, zone_name
from bot.registration.acts import KnownCaller, Locked, Proven
from flows.memory import ELASTIC, Memory, keep_known, keep_lock, keep_proven, keep_slot, showing
from flows.registration import registration
from tests.flows.talking import BOOKED, CAMPAIGN, OFFERED, person


class TestDaytime:
    @pytest.mark.parametrize(
        ("iana", "name"),
        [
            ("Asia/Jakarta", "WIB"),
            ("Asia/Pontianak", "WIB"),
            ("Asia/Makassar", "WITA"),
            ("Asia/Jayapura", "WIT"),
            ("Asia/Bangkok", "UTC+07:00"),
            ("Asia/Tokyo", "UTC+09:00"),
            ("Asia/Kolkata", "UTC+05:30"),
            ("America/St_Johns", "UTC-03:30"),
            ("Etc/UTC", "UTC+00:00"),
        ],
    )
    def test_zones_have_their_names_in_indonesia_and_offsets_elsewhere(self, iana: str, name: str) -> None:
        assert zone_name(iana) == name

    def test_days_and_hours_are_written_as_each_language_writes_them(self) -> None:
        assert day_text(date(2021, 1, 13), "id") == "Rab 13 Jan"
        assert day_text(date(2021, 1, 13), "en") == "Wed 13 Jan"
        assert hours_text(time(8), time(10, 30), "id") == "08.00-10.30"
        assert hours_text(time(8), time(10, 30), "en") == "08:00-10:30"
        assert clock_text(datetime(2021, 1, 13, 23, 5), "id") == "23.05"

    @pytest.mark.parametrize("language", ["id", "en"])
    def test_no_day_of_a_year_is_longer_than_ten_characters(self, language: str) -> None:
        days = [date.fromordinal(date(2021, 1, 1).toordinal() + number) for number in range(365)]
        assert max(len(day_text(day, language)) for day in days) == 10
        assert len({day_text(day, language) for day in days}) == 365


class TestKeeping:
    def test_a_lock_is_told_in_the_campaigns_time(self) -> None:
        until = datetime(2021, 1, 13, 16, 59, 59, tzinfo=UTC)
        assert keep_lock(Memory(), Locked(until, "Asia/Jakarta")).until == "23.59 WIB"
        assert keep_lock(Memory(language="en"), Locked(until, "Asia/Jayapura")).until == "01:59 WIT"

    def test_the_rosters_language_counts_until_another_one_is_chosen(self) -> None:
        known = KnownCaller("S***", False, "en", 0)
        assert keep_known(Memory(), known).language == "en"
        assert keep_known(Memory(chose_language=True), known).language == "id"

    def test_a_slot_is_shown_as_the_district_reads_it(self) -> None:
        shown = {
            name: show(keep_slot(Memory(), BOOKED)) for name, show in showing(CAMPAIGN).items() if name in _OF_A_SLOT
        }
        assert shown == {
            "place": "Puskesmas Kenanga",
            "day": "Rab 20 Jan",
            "hours": "13.00-15.00",
            "zone": "WIB",
            "ticket": "K7WQ3A",
        }

    def test_an_offer_has_no_ticket_though_another_place_had_one(self) -> None:
        assert keep_slot(keep_slot(Memory(), BOOKED), OFFERED).ticket == ""

    def test_everything_but_the_passing_fields_is_stored_and_read_again(self) -> None:
        flow = registration(CAMPAIGN)
        memory = keep_proven(Memory(nik="3273015708850001", birth_date="1985-08-17"), Proven(person(booked=BOOKED)))
        stored = json.dumps(freeze(flow, Conversation("booked", memory, 1.0)))
        assert "3273015708850001" not in stored
        assert "1985-08-17" not in stored
        thawed = thaw(flow, json.loads(stored)).memory
        assert thawed == dataclasses.replace(memory, nik="", birth_date="")

    def test_what_may_be_shortened_is_shown_somewhere(self) -> None:
        assert set(showing(CAMPAIGN)) >= ELASTIC


_OF_A_SLOT = {"place", "day", "hours", "zone", "ticket"}
