"""Who has waited too long in front of a web process is turned away: politely, at once, and without asking anybody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import Flask
from prometheus_client import REGISTRY

from bot.embedded.servers import EmbeddedServers
from bot.services import Services
from bot.web.queue_marks import QueueMarks
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import WEBHOOK_SECRET, Phone, Post
from tests.stopping import paused
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "environ", "phone_of", "post", "services", "world"]

PhoneOf = Callable[[str], Phone]
AT = f"/webhooks/africastalking/{WEBHOOK_SECRET}"
SMS = {"id": "m1", "from": "+6281200000001", "to": "1199", "text": "17081985", "date": "2021-01-13 03:00:00"}
RECEIPT = {"id": "ATXid_1", "status": "Success", "phoneNumber": "+6281200000001", "networkCode": "51010"}


@pytest.fixture
def queue(app: Flask) -> Iterator[Callable[[float], None]]:
    """Makes the queue in front of the process as long as told, in seconds: a mark is under way, sent so long after one that
    has come through."""
    marks: QueueMarks = app.extensions["marks"]

    def wait(seconds: float) -> None:
        now = time.monotonic()
        marks._seen = marks._sent = 0.0
        if seconds:
            marks.came_through(f"{marks.prefix}{now - seconds!r}")
            marks._sent = now

    yield wait
    wait(0.0)


def _shed(kind: str) -> float:
    return REGISTRY.get_sample_value("balas_shed_total", {"kind": kind}) or 0.0


def test_a_handset_is_told_that_we_are_busy_and_goes_on_afterwards(
    world: World, phone_of: PhoneOf, queue: Callable[[float], None]
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types("17081985").sees("Siti Wulandari")
    before = _shed("ussd")
    queue(1.2)
    phone.types("1").is_hung_up_on().sees("sistem sedang sibuk")
    assert _shed("ussd") == before + 1
    queue(0.0)
    phone.dials().sees("Siti Wulandari")


def test_nobody_is_asked_for_it(
    world: World, phone_of: PhoneOf, queue: Callable[[float], None], servers: EmbeddedServers
) -> None:
    queue(1.2)
    with paused(servers.postgres.pid), paused(servers.valkey.pid):
        began = time.monotonic()
        for _ in range(50):
            phone_of("+6281200000001").dials().is_hung_up_on().sees("sistem sedang sibuk")
        assert time.monotonic() - began < 0.4


@pytest.mark.parametrize(("endpoint", "form"), [("sms", SMS), ("receipts", RECEIPT)])
def test_what_is_no_hop_is_not_acknowledged_and_comes_again(
    world: World, post: Post, queue: Callable[[float], None], endpoint: str, form: Mapping[str, str]
) -> None:
    queue(1.2)
    assert post(f"{AT}/{endpoint}", form, {})[0] == 503
    assert world.database.value("SELECT count(*) FROM inbound") == 0
    queue(0.0)
    assert post(f"{AT}/{endpoint}", form, {})[0] == 200


def test_who_has_waited_less_is_served(world: World, phone_of: PhoneOf, queue: Callable[[float], None]) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    queue(0.4)
    phone_of(siti.phone).dials().sees("ketik tanggal lahir")


def test_who_is_in_the_middle_is_served_when_those_who_dial_are_turned_away(
    world: World, phone_of: PhoneOf, queue: Callable[[float], None]
) -> None:
    place = world.facility()
    siti, rina = world.worker(place), world.worker(place)
    assert siti.phone is not None
    assert rina.phone is not None
    phone = phone_of(siti.phone).dials()
    queue(0.7)
    phone_of(rina.phone).dials().is_hung_up_on().sees("sistem sedang sibuk")
    phone.types("17081985").sees("Siti Wulandari")
    queue(0.7)
    phone.types("1").sees("hamil")


def test_pages_are_not_turned_away(app: Flask, world: World, queue: Callable[[float], None]) -> None:
    queue(30.0)
    assert app.test_client().get("/healthz").status_code == 200


def test_pages_do_not_wait_in_vain_one_after_the_other(app: Flask, world: World, servers: EmbeddedServers) -> None:
    """While PostgreSQL does not answer: else who dials would wait behind all of them."""
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    with paused(servers.postgres.pid):
        client.get("/readyz")
        began = time.monotonic()
        for _ in range(10):
            assert client.get("/readyz").status_code == 503
        assert time.monotonic() - began < 1.5
    assert client.get("/readyz").status_code == 200


def test_what_was_waited_is_taken_off_the_deadline(
    world: World, phone_of: PhoneOf, queue: Callable[[float], None], servers: EmbeddedServers
) -> None:
    """However long PostgreSQL does not answer: the wait before and the time of the hop are no more than its deadline."""
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    with paused(servers.postgres.pid):
        queue(0.9)
        began = time.monotonic()
        phone.dials().is_hung_up_on().sees("sistem sedang sibuk")
        assert 0.9 + time.monotonic() - began < 3.0


def test_marks_of_strangers_are_not_taken(app: Flask, services: Services) -> None:
    marks: QueueMarks = app.extensions["marks"]
    client = app.test_client()
    assert client.get("/.mark/00000000000000000000000000000000/1.0").status_code == 404
    assert client.get(f"{marks.prefix}never").status_code == 404
    assert client.get(f"{marks.prefix}1.0").status_code == 204
    assert marks.waited() == 0.0  # none is under way
