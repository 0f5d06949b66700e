"""What gateways, phones and servers do to us."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from bot.embedded.servers import EmbeddedServers
from bot.invariants import check
from bot.jobs import inbound
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import WEBHOOK_SECRET, Phone
from tests.stopping import paused
from tests.world import World

PhoneOf = Callable[[str], Phone]
USSD = f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd"


def test_a_first_request_sent_twice_is_one_dial(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials()
    first = phone.screen
    assert phone.repeats().screen == first
    phone.types("17081985").sees("Siti Wulandari")


def test_every_request_sent_twice_changes_nothing(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    session = world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().repeats()
    for text in ("17081985", "1", "1", "1"):
        phone.types(text)
        before = phone.screen
        assert phone.repeats().screen == before
    phone.sees("Terdaftar")
    assert world.taken(session) == 1
    assert len(world.messages(siti.phone)) == 1


def test_two_requests_of_one_phone_at_the_same_instant(world: World, phone_of: PhoneOf, services: Services) -> None:
    place = world.facility()
    session = world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials()
    for text in ("17081985", "17081985*1", "17081985*1*1", "17081985*1*1*1"):

        def once(_: int, text: str = text) -> str:
            twin = Phone(phone.number, phone.post, session=phone.session, goes_on=True)
            return twin.sends_text(text).screen

        with ThreadPoolExecutor(4) as pool:
            screens = set(pool.map(once, range(4)))
        assert len(screens) == 1, screens
    assert world.taken(session) == 1
    assert len(world.messages(siti.phone)) == 1
    assert [f.invariant.name for f in check(services.database, services.clock.now()) if f.count] == []


@pytest.mark.parametrize(
    "text", ["17081985*1*1*1", "*", "#", "1*#*", "9*9*9*9", "17081985#", "*" * 500, "\x00", "+62", "1" * 4000]
)
def test_a_text_that_jumps_or_is_nonsense_is_asked_again(world: World, phone_of: PhoneOf, text: str) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().sends_text(text)
    assert phone.goes_on
    assert world.booking(siti) is None


def test_a_text_that_shrinks_or_changes_shows_the_same_screen(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types("17081985").types("1").sees("hamil")
    phone.sends_text("17081985").sees("hamil")
    phone.sends_text("something*else").sees("hamil")
    phone.types("1")
    phone.is_hung_up_on().sees("sedang penuh")


def test_a_birth_date_typed_with_stars_is_read(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone_of(siti.phone).dials().types("17*08*1985").sees("Siti Wulandari")


def test_a_number_that_is_dialled_with_more_behind_it_starts_at_the_beginning(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    phone.session = "ATUid_extra"
    phone.sends_text("1").sees("ketik tanggal lahir").types("17081985").sees("Siti Wulandari")


class TestRequests:
    @pytest.fixture
    def client(self, services: Services, app: object) -> FlaskClient:
        return app.test_client()  # type: ignore[attr-defined,no-any-return]

    def test_a_wrong_secret_gets_403(self, client: FlaskClient) -> None:
        answer = client.post("/webhooks/africastalking/guess/ussd", data={"sessionId": "a"})
        assert answer.status_code == 403
        assert client.post("/webhooks/africastalking/gu%C3%A9ss/sms", data={"from": "a"}).status_code == 403

    @pytest.mark.parametrize("missing", ["sessionId", "phoneNumber"])
    def test_a_missing_field_gets_400_in_plain_words(self, client: FlaskClient, missing: str) -> None:
        form = {"sessionId": "s", "phoneNumber": "+6281200000001", "serviceCode": "*1#", "text": ""}
        del form[missing]
        answer = client.post(USSD, data=form)
        assert answer.status_code == 400
        assert missing in answer.get_data(as_text=True)

    def test_a_body_of_the_wrong_type_gets_400(self, client: FlaskClient) -> None:
        assert client.post(USSD, json={"sessionId": "s"}).status_code == 400

    def test_a_body_that_is_too_large_gets_413(self, client: FlaskClient) -> None:
        assert client.post(USSD, data={"text": "1" * 70_000}).status_code == 413

    def test_get_is_not_taken(self, client: FlaskClient) -> None:
        assert client.get(USSD).status_code == 405

    def test_nowhere_is_told_plainly(self, client: FlaskClient) -> None:
        answer = client.get("/nowhere")
        assert (answer.status_code, answer.get_data(as_text=True)) == (404, "There is nothing here.\n")


class TestAway:
    """Redis or PostgreSQL take connections and answer nothing: the caller is answered within the deadline."""

    DEADLINE = 3.0

    def _dials_in_time(self, phone: Phone) -> Phone:
        started = time.monotonic()
        phone.dials()
        assert time.monotonic() - started < self.DEADLINE
        return phone

    def test_redis_away_in_the_middle_then_resumed_from_postgresql(
        self, world: World, phone_of: PhoneOf, servers: EmbeddedServers, services: Services
    ) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types("17081985").types("1").types("1").sees("1 Ambil")
        with paused(servers.valkey.pid):
            started = time.monotonic()
            phone.types("1").is_hung_up_on().sees("sistem sedang sibuk")
            assert time.monotonic() - started < self.DEADLINE
            self._dials_in_time(phone).is_hung_up_on().sees("sistem sedang sibuk")
        services.conversations.flushall()
        phone.dials().sees("ketik tanggal lahir").types("17081985").sees("1 Ambil").types("1").sees("Terdaftar")

    def test_postgresql_away_in_the_middle_then_resumed(
        self, world: World, phone_of: PhoneOf, servers: EmbeddedServers
    ) -> None:
        place = world.facility()
        session = world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone = phone_of(siti.phone).dials().types("17081985").types("1").types("1").sees("1 Ambil")
        with paused(servers.postgres.pid):
            started = time.monotonic()
            phone.types("1").is_hung_up_on().sees("sistem sedang sibuk")
            assert time.monotonic() - started < self.DEADLINE
        # What PostgreSQL had been told when it stopped, it may have done when it went on: both are right.
        if "1 Ambil" in phone.dials().screen:
            phone.types("1").sees("Terdaftar")
        else:
            phone.sees("Tiket")
        assert world.booking(siti) is not None
        assert world.taken(session) == 1

    def test_an_sms_while_redis_is_away_is_kept_and_answered_later(
        self, world: World, phone_of: PhoneOf, servers: EmbeddedServers, services: Services, clock: MovableClock
    ) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        phone = phone_of(siti.phone)
        with paused(servers.valkey.pid):
            assert phone.texts("17081985") == 200
            assert world.messages(siti.phone) == []
        [message] = inbound.claim_waiting(services.database, services.vault, clock.now)
        inbound.handle(services.database, message, services.driver.sms, clock.now, inline=False)
        [reply] = world.messages(siti.phone)
        assert "Siti Wulandari" in reply

    def test_readiness_says_what_is_away(self, app: object, servers: EmbeddedServers, world: World) -> None:
        client: FlaskClient = app.test_client()  # type: ignore[attr-defined]
        assert client.get("/readyz").status_code == 200
        with paused(servers.valkey.pid):
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert "Redis" in answer.get_data(as_text=True)
        assert client.get("/healthz").status_code == 200
        assert "balas_" in client.get("/metrics").get_data(as_text=True)
