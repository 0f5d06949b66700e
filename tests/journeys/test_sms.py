"""The same conversation by SMS."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from xml.etree import ElementTree

import pytest
from twilio.request_validator import RequestValidator

from bot.jobs import inbound
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import Phone, Post
from tests.world import World

PhoneOf = Callable[[str], Phone]


def test_four_replies_to_a_ticket_and_the_last_reply_is_the_ticket(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    for text in ("17-8-1985", "Ya", "tidak ada", "1."):
        assert phone.texts(text) == 200
    replies = world.messages(siti.phone)
    booked = world.booking(siti)
    assert booked is not None
    assert booked[1] is not None
    assert len(replies) == 4
    assert booked[1] in replies[-1]
    assert "Ubah/batal" in replies[-1]


def test_a_first_sms_that_is_no_birth_date_is_greeted(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    phone.texts("Selamat pagi, mau daftar vaksin")
    [reply] = world.messages(siti.phone)
    assert "ketik tanggal lahir" in reply


@pytest.mark.parametrize("text", ["", "   ", "\x00", "😀" * 2000, "'; DROP TABLE worker; --", "{name} {0} %s"])
def test_whatever_is_texted_gets_one_answer_and_ends_handled(world: World, phone_of: PhoneOf, text: str) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    assert phone.texts(text) == 200
    assert phone.texts(text) == 200
    assert world.database.rows("SELECT DISTINCT state FROM inbound") == [("handled",)]
    assert len(world.messages(siti.phone)) == 2


def test_the_same_message_twice_is_answered_once(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    for _ in range(3):
        assert phone.texts("01011990", message_id="ATX1") == 200
    assert len(world.messages(siti.phone)) == 1
    assert world.database.value("SELECT failures FROM identity_guard WHERE kind = 'phone'") == 1


def test_the_same_message_many_times_at_once_is_answered_once(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: phone.texts("17081985", message_id="ATX1"), range(8)))
    assert statuses == [200] * 8
    assert len(world.messages(siti.phone)) == 1


class TestKeywords:
    def test_stop_and_start(self, world: World, phone_of: PhoneOf) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = phone_of(siti.phone)
        for text in ("STOP", "stop ya", "BERHENTI!!"):
            phone.texts(text)
            assert "tidak akan dikirimi" in world.messages(siti.phone)[-1]
            assert world.database.value("SELECT count(*) FROM opt_out WHERE phone = %s", (siti.phone,)) == 1
        phone.texts("mulai")
        assert "ketik tanggal lahir" in world.messages(siti.phone)[-1]
        assert world.database.value("SELECT count(*) FROM opt_out") == 0

    def test_somebody_who_opted_out_still_gets_answers(self, world: World, phone_of: PhoneOf) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = phone_of(siti.phone)
        phone.texts("STOP")
        phone.texts("17081985")
        assert "Siti Wulandari" in world.messages(siti.phone)[-1]

    def test_help_leaves_the_conversation_where_it_was(self, world: World, phone_of: PhoneOf) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = phone_of(siti.phone)
        phone.texts("17081985")
        phone.texts("Bantuan")
        assert "TIKET" in world.messages(siti.phone)[-1]
        phone.texts("ya")
        assert "hamil" in world.messages(siti.phone)[-1]

    def test_bahasa_switches_the_language_where_one_stands_and_it_lasts(self, world: World, phone_of: PhoneOf) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone)
        phone.texts("17081985")
        phone.texts("BAHASA")
        assert "Is this you?" in world.messages(siti.phone)[-1]
        for text in ("yes", "none", "1"):
            phone.texts("1" if text == "none" else text)
        assert "Booked: Puskesmas Melati, Thu 14 Jan 08:00-10:00 WIB" in world.messages(siti.phone)[-1]
        assert world.database.value("SELECT language FROM worker WHERE id = %s", (siti.id,)) == "en"
        phone.dials().sees("type your birth date")

    def test_ticket_and_cancel_want_proof_first(self, world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
        place = world.facility()
        session = world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).registers(siti.typed_birth_date)
        booked = world.booking(siti)
        assert booked is not None
        assert booked[1] is not None
        phone.texts("TIKET")
        assert booked[1] not in world.messages(siti.phone)[-1]
        phone.texts("17081985")
        assert booked[1] in world.messages(siti.phone)[-1]
        phone.texts("batal")
        phone.texts("17081985")
        assert "Batalkan" in world.messages(siti.phone)[-1]
        assert world.taken(session) == 1
        phone.texts("ya")
        assert "dibatalkan" in world.messages(siti.phone)[-1]
        assert world.taken(session) == 0

    def test_ticket_without_a_booking(self, world: World, phone_of: PhoneOf) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone)
        for text in ("TICKET", "17081985"):
            phone.texts(text)
        assert "belum terdaftar" in world.messages(siti.phone)[-1]
        for text in ("1", "1", "1", "1"):
            phone.texts(text)
        assert "Terdaftar" in world.messages(siti.phone)[-1]


def test_thanks_after_the_ticket_are_not_answered(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    for text in ("17081985", "1", "1", "1", "Terima kasih."):
        phone.texts(text)
    assert len(world.messages(siti.phone)) == 4
    assert world.database.row("SELECT state, reason FROM inbound ORDER BY id DESC") == ("ignored", "courtesy")


def test_texts_are_sealed_at_rest(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    phone_of("+6285700000001").texts(f"NIK saya {siti.nik}")
    sealed = bytes(world.database.value("SELECT text_sealed FROM inbound"))
    assert siti.nik.encode() not in sealed


def test_an_answer_leaves_by_the_gateway_it_came_in_by(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone_of(siti.phone).texts("halo", link_id="link-1")
    row = world.database.row("SELECT gateway, link_id, kind, lane, state FROM message")
    assert row == ("africastalking", "link-1", "reply", "reply", "queued")


class TestResume:
    def test_a_redial_within_fifteen_minutes_goes_on(
        self, world: World, phone_of: PhoneOf, clock: MovableClock
    ) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types("17081985").types("1").sees("hamil")
        clock.passes(minutes=14)
        phone.dials().is_asked().sees("hamil")
        clock.passes(minutes=16)
        phone.dials().sees("ketik tanggal lahir")

    def test_an_sms_goes_on_where_ussd_stopped_and_the_other_way_round(
        self, world: World, phone_of: PhoneOf, clock: MovableClock
    ) -> None:
        place = world.facility()
        world.session(place, day=date(2021, 1, 20))
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types("17081985").sees("Benar ini")
        clock.passes(minutes=5)
        phone.texts("ya")
        assert "hamil" in world.messages(siti.phone)[-1]
        phone.dials().sees("hamil").types("1").sees("1 Ambil")
        clock.passes(hours=47)
        phone.texts("1")  # the hold is long over: the place is held anew
        assert "Disimpan 5 menit" in world.messages(siti.phone)[-1]
        phone.texts("1")
        assert "Terdaftar" in world.messages(siti.phone)[-1]

    def test_after_that_what_is_known_is_not_asked_again_but_proof_is(
        self, world: World, phone_of: PhoneOf, clock: MovableClock
    ) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types("17081985").types("1").types("1").sees("1 Ambil")
        clock.passes(minutes=20)
        phone.dials().sees("ketik tanggal lahir").types("17081985").sees("1 Ambil")

    def test_a_redial_at_the_offer_holds_it_anew(self, world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
        place = world.facility()
        session = world.session(place, capacity=1)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types("17081985").types("1").types("1").sees("1 Ambil")
        clock.passes(minutes=8)
        phone.dials().sees("1 Ambil").types("1").sees("Terdaftar")
        assert world.taken(session) == 1


class Twilio:
    """Posts what Twilio posts, signed by Twilio's own validator."""

    def __init__(self, post: Post, number: str) -> None:
        self._post = post
        self.number = number
        self._validator = RequestValidator("token-of-tests")

    def texts(self, body: str, sid: str, *, signature: str | None = None) -> tuple[int, list[str]]:
        form = {
            "MessageSid": sid,
            "AccountSid": "AC00000000000000000000000000000001",
            "From": self.number,
            "To": "+15005550006",
            "Body": body,
            "NumMedia": "0",
            "SomethingNew": "appears without notice",
        }
        url = "https://balas.example/webhooks/twilio/sms"
        signed = self._validator.compute_signature(url, form) if signature is None else signature
        status, answer = self._post("/webhooks/twilio/sms", form, {"X-Twilio-Signature": signed})
        if status != 200:
            return status, []
        return status, [element.text or "" for element in ElementTree.fromstring(answer).iter("Message")]


class TestTwilio:
    def test_four_signed_messages_to_a_ticket_in_the_answer(self, world: World, post: Post) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = Twilio(post, siti.phone)
        answers = [phone.texts(text, f"SM{number}") for number, text in enumerate(("17081985", "1", "1", "1"))]
        assert all(status == 200 and len(replies) == 1 for status, replies in answers)
        booked = world.booking(siti)
        assert booked is not None
        assert booked[1] is not None
        assert booked[1] in answers[-1][1][0]
        # the answers are on record, and nothing is left to be sent
        under_way = "SELECT DISTINCT m.state, m.inline, a.state FROM message m JOIN attempt a ON a.id = m.attempt_id"
        assert world.database.rows(under_way) == [("queued", True, "submitted")]

    def test_unsigned_or_wrongly_signed_is_refused_without_a_trace(self, world: World, post: Post) -> None:
        phone = Twilio(post, "+6281200000001")
        assert phone.texts("17081985", "SM1", signature="")[0] == 403
        assert phone.texts("17081985", "SM1", signature="AAAA")[0] == 403
        assert world.database.value("SELECT count(*) FROM inbound") == 0

    def test_the_same_message_again_gets_the_same_answer(self, world: World, post: Post) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = Twilio(post, siti.phone)
        first = phone.texts("17081985", "SM1")
        assert phone.texts("17081985", "SM1") == first
        assert len(world.messages(siti.phone)) == 1

    def test_twice_at_the_same_instant_is_one_message(self, world: World, post: Post) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = Twilio(post, siti.phone)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: phone.texts("01011990", "SM1"), range(6)))
        assert {status for status, _ in answers} == {200}
        assert len({reply for _, replies in answers for reply in replies}) == 1
        assert len(world.messages(siti.phone)) == 1
        assert world.database.value("SELECT failures FROM identity_guard WHERE kind = 'phone'") == 1


def test_messages_of_one_phone_are_handled_in_order(
    world: World, phone_of: PhoneOf, services: Services, clock: MovableClock
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    # an earlier one waits still: its process died
    world.database.rows(
        "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at, claimed_until) "
        "VALUES ('africastalking', 'early', %s, %s, 'received', %s, %s)",
        (siti.phone, services.vault.seal("17081985", "inbound"), clock.now, clock.now),
    )
    phone_of(siti.phone).texts("ya")
    assert world.messages(siti.phone) == []
    clock.passes(seconds=30)
    while waiting := inbound.claim_waiting(services.database, services.vault, clock.now):
        for message in waiting:
            inbound.handle(services.database, message, services.driver.sms, clock.now, inline=False)
    assert ["Benar ini" in world.messages(siti.phone)[0], "hamil" in world.messages(siti.phone)[1]] == [True, True]
