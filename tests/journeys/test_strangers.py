"""What somebody who wants to harm the campaign does, and what a careless gateway does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bot.messaging import inbound
from bot.registration import claims
from bot.registration.claim_limit import MOST_PEOPLE
from bot.services import Services
from gateway_adapters.base import InboundSms
from tests.journeys.conftest import MovableClock
from tests.messaging.spooling import sms, spool_in
from tests.phones import Phone, Post
from tests.stub_gateways.twilio_stub import signed
from tests.world import Worker, World

PhoneOf = Callable[[str], Phone]
STRANGE = "+6285700000001"


def _names(phone: Phone, who: Worker, birth_date: str = "") -> Phone:
    return phone.dials().types(who.nik).types(birth_date or who.typed_birth_date)


class TestOnePhoneForMany:
    """Somebody has a list of other people's NIKs, and a NIK holds the birth date."""

    @pytest.fixture
    def people(self, world: World) -> list[Worker]:
        place = world.facility()
        world.session(place, capacity=100, day=date(2021, 1, 30))
        return [world.worker(place) for _ in range(MOST_PEOPLE + 3)]

    def test_takes_few_places(self, world: World, phone_of: PhoneOf, people: list[Worker]) -> None:
        phone = phone_of(STRANGE)
        for who in people[:MOST_PEOPLE]:
            _names(phone, who).is_asked().types("1").types("1").types("1").sees("Terdaftar")
        for who in people[MOST_PEOPLE:]:
            _names(phone, who).is_hung_up_on().sees("banyak orang").does_not_see("Siti")
            assert who.phone is not None
            assert world.messages(who.phone) == []
        assert world.database.value("SELECT count(*) FROM booking") == MOST_PEOPLE
        assert world.database.value("SELECT count(*) FROM phone_claim") == MOST_PEOPLE

    @pytest.fixture
    def phone(self, phone_of: PhoneOf, people: list[Worker], clock: MovableClock) -> Phone:
        """A strange phone that has named as many as it may, and whose last conversation is over."""
        phone = phone_of(STRANGE)
        for who in people[:MOST_PEOPLE]:
            _names(phone, who).types("3")
        clock.passes(minutes=16)
        return phone

    def test_learns_nothing_more(self, world: World, phone: Phone, people: list[Worker]) -> None:
        right = _names(phone, people[-1]).is_hung_up_on().screen
        wrong = _names(phone, people[-1], "01011990").is_hung_up_on().screen
        unlisted = phone.dials().types("3273015708859999").types("17081985").is_hung_up_on().screen
        assert right == wrong == unlisted
        assert world.database.value("SELECT count(*) FROM identity_guard") == 0

    def test_goes_on_to_serve_those_whom_it_has_named(
        self, phone: Phone, phone_of: PhoneOf, people: list[Worker]
    ) -> None:
        _names(phone, people[0]).is_asked().sees("Siti Wulandari")
        assert people[-1].phone is not None
        phone_of(people[-1].phone).registers(people[-1].typed_birth_date).sees("Terdaftar")

    def test_may_name_others_a_week_later(self, phone: Phone, people: list[Worker], clock: MovableClock) -> None:
        clock.passes(days=7, minutes=-17)
        _names(phone, people[-1]).is_hung_up_on()
        clock.passes(minutes=2)
        _names(phone, people[-1]).is_asked().sees("Siti Wulandari")


def test_who_objects_too_late_is_not_told_that_all_is_well(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    _names(phone_of(STRANGE), siti)
    world.database.rows("UPDATE message SET state = 'accepted', settled_at = %s WHERE kind = 'claim'", (clock.now,))
    clock.passes(hours=25)
    _names(phone_of(STRANGE), siti).is_asked()
    assert world.database.value("SELECT phone FROM worker") == STRANGE
    phone_of(siti.phone).texts("TOLAK")
    assert "hubungi 119" in world.messages(siti.phone)[-1]
    assert "Tidak ada yang perlu ditolak" not in world.messages(siti.phone)[-1]
    # nobody else is told so, and nothing has changed
    phone_of("+6285700000009").texts("TOLAK")
    assert "Tidak ada yang perlu ditolak" in world.messages("+6285700000009")[-1]
    assert world.database.value("SELECT phone FROM worker") == STRANGE


def test_who_was_shut_out_is_not_reminded_with_the_ticket(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    _names(phone_of(STRANGE), siti).types("1").types("1").types("1").sees("Terdaftar")
    assert world.database.value("SELECT phone FROM booking") == STRANGE
    phone_of(siti.phone).texts("TOLAK")
    # reminders go to the number of the booking
    assert world.database.value("SELECT phone FROM booking") == siti.phone


def test_so_it_is_where_an_officer_declines(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    _names(phone_of(STRANGE), siti).types("1").types("1").types("1").sees("Terdaftar")
    claim = world.database.value("SELECT id FROM phone_claim")
    assert claims.decide(world.database, claim, approve=False, now=clock.now, actor="officer")
    assert world.database.value("SELECT phone FROM booking") == siti.phone


def test_a_number_that_was_never_asked_is_not_taken_over_by_silence(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    """The roster's number is put right while a claim is open: the notice went to the wrong one."""
    siti = world.worker(world.facility())
    right = "+6281255550000"

    def gateways_take_all() -> None:
        world.database.rows(
            "UPDATE message SET state = 'accepted', settled_at = %s WHERE state = 'queued'", (clock.now,)
        )

    _names(phone_of(STRANGE), siti)
    gateways_take_all()
    world.database.rows("UPDATE worker SET phone = %s", (right,))
    clock.passes(hours=25)
    stranger = phone_of(STRANGE)
    _names(stranger, siti)
    assert world.database.value("SELECT phone FROM worker") == right
    [notice] = world.messages(right)
    assert "TOLAK" in notice
    gateways_take_all()
    clock.passes(hours=23)
    _names(stranger, siti)
    assert world.messages(right) == [notice]
    assert world.database.value("SELECT phone FROM worker") == right
    phone_of(right).texts("TOLAK")
    assert "Terima kasih" in world.messages(right)[-1]
    clock.passes(hours=25)
    _names(stranger, siti).is_hung_up_on()
    assert world.database.value("SELECT phone FROM worker") == right


def test_silence_of_the_right_number_still_counts(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    siti = world.worker(world.facility())
    right = "+6281255550000"
    _names(phone_of(STRANGE), siti)
    world.database.rows("UPDATE worker SET phone = %s", (right,))
    clock.passes(hours=25)
    _names(phone_of(STRANGE), siti)
    assert world.database.value("SELECT phone FROM worker") == right
    world.database.rows("UPDATE message SET state = 'accepted', settled_at = %s WHERE state = 'queued'", (clock.now,))
    clock.passes(hours=25)
    _names(phone_of(STRANGE), siti)
    assert world.database.value("SELECT phone FROM worker") == STRANGE


def test_who_asks_for_the_ticket_all_the_time_gets_it_once_in_a_while(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).registers(siti.typed_birth_date)
    for _ in range(30):
        phone.dials().types(siti.typed_birth_date).types("3").is_hung_up_on().sees("SMS sedang dikirim")
        clock.passes(seconds=15)
    assert len(world.messages(siti.phone, "ticket")) == 2
    clock.passes(minutes=10)
    phone.dials().types(siti.typed_birth_date).types("3").sees("SMS sedang dikirim")
    assert len(world.messages(siti.phone, "ticket")) == 3


class TestSessionIdsUsedAgain:
    """A gateway that names sessions by the number, say."""

    @pytest.fixture
    def always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.phones._sessions", iter([7] * 100))

    @pytest.mark.usefixtures("always")
    def test_nobody_hears_the_end_of_their_last_call_for_days(
        self, world: World, phone_of: PhoneOf, clock: MovableClock
    ) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).registers(siti.typed_birth_date).sees("Terdaftar")
        clock.passes(minutes=16)
        phone.dials().is_asked().sees("tanggal lahir").types(siti.typed_birth_date).sees("Puskesmas Melati")

    @pytest.mark.usefixtures("always")
    def test_who_holds_the_phone_later_does_not_go_on_where_it_was_left(
        self, world: World, phone_of: PhoneOf, clock: MovableClock
    ) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types(siti.typed_birth_date).sees("Siti Wulandari")
        clock.passes(hours=5)
        phone.dials().is_asked().does_not_see("Siti Wulandari").sees("tanggal lahir")


class TestMessageIdsUsedAgain:
    """A gateway that counts from one again after a restart, say."""

    def test_nothing_that_was_acknowledged_is_lost(self, world: World, phone_of: PhoneOf) -> None:
        for number, text in ((STRANGE, "TOLAK"), ("+6285700000002", "BANTUAN"), (STRANGE, "BANTUAN")):
            for _ in range(3):
                assert phone_of(number).texts(text, message_id="1") == 200
        assert len(world.messages(STRANGE)) == 2
        assert len(world.messages("+6285700000002")) == 1
        assert world.database.value("SELECT count(*) FROM inbound WHERE state = 'handled'") == 3

    def test_nor_while_it_is_spooled(self, tmp_path: Path) -> None:
        spool = spool_in(tmp_path / "letters")
        spool.make()
        assert spool.put(sms("1", "TOLAK"))
        assert spool.put(sms("1", "BANTUAN"))
        assert not spool.put(sms("1", "TOLAK"))

    def test_nobody_gets_the_reply_to_somebody_else(self, world: World, post: Post) -> None:
        answers = []
        for number, text in ((STRANGE, "BANTUAN"), ("+6285700000002", "TOLAK")):
            form = {"MessageSid": "SM1", "From": number, "To": "+15005550006", "Body": text, "AccountSid": "AC1"}
            path = "/webhooks/twilio/sms"
            status, body = post(path, form, signed(f"https://balas.example{path}", form, "token-of-tests"))
            assert status == 200
            answers.append(body)
        assert "MULAI" in answers[0]
        assert "MULAI" not in answers[1]
        assert "Tidak ada yang perlu ditolak" in answers[1]

    def test_a_text_that_is_deleted_by_now_counts_as_the_same(self, world: World, services: Services) -> None:
        database, vault = services.database, services.vault
        told = InboundSms(STRANGE, "1", "BANTUAN", "1199")
        first = inbound.keep(database, vault, "africastalking", told, world.now)
        database.rows("UPDATE inbound SET text_sealed = ''")
        again = inbound.keep(database, vault, "africastalking", told, world.now)
        assert (again.fresh, again.waiting.id) == (False, first.waiting.id)
