"""The roads of the registration flow that a phone's journey seldom takes."""

from __future__ import annotations

import pytest

from bot.registration import acts
from bot.registration.acts import Access, Proven
from tests.flows.talking import BOOKED, OFFERED, Talk, person


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
def booked(talk: Talk) -> Talk:
    """Somebody who has a booking, looking at it."""
    talk.outcomes[acts.ProveByPhone] = Proven(person(booked=BOOKED, confirmed=True, fit=True))
    return talk.dials().says("17081985").sees("Puskesmas Kenanga", "K7WQ3A")


class TestTheShortestRoad:
    def test_one_goes_forward_on_every_screen(self, talk: Talk) -> None:
        talk.dials().says("17081985", "1", "1").sees("Puskesmas Melati").says("1").is_over().sees("K7WQ3A")
        assert [type(act) for act in talk.asked] == [
            acts.GreetCaller,
            acts.ProveByPhone,
            acts.OfferSlot,
            acts.TakeSlot,
        ]

    def test_from_a_strange_number_nik_and_birth_date_come_first(self, talk: Talk) -> None:
        talk.outcomes[acts.GreetCaller] = acts.StrangeCaller(0)
        talk.dials().sees("NIK").says("3273015708850001").sees("tanggal lahir").says("17081985").sees("Siti Wulandari")
        [proof] = [act for act in talk.asked if isinstance(act, acts.ProveByNik)]
        assert (proof.sealed_nik, proof.birth_date) == ("sealed", "1985-08-17")
        assert [language for language, _ in proof.notices] == ["id", "en"]
        assert all("{stranger}" in text for _, text in proof.notices)

    def test_the_ticket_sms_is_handed_over_with_the_code_left_open(self, talk: Talk) -> None:
        talk.dials().says("17081985", "1", "1", "1")
        [take] = [act for act in talk.asked if isinstance(act, acts.TakeSlot)]
        assert take.sms == (
            "Terdaftar: Puskesmas Melati, Kam 14 Jan 08.00-10.00 WIB. Tiket {code}. Bawa KTP. Ubah/batal: *119#"
        )


class TestKeywordsInTheMiddleOfAChange:
    """A new place is on the screen, held but not taken; the ticket is still that of the old one."""

    @pytest.fixture
    def changing(self, booked: Talk) -> Talk:
        booked.outcomes[acts.OfferSlot] = acts.AlreadyBooked(BOOKED)
        return booked.says("1", "1").sees("Puskesmas Melati", "0 Tetap jadwal lama")

    def test_tiket_shows_the_place_that_is_booked(self, changing: Talk) -> None:
        changing.texts("TIKET").sees("Puskesmas Kenanga", "13.00-15.00", "K7WQ3A").does_not_see("Melati")

    def test_batal_shows_the_place_that_is_booked(self, changing: Talk) -> None:
        changing.texts("BATAL").sees("Puskesmas Kenanga", "K7WQ3A", "2 Batal").does_not_see("Melati")
        changing.says("2").sees("Batalkan Puskesmas Kenanga").says("1").is_over()

    def test_a_place_that_is_only_looked_at_is_not_the_one_that_is_booked(self, booked: Talk) -> None:
        booked.says("1", "8", "2").sees("Kam 14 Jan").texts("TIKET")
        booked.is_over().sees("Puskesmas Kenanga", "13.00-15.00", "K7WQ3A").does_not_see("Melati")

    def test_no_screen_has_a_hole_where_the_ticket_should_be(self, changing: Talk) -> None:
        for keyword in ("TIKET", "BATAL", "BAHASA", "BANTUAN"):
            changing.texts(keyword).does_not_see("Tiket .", "Ticket .", "Tiket \n")


class TestLanguage:
    @pytest.mark.parametrize(("first", "then"), [("id", "en"), ("en", "id")])
    def test_bahasa_switches_to_the_other_one(self, talk: Talk, first: str, then: str) -> None:
        talk.outcomes[acts.GreetCaller] = acts.KnownCaller("S*** W***", False, first, 0)
        assert talk.dials().texts("bahasa").memory.language == then
        assert talk.texts("LANGUAGE").memory.language == first

    @pytest.mark.parametrize("first", ["id", "en"])
    def test_english_is_english(self, talk: Talk, first: str) -> None:
        talk.outcomes[acts.GreetCaller] = acts.KnownCaller("S*** W***", False, first, 0)
        for _ in range(2):
            talk.dials().texts("English please").sees("type your birth date")
            assert talk.asked[-1] == acts.SetLanguage(0, "en")

    def test_a_language_that_was_chosen_stays_whatever_the_roster_says(self, talk: Talk) -> None:
        talk.dials().says("9").sees("type your birth date").says("17081985").sees("Is this you?")


class TestSharedPhones:
    def test_what_the_first_answered_does_not_count_for_the_second(self, talk: Talk) -> None:
        """Both in one conversation by SMS: the second is asked for the illnesses that the first has not."""
        talk.dials().says("17081985", "1", "1").sees("1 Ambil")
        other = person(worker_id=8, name="Agus Santoso", confirmed=True, fit=True)
        talk.outcomes[acts.ProveByPhone] = Proven(other)
        talk.texts("MULAI").says("01011990").sees("1 Ambil")
        offers = [act for act in talk.asked if isinstance(act, acts.OfferSlot)]
        assert offers == [acts.OfferSlot(7, fit=True), acts.OfferSlot(8, fit=False)]

    def test_no_name_is_shown_before_the_birth_date_has_selected_one(self, talk: Talk) -> None:
        talk.outcomes[acts.GreetCaller] = acts.KnownCaller("", True, "id", 0)
        talk.dials().sees("Ketik tanggal lahir").does_not_see("***")
        talk.outcomes[acts.ProveByPhone] = acts.Ambiguous()
        talk.says("17081985").sees("lebih dari satu orang").says("3273015708850001").sees("tanggal lahir")


class TestStrangers:
    def test_who_is_barred_sees_nothing_of_the_booking(self, talk: Talk) -> None:
        talk.outcomes[acts.GreetCaller] = acts.StrangeCaller(0)
        talk.outcomes[acts.ProveByNik] = Proven(person(access=Access.NONE, booked=BOOKED))
        talk.dials().says("3273015708850001", "17081985").is_over().sees("24 jam")
        talk.does_not_see("Siti", "Kenanga", "K7WQ3A")

    def test_the_nik_lasts_no_longer_than_its_turn(self, talk: Talk) -> None:
        talk.outcomes[acts.GreetCaller] = acts.StrangeCaller(0)
        talk.outcomes[acts.ProveByNik] = acts.Wrong(4)
        talk.dials().says("3273015708850001")
        assert (talk.memory.nik, talk.memory.sealed_nik) == ("", "sealed")
        talk.says("17081985").sees("Sisa 4 kali")
        assert talk.memory.birth_date == ""
        talk.says("2").is_over()
        assert talk.asked[-1] == acts.LeaveEnquiry("sealed")


class TestRoutes:
    @pytest.mark.parametrize(
        ("changes", "seen"),
        [
            ({"booked": BOOKED, "closed": True}, "Tiket K7WQ3A\n2 Batal\n3 Kirim"),
            ({"closed": True}, "sudah ditutup"),
            ({"age_fits": False}, "usia 18-59"),
            ({"screened_out": True}, "ditunda"),
            ({"confirmed": True, "fit": True}, "1 Ambil"),
            ({"confirmed": True}, "hamil"),
            ({}, "Benar ini"),
        ],
    )
    def test_what_is_known_is_not_asked_again(self, talk: Talk, changes: dict[str, object], seen: str) -> None:
        talk.outcomes[acts.ProveByPhone] = Proven(person(**changes))
        talk.dials().says("17081985").sees(seen)

    @pytest.mark.parametrize(("keyword", "seen"), [("BATAL", "Batalkan Puskesmas Kenanga"), ("TIKET", "Tiket K7WQ3A")])
    def test_what_was_wanted_is_remembered_until_there_is_proof(self, talk: Talk, keyword: str, seen: str) -> None:
        talk.outcomes[acts.ProveByPhone] = Proven(person(booked=BOOKED))
        talk.texts(keyword).sees("tanggal lahir").says("17081985").sees(seen)

    @pytest.mark.parametrize("lost", ["next_offer", "no_place", "closed", "barred", "booked"])
    def test_a_place_that_is_lost_leads_somewhere(self, talk: Talk, lost: str) -> None:
        outcome, seen = {
            "next_offer": (acts.SlotLost(BOOKED), "Baru saja penuh. Gantinya: Puskesmas Kenanga"),
            "no_place": (acts.NoPlace(), "sedang penuh"),
            "closed": (acts.Closed(), "sudah ditutup"),
            "barred": (acts.Barred(), "24 jam"),
            "booked": (acts.AlreadyBooked(BOOKED), "Tiket K7WQ3A"),
        }[lost]
        talk.outcomes[acts.TakeSlot] = outcome
        talk.dials().says("17081985", "1", "1", "1").sees(seen)

    def test_an_offer_is_renewed_when_somebody_dials_again(self, talk: Talk) -> None:
        talk.dials().says("17081985", "1", "1").sees("Puskesmas Melati")
        talk.outcomes[acts.OfferSlot] = acts.Offered(BOOKED)
        talk.dials_again().sees("Puskesmas Kenanga")
        assert OFFERED.booking_id != talk.memory.booking_id == BOOKED.booking_id
