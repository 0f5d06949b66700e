"""What comes in while PostgreSQL, or both servers, are away is acknowledged, and done once they are back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask

from bot import gauges, metrics
from bot.embedded.servers import EmbeddedServers
from bot.messaging import inbound, spool_notes
from bot.services import Services
from bot.web.app import create_app
from bot.web.spool_keeper import SpoolKeeper
from tests.journeys.conftest import MovableClock
from tests.phones import WEBHOOK_SECRET, Phone, Post
from tests.stopping import paused
from tests.stub_gateways.twilio_stub import signed
from tests.world import World

PhoneOf = Callable[[str], Phone]
PHONE = "+6281200000009"
DEADLINE = 3.0


@pytest.fixture
def keeper(services: Services) -> SpoolKeeper:
    return SpoolKeeper(services)


@pytest.fixture
def phone(world: World, phone_of: PhoneOf) -> Phone:
    """Siti's, who is on the roster."""
    return phone_of(str(world.worker(world.facility()).phone))


@contextmanager
def both_away(servers: EmbeddedServers) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(paused(servers.postgres.pid))
        stack.enter_context(paused(servers.valkey.pid))
        yield


def handle_what_waits(services: Services, clock: MovableClock) -> None:
    """What the sweep does, half a minute later: leases of before are over."""
    clock.passes(seconds=30)
    while waiting := inbound.claim_waiting(services.database, services.vault, clock.now):
        for message in waiting:
            inbound.handle(services.database, message, services.driver.sms, clock.now, inline=False)


def test_texts_are_acknowledged_in_time_and_answered_in_order_later(
    world: World,
    phone: Phone,
    servers: EmbeddedServers,
    services: Services,
    keeper: SpoolKeeper,
    clock: MovableClock,
) -> None:
    with both_away(servers):
        for text in ("17081985", "ya"):
            started = time.monotonic()
            assert phone.texts(text) == 200
            assert time.monotonic() - started < DEADLINE
        assert services.spool.count().waiting == 2
    keeper.look()
    assert services.spool.count().waiting == 0
    handle_what_waits(services, clock)
    first, second = world.messages(phone.number)
    assert "Siti Wulandari" in first
    assert "hamil" in second


def test_a_text_that_comes_when_postgresql_is_back_waits_behind_those_that_are_not_replayed_yet(
    world: World,
    phone: Phone,
    phone_of: PhoneOf,
    servers: EmbeddedServers,
    services: Services,
    keeper: SpoolKeeper,
    clock: MovableClock,
) -> None:
    other = phone_of(PHONE)
    with paused(servers.postgres.pid):
        assert phone.texts("17081985") == 200
    assert phone.texts("ya") == 200
    assert other.texts("halo") == 200
    assert (world.messages(phone.number), len(world.messages(PHONE))) == ([], 1)
    assert services.spool.count().waiting == 2
    keeper.look()
    assert phone.texts("1") == 200, "from now on PostgreSQL keeps the order"
    handle_what_waits(services, clock)
    replies = world.messages(phone.number)
    assert len(replies) == 3
    assert ["Siti Wulandari" in replies[0], "hamil" in replies[1]] == [True, True]


def test_however_often_a_text_is_delivered_it_is_handled_once(
    world: World,
    phone: Phone,
    servers: EmbeddedServers,
    services: Services,
    keeper: SpoolKeeper,
    clock: MovableClock,
) -> None:
    with paused(servers.postgres.pid):
        assert [phone.texts("01011990", message_id="ATX1") for _ in range(2)] == [200, 200]
    assert phone.texts("01011990", message_id="ATX1") == 200
    keeper.look()
    handle_what_waits(services, clock)
    assert phone.texts("01011990", message_id="ATX1") == 200
    handle_what_waits(services, clock)
    assert len(world.messages(phone.number)) == 1
    assert world.database.value("SELECT failures FROM identity_guard WHERE kind = 'phone'") == 1


def test_twilios_reply_leaves_by_api_and_is_not_said_again_in_an_answer(
    world: World,
    phone: Phone,
    post: Post,
    servers: EmbeddedServers,
    services: Services,
    keeper: SpoolKeeper,
    clock: MovableClock,
) -> None:
    form = {"MessageSid": "SM1", "From": phone.number, "To": "+15005550006", "Body": "17081985", "NumMedia": "0"}
    headers = signed("https://balas.example/webhooks/twilio/sms", form, "token-of-tests")

    def delivered() -> list[str]:
        status, body = post("/webhooks/twilio/sms", form, headers)
        assert status == 200
        return [element.text or "" for element in ElementTree.fromstring(body).iter("Message")]

    with paused(servers.postgres.pid):
        assert delivered() == []
    keeper.look()
    handle_what_waits(services, clock)
    assert world.database.rows("SELECT gateway, state, inline FROM message") == [("twilio", "queued", False)]
    assert delivered() == []
    assert len(world.messages(phone.number)) == 1


def test_an_opt_out_is_registered_once_postgresql_is_back_and_before_what_came_later(
    world: World, post: Post, servers: EmbeddedServers, services: Services, keeper: SpoolKeeper, clock: MovableClock
) -> None:
    path = f"/webhooks/africastalking/{WEBHOOK_SECRET}/opt-outs"
    with paused(servers.postgres.pid):
        assert post(path, {"senderId": "PEDULI", "phoneNumber": PHONE}, {})[0] == 200
    came = clock.now
    clock.passes(minutes=5)
    assert post(path, {"senderId": "PEDULI", "phoneNumber": PHONE}, {})[0] == 200
    assert services.spool.count().waiting == 2
    keeper.look()
    assert world.database.rows("SELECT phone, source, since FROM opt_out") == [(PHONE, "africastalking", came)]


def test_a_receipt_is_kept_where_neither_server_can_take_it(
    world: World, post: Post, servers: EmbeddedServers, services: Services, keeper: SpoolKeeper
) -> None:
    form = {"id": "ATXid_1", "status": "Success", "phoneNumber": PHONE, "networkCode": "51010", "retryCount": "0"}
    with both_away(servers):
        for _ in range(2):
            assert post(f"/webhooks/africastalking/{WEBHOOK_SECRET}/receipts", form, {})[0] == 200
        assert services.spool.count().waiting == 1
    keeper.look()
    assert world.database.rows("SELECT provider_id, status FROM receipt") == [("ATXid_1", "delivered")]


def test_where_even_the_disk_refuses_the_gateway_has_to_try_again(
    world: World,
    environ: dict[str, str],
    servers: EmbeddedServers,
    tmp_path: Path,
    clock: MovableClock,
) -> None:
    (tmp_path / "file").write_text("")
    app = create_app(environ | {"SPOOL": str(tmp_path / "file" / "spool")})
    phone = Phone(PHONE, _post_of(app))
    with paused(servers.postgres.pid):
        assert phone.texts("halo", message_id="again") == 503
    assert phone.texts("halo", message_id="again") == 200
    handle_what_waits(app.extensions["services"], clock)
    assert len(world.messages(PHONE)) == 1
    app.extensions["services"].close()


def test_a_spool_that_is_full_takes_no_more(world: World, environ: dict[str, str], servers: EmbeddedServers) -> None:
    app = create_app(environ | {"SPOOL_MOST": "64"})
    services: Services = app.extensions["services"]
    phone = Phone(PHONE, _post_of(app))
    with paused(servers.postgres.pid):
        assert [phone.texts("one", message_id="m1"), phone.texts("two", message_id="m2")] == [200, 503]
        assert phone.texts("one", message_id="m1") == 200
    SpoolKeeper(services).look()
    assert phone.texts("two", message_id="m2") == 200
    assert world.database.value("SELECT count(*) FROM inbound") == 2
    services.close()


def test_what_waits_is_told_to_prometheus_also_while_postgresql_is_away(
    world: World, phone_of: PhoneOf, servers: EmbeddedServers, services: Services, clock: MovableClock
) -> None:
    with paused(servers.postgres.pid):
        phone_of(PHONE).texts("halo")
        clock.passes(seconds=90)
        gauges.look(services)
    lines = metrics.render().decode().splitlines()
    values = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}
    assert values["balas_spool_waiting"] == 1
    assert values["balas_spool_oldest_seconds"] == 90
    assert values["balas_spool_quarantined"] == 0


class TestNotes:
    def test_a_machine_notes_what_it_has(
        self, world: World, phone_of: PhoneOf, servers: EmbeddedServers, services: Services, keeper: SpoolKeeper
    ) -> None:
        keeper.look()
        [noted] = spool_notes.noted(services.queue)
        assert (noted.contents.waiting, noted.usable) == (0, True)
        with paused(servers.postgres.pid):
            phone_of(PHONE).texts("halo")
            keeper.look()
            [noted] = spool_notes.noted(services.queue)
            assert (noted.contents.waiting, noted.contents.oldest_at) == (1, services.clock.now())
        keeper.look()
        [noted] = spool_notes.noted(services.queue)
        assert (noted.contents.waiting, noted.contents.oldest_at) == (0, None)

    def test_a_disk_that_cannot_be_used_is_noted(
        self, environ: dict[str, str], services: Services, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        app = create_app(environ | {"SPOOL": str(tmp_path / "file" / "spool")})
        SpoolKeeper(app.extensions["services"]).look()
        [noted] = spool_notes.noted(services.queue)
        assert not noted.usable
        app.extensions["services"].close()

    def test_machines_that_left_nothing_are_forgotten_and_the_others_are_not(
        self, world: World, services: Services, keeper: SpoolKeeper, clock: MovableClock
    ) -> None:
        empty, full = spool_notes.Contents(0, None, 0), spool_notes.Contents(3, clock.now, 0)
        for machine, contents in (("gone", empty), ("dead", full)):
            spool_notes.note(services.queue, spool_notes.Noted(machine, contents, True, clock.now))
        services.queue.hset("spool:machines", "odd", "{}")
        clock.passes(days=1, seconds=1)
        keeper.look()
        first, own = spool_notes.noted(services.queue)
        assert (first.machine, own.at) == ("dead", clock.now)


def _post_of(app: Flask) -> Post:
    client = app.test_client()

    def send(path: str, form: object, headers: object) -> tuple[int, str]:
        answer = client.post(path, data=form, headers=headers)  # type: ignore[arg-type]
        return answer.status_code, answer.get_data(as_text=True)

    return send
