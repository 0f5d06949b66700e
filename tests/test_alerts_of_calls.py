"""The rules about callers, delivery reports and the disk hold when it happens; and no rule is left that nobody has tried."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from flask import Flask

from bot.embedded.servers import EmbeddedServers
from bot.messaging import receipt_stream
from bot.services import Services
from bot.web.app import create_app
from bot.web.queue_marks import QueueMarks
from bot.web.spool_keeper import SpoolKeeper
from tests.alert_watch import EVERYTHING, RULES, Watch, of, watch
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import WEBHOOK_SECRET, Phone
from tests.sources import ROOT
from tests.stopping import paused
from tests.world import World

__all__ = ["app", "clock", "environ", "phone_of", "post", "services", "watch", "world"]

PhoneOf = Callable[[str], Phone]
PHONE = "+6281200000009"
#: Whether anything of ours answers is Prometheus' own to tell.
_PROMETHEUS_OWN = {"BalasDown"}


def test_a_hop_that_fails_inside(watch: Watch, world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    phone = phone_of(str(siti.phone)).dials().types(siti.typed_birth_date).types("1")
    assert (watch.holds("BalasHopsFail"), watch.holds("BalasFailures")) == (set(), set())
    world.database.rows("ALTER TABLE worker ADD CONSTRAINT trap CHECK (confirmed_at IS NULL) NOT VALID")
    phone.types("1").is_hung_up_on()
    assert (watch.holds("BalasHopsFail"), watch.holds("BalasFailures")) == (EVERYTHING, of(where="ussd"))


def test_hops_that_wait_for_postgresql(watch: Watch, world: World, phone_of: PhoneOf, servers: EmbeddedServers) -> None:
    siti = world.worker(world.facility())
    for _ in range(20):
        phone_of(PHONE).dials()
    assert watch.holds("BalasHopsSlow") == set()
    with paused(servers.postgres.pid):
        phone_of(str(siti.phone)).dials().is_hung_up_on()
    assert watch.holds("BalasHopsSlow") == EVERYTHING


def test_a_server_that_is_away_for_many(
    watch: Watch, world: World, phone_of: PhoneOf, servers: EmbeddedServers
) -> None:
    phone = phone_of(PHONE)
    with paused(servers.valkey.pid):
        for _ in range(29):
            phone.dials()
        assert watch.holds("BalasPartUnsteady") == set()
        for _ in range(3):
            phone.dials()
        assert watch.holds("BalasPartUnsteady") == of(where="ussd")


def test_more_call_than_web_can_answer(watch: Watch, world: World, phone_of: PhoneOf, app: Flask) -> None:
    marks: QueueMarks = app.extensions["marks"]
    assert watch.holds("BalasSheds") == set()
    for _ in range(301):
        # A mark that was sent a while ago has just come through, and the next is under way.
        now = time.monotonic()
        marks.came_through(f"{marks.prefix}{now - 1.2!r}")
        marks._sent = now
        phone_of(PHONE).dials().is_hung_up_on()
    marks._seen = marks._sent = 0.0
    assert watch.holds("BalasSheds") == of(kind="ussd")


def test_somebody_tries_niks_and_birth_dates(watch: Watch, world: World, clock: MovableClock) -> None:
    world.database.rows(
        "INSERT INTO identity_guard (kind, subject, failures, last_failure_at) "
        "SELECT 'nik', 'nik-' || n, 5, %s FROM generate_series(1, 100) n",
        (clock.now,),
    )
    assert watch.holds("BalasGuessing") == set()
    world.database.rows("UPDATE identity_guard SET failures = 6 WHERE subject = 'nik-1'")
    assert watch.holds("BalasGuessing") == EVERYTHING
    clock.passes(hours=1, seconds=1)
    assert watch.holds("BalasGuessing") == set()


def test_delivery_reports_pile_up(watch: Watch, services: Services) -> None:
    pipe = services.receipts_queue.pipeline(transaction=False)
    for _ in range(10_000):
        pipe.xadd(receipt_stream.STREAM, {"r": "[]"})
    pipe.execute()
    assert watch.holds("BalasReceiptsPile") == set()
    services.receipts_queue.xadd(receipt_stream.STREAM, {"r": "[]"})
    assert watch.holds("BalasReceiptsPile") == EVERYTHING


class TestDisk:
    def test_sms_wait_there(
        self, watch: Watch, phone_of: PhoneOf, servers: EmbeddedServers, services: Services, clock: MovableClock
    ) -> None:
        with paused(servers.postgres.pid):
            assert phone_of(PHONE).texts("halo") == 200
            clock.passes(seconds=120)
            assert watch.holds("BalasSpoolWaits") == set()
            clock.passes(seconds=1)
            assert watch.holds("BalasSpoolWaits") == EVERYTHING
        SpoolKeeper(services).look()
        assert watch.holds("BalasSpoolWaits") == set()

    def test_one_cannot_be_read(
        self, watch: Watch, phone_of: PhoneOf, servers: EmbeddedServers, services: Services
    ) -> None:
        with paused(servers.postgres.pid):
            assert phone_of(PHONE).texts("halo") == 200
        [letter] = services.spool.entries()
        letter.path.write_bytes(letter.path.read_bytes()[:-1])
        assert watch.holds("BalasSpoolQuarantine") == set()
        SpoolKeeper(services).look()
        assert watch.holds("BalasSpoolQuarantine") == EVERYTHING

    def test_it_refuses(self, watch: Watch, environ: dict[str, str], servers: EmbeddedServers) -> None:
        full = create_app(environ | {"SPOOL_MOST": "64"})
        form = {"from": PHONE, "to": "1199", "text": "halo", "date": "2021-01-13 03:00:00"}
        with paused(servers.postgres.pid):
            answers = [
                full.test_client().post(f"/webhooks/africastalking/{WEBHOOK_SECRET}/sms", data={**form, "id": one})
                for one in ("m1", "m2")
            ]
        full.extensions["services"].close()
        assert [answer.status_code for answer in answers] == [200, 503]
        assert watch.holds("BalasSpoolFails") == EVERYTHING


@pytest.mark.parametrize("name", sorted(set(RULES) - _PROMETHEUS_OWN))
def test_each_rule_is_made_to_hold_by_a_test(name: str) -> None:
    tried = "".join((ROOT / "tests" / file).read_text() for file in ("test_alerts.py", "test_alerts_of_calls.py"))
    assert re.search(rf'holds\("{name}"\)', tried)
