"""The rules that wake people up: they name what is there, they are explained, and they hold when it happens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import prometheus_client
import pytest
from flask import Flask

from bot import invariants, metrics, pulse
from bot.alarms import KEPT, Alarms
from bot.backup.manifest import Manifest
from bot.backup.noting import note
from bot.clockwork import Leadership
from bot.embedded.servers import EmbeddedServers
from bot.evaluation import figures, gateways
from bot.invariants import Finding
from bot.queues import Work
from bot.registration import closing
from bot.services import Services
from tests.alert_rules import Rule, named
from tests.alert_watch import EVERYTHING, RULES, Watch, of, watch
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import Phone
from tests.sources import ROOT
from tests.stopping import paused
from tests.world import World

__all__ = ["app", "clock", "environ", "phone_of", "post", "services", "watch", "world"]

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)


class TestTheFile:
    def test_it_names_only_what_metrics_really_have(self, app: Flask) -> None:
        told = app.test_client().get("/metrics").get_data(as_text=True)
        for rule in RULES.values():
            for name, labels in named(rule.expression):
                if name == "up":  # Prometheus' own
                    continue
                family = name.removesuffix("_bucket")
                assert f"# TYPE {family} " in told, rule
                assert labels <= _labels()[family], rule

    @each_rule
    def test_it_says_what_to_do(self, rule: Rule) -> None:
        text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        [section] = re.findall(rf"^### {rule.name}\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
        assert "Do: " in section
        assert rule.severity in {"page", "ticket"}
        assert rule.summary

    def test_every_section_is_of_a_rule(self) -> None:
        text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        assert set(re.findall(r"^### (Balas\w+)$", text, re.MULTILINE)) == set(RULES)


def _labels() -> dict[str, set[str]]:
    """The labels of each of our metrics."""
    ours = [value for value in vars(metrics).values() if isinstance(value, prometheus_client.metrics.MetricWrapperBase)]
    return {
        name: set(each._labelnames)
        for each in ours
        for name in (each._name, f"{each._name}_total")
        if each._type == "counter" or not name.endswith("_total")
    }


class TestWhatHappens:
    def test_postgresql_and_redis_are_away_and_come_back(self, watch: Watch, servers: EmbeddedServers) -> None:
        assert watch.holds("BalasPartAway") == set()
        with paused(servers.valkey.pid):
            assert watch.holds("BalasPartAway") == of(part="redis") | of(part="queue")
        assert watch.holds("BalasPartAway") == set()
        with paused(servers.postgres.pid):
            assert watch.holds("BalasPartAway") == of(part="postgresql")
        _until_back(watch, "BalasPartAway")

    def test_a_reply_grows_old(
        self, watch: Watch, world: World, phone_of: Callable[[str], Phone], clock: MovableClock
    ) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        assert siti.phone is not None
        phone_of(siti.phone).registers(siti.typed_birth_date).sees("Terdaftar")
        assert watch.holds("BalasReplyOld") == set()
        clock.passes(seconds=31)
        assert watch.holds("BalasReplyOld") == EVERYTHING

    def test_somebody_calls_with_a_wrong_secret(self, watch: Watch, app: Flask) -> None:
        client = app.test_client()
        for _ in range(29):
            client.post("/webhooks/africastalking/guessed/ussd", data={"sessionId": "1"})
        assert watch.holds("BalasWebhooksRefused") == set()
        for _ in range(2):
            client.post("/webhooks/africastalking/guessed/ussd", data={"sessionId": "1"})
        assert watch.holds("BalasWebhooksRefused") == of(gateway="africastalking")

    def test_the_sweep_is_late(self, watch: Watch, clock: MovableClock) -> None:
        assert watch.holds("BalasSweepLate") == EVERYTHING  # it never was
        pulse.note_sweep(watch.services.queue, clock.now)
        assert watch.holds("BalasSweepLate") == set()
        clock.passes(seconds=61)
        assert watch.holds("BalasSweepLate") == EVERYTHING

    def test_no_clock_leads(self, watch: Watch) -> None:
        assert watch.holds("BalasClockMissing") == EVERYTHING
        leadership = Leadership(watch.services.queue)
        assert leadership.held()
        assert watch.holds("BalasClockMissing") == set()
        leadership.resign()
        assert watch.holds("BalasClockMissing") == EVERYTHING

    def test_lanes_without_workers(self, watch: Watch) -> None:
        assert watch.holds("BalasWorkersMissing") == set().union(*(of(lane=work.value) for work in Work))

    def test_no_place_is_left_in_a_district(
        self, watch: Watch, world: World, phone_of: Callable[[str], Phone], clock: MovableClock
    ) -> None:
        place = world.facility()
        session = world.session(place, capacity=1)
        siti, _ = world.worker(place), world.worker(place, name="Budi")
        world.database.rows("UPDATE worker SET updated_at = %s", (clock.now,))
        assert siti.phone is not None
        assert _made(watch, clock)
        assert watch.holds("BalasPlacesGone") == set()
        phone_of(siti.phone).registers(siti.typed_birth_date).sees("Terdaftar")
        assert _made(watch, clock)
        assert watch.holds("BalasPlacesGone") == EVERYTHING
        world.database.rows("UPDATE vaccination_session SET capacity = 2 WHERE id = %s", (session,))
        assert _made(watch, clock)
        assert watch.holds("BalasPlacesGone") == set()
        world.database.rows("UPDATE vaccination_session SET capacity = 1 WHERE id = %s", (session,))
        closing.close_at(world.database, clock.now, now=clock.now, actor="test")
        assert _made(watch, clock)
        assert watch.holds("BalasPlacesGone") == set()

    def test_figures_are_late(self, watch: Watch, clock: MovableClock) -> None:
        assert _made(watch, clock)
        assert watch.holds("BalasFiguresLate") == set()
        clock.passes(seconds=121)
        assert watch.holds("BalasFiguresLate") == EVERYTHING

    def test_an_sms_waits_and_is_given_up(self, watch: Watch, world: World, clock: MovableClock) -> None:
        world.database.rows(
            "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at) "
            "VALUES ('twilio', 'SM1', '+6281', '', 'received', %s)",
            (clock.now,),
        )
        assert watch.holds("BalasInboundWaits") == set()
        clock.passes(seconds=61)
        assert watch.holds("BalasInboundWaits") == EVERYTHING
        assert watch.holds("BalasDeadLetters") == set()
        world.database.rows("UPDATE inbound SET state = 'dead'")
        assert watch.holds("BalasInboundWaits") == set()
        assert watch.holds("BalasDeadLetters") == EVERYTHING

    def test_a_gateway_takes_messages_and_never_says_what_became_of_them(
        self, watch: Watch, world: World, phone_of: Callable[[str], Phone], clock: MovableClock, app: Flask
    ) -> None:
        _sent(world, clock, "accepted", 21)
        assert gateways.make(world.database, clock.now)
        assert watch.holds("BalasReceiptsSilent") == of(gateway="africastalking")
        form = {"id": "ATXid_1", "status": "Success", "phoneNumber": "+6281200000001", "networkCode": "51010"}
        app.test_client().post("/webhooks/africastalking/webhook-secret-of-tests/receipts", data=form)
        assert watch.holds("BalasReceiptsSilent") == set()

    def test_a_gateway_refuses(self, watch: Watch, world: World, clock: MovableClock) -> None:
        _sent(world, clock, "rejected", 21)
        assert gateways.make(world.database, clock.now)
        assert watch.holds("BalasGatewayRefuses") == of(gateway="africastalking")
        clock.passes(minutes=11)
        assert watch.holds("BalasGatewayRefuses") == set()  # nobody has counted since: that says nothing

    def test_messages_of_unknown_fate(self, watch: Watch, world: World, clock: MovableClock) -> None:
        assert watch.holds("BalasMessagesUnknown") == set()
        _sent(world, clock, "unknown", 1)
        assert watch.holds("BalasMessagesUnknown") == EVERYTHING

    def test_nobody_has_taken_a_backup(self, watch: Watch, world: World, clock: MovableClock) -> None:
        assert watch.holds("BalasBackupOld") == EVERYTHING
        note(world.database, Manifest(clock.now, "0", "0008", 18, 0, "", {}, "", "", ()), took=1.0)
        assert watch.holds("BalasBackupOld") == set()
        clock.passes(hours=26, seconds=1)
        assert watch.holds("BalasBackupOld") == EVERYTHING

    def test_an_invariant_is_broken(self, watch: Watch, world: World, clock: MovableClock) -> None:
        invariants.keep(world.database, [Finding(invariants.INVARIANTS[0], 1, ("1",))], clock.now, took=0.1)
        assert watch.holds("BalasInvariantBroken") == EVERYTHING
        invariants.keep(world.database, [Finding(invariants.INVARIANTS[0], 0, ())], clock.now, took=0.1)
        assert watch.holds("BalasInvariantBroken") == set()


def test_it_is_not_looked_up_for_each_who_asks(services: Services, world: World) -> None:
    """Web has callers to serve."""
    alarms = Alarms(services)
    alarms.look_again()
    world.database.rows(
        "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at) "
        "VALUES ('twilio', 'SM1', '+6281', '', 'dead', %s)",
        (world.now,),
    )
    alarms.look_again()
    assert metrics.INBOUND_DEAD._value.get() == 0
    alarms._looked_at -= KEPT
    alarms.look_again()
    assert metrics.INBOUND_DEAD._value.get() == 1


def _made(watch: Watch, clock: MovableClock) -> bool:
    clock.passes(seconds=11)
    return figures.make(watch.services.database, watch.services.clock)


def _until_back(watch: Watch, name: str) -> None:
    """PostgreSQL is asked by one at a time after an outage: look until it has been."""
    for _ in range(200):
        if watch.holds(name) == set():
            return
    pytest.fail(f"{name} still holds")


def _sent(world: World, clock: MovableClock, state: str, count: int) -> None:
    """So many messages, handed over just now."""
    world.database.rows(
        "WITH a AS (INSERT INTO attempt (lane, gateway, size, state, created_at, due_at, submitted_at, has_unknown) "
        "VALUES ('reply', 'africastalking', %(count)s, 'settled', %(now)s, %(now)s, %(now)s, true) RETURNING id) "
        "INSERT INTO message (attempt_id, phone, state, created_at, lane, kind, gateway, language, natural_key, body, reason) "
        "SELECT id, '+6281', %(state)s, %(now)s, 'reply', 'reply', 'africastalking', 'id', 'test:' || n, 'halo', 'why' "
        "FROM a, generate_series(1, %(count)s) n",
        {"now": clock.now, "state": state, "count": count},
    )


def test_who_asks_holds_up_no_caller_while_servers_are_away(
    app: Flask, servers: EmbeddedServers, services: Services, world: World
) -> None:
    """Web answers one request at a time."""
    client = app.test_client()
    client.get("/metrics")
    with paused(servers.postgres.pid), paused(servers.valkey.pid):
        began = time.monotonic()
        assert client.get("/metrics").status_code == 200
        assert time.monotonic() - began < 2.5
