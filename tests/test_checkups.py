"""What looks the system over: signs of life, the gateways' last hour, the invariants' findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import redis
from rq import Queue, SimpleWorker

from bot import checkups, invariants, jobs, pulse
from bot.db.database import Database
from bot.evaluation import gateways
from bot.evaluation.gateways import Hour
from bot.messaging import balances
from bot.messaging.balances import Told
from bot.messaging.pacing import Pace, resting
from bot.queues import Work
from gateway_adapters.base import Balance, GatewayRegistry
from gateway_adapters.registry import load_gateways
from tests.journeys.conftest import MovableClock, app, clock, environ, in_this_process, services, world
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.stub_gateways.twilio_stub import TwilioStub
from tests.world import MORNING, World

__all__ = ["MovableClock", "app", "clock", "environ", "in_this_process", "services", "world"]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        made.flushall()
        yield made


def _sent(database: Database, gateway: str, state: str, *, provider_id: str | None, minutes_ago: int) -> None:
    at = MORNING - timedelta(minutes=minutes_ago)
    attempt = database.value(
        "INSERT INTO attempt (lane, gateway, size, phone, state, created_at, due_at, submitted_at, settled_at, "
        "has_unknown) VALUES ('reply', %s, 1, '+6281200000001', 'settled', %s, %s, %s, %s, %s) RETURNING id",
        (gateway, at, at, at, at, state == "unknown"),
    )
    database.rows(
        "INSERT INTO message (attempt_id, phone, state, provider_id, settled_at, created_at, lane, kind, gateway, "
        "language, natural_key, body) VALUES (%s, '+6281200000001', %s, %s, %s, %s, 'reply', 'reply', %s, 'id', %s, 'x')",
        (attempt, state, provider_id, at, at, gateway, f"reply:{attempt}"),
    )


def test_the_last_hour_of_each_gateway(world: World) -> None:
    database = world.database
    _sent(database, "one", "accepted", provider_id="a", minutes_ago=10)
    _sent(database, "one", "delivered", provider_id="b", minutes_ago=20)
    # a handset that was off is no fault of the gateway's
    _sent(database, "one", "rejected", provider_id="c", minutes_ago=30)
    _sent(database, "one", "rejected", provider_id=None, minutes_ago=5)
    _sent(database, "one", "unknown", provider_id=None, minutes_ago=5)
    _sent(database, "one", "accepted", provider_id="d", minutes_ago=70)
    _sent(database, "two", "unknown", provider_id=None, minutes_ago=1)
    assert gateways.kept(database) is None
    assert gateways.make(database, MORNING)
    found = gateways.kept(database)
    assert found is not None
    assert found.as_of == MORNING
    assert found.by_gateway == {
        "one": Hour(3, 1, 1, MORNING - timedelta(minutes=10)),
        "two": Hour(0, 0, 1, None),
    }
    assert (found.by_gateway["one"].handed_over, found.by_gateway["one"].failed) == (5, 2)


def test_the_last_success_is_remembered_and_counting_is_not_hurried(world: World) -> None:
    database = world.database
    _sent(database, "one", "accepted", provider_id="a", minutes_ago=10)
    assert gateways.make(database, MORNING)
    assert not gateways.make(database, MORNING + timedelta(seconds=3))
    assert gateways.make(database, MORNING + timedelta(hours=3))
    found = gateways.kept(database)
    assert found is not None
    assert found.by_gateway == {"one": Hour(0, 0, 0, MORNING - timedelta(minutes=10))}


def test_a_gateway_that_asked_for_less_rests(client: redis.Redis) -> None:
    assert resting(client, ["one", "two"]) == {"one": 0, "two": 0}
    Pace(client).rest("one", at_least=30)
    found = resting(client, ["one", "two"])
    assert 25 < found["one"] <= 30
    assert found["two"] == 0


def test_signs_of_life(client: redis.Redis) -> None:
    dead = pulse.feel(client)
    assert (dead.swept_at, dead.clock_leads, dead.check_asked) == (None, False, False)
    assert set(dead.workers.values()) == {0}
    worker = SimpleWorker([Queue(Work.REPLY.value, connection=client)], connection=client)
    worker.register_birth()  # type: ignore[no-untyped-call]
    client.set(pulse.CLOCK_LEADER, "somebody", ex=15)
    pulse.note_sweep(client, MORNING)
    Queue(Work.BLAST.value, connection=client).enqueue("bot.jobs.drain", "blast")
    alive = pulse.feel(client)
    assert alive.swept_at == MORNING
    assert alive.clock_leads
    assert (alive.workers[Work.REPLY], alive.busy[Work.REPLY], alive.workers[Work.BLAST]) == (1, 0, 0)
    assert (alive.queued[Work.BLAST], alive.queued[Work.REPLY]) == (1, 0)


@pytest.mark.usefixtures("in_this_process")
def test_the_sweep_says_that_it_ran(client: redis.Redis, world: World) -> None:
    jobs.sweep()
    assert pulse.feel(client).swept_at == MORNING


@pytest.mark.usefixtures("in_this_process")
def test_a_check_is_asked_for_once_and_its_findings_are_kept(client: redis.Redis, world: World) -> None:
    world.session(world.facility())
    world.database.rows("UPDATE vaccination_session SET taken = 1")
    assert pulse.ask_for_check(client)
    assert not pulse.ask_for_check(client)
    assert pulse.feel(client).check_asked
    sweep = Queue(Work.SWEEP.value, connection=client)
    SimpleWorker([sweep], connection=client).work(burst=True, logging_level="WARNING")
    assert not pulse.feel(client).check_asked
    found = invariants.kept(world.database)
    assert found is not None
    assert (found.as_of, found.broken) == (MORNING, 1)
    [(name, count, examples)] = [each for each in found.findings if each[1]]
    assert (name.split(" = ")[0], count, len(examples)) == ("taken places", 1, 1)


@pytest.mark.usefixtures("in_this_process")
def test_gateways_are_counted_by_the_clocks_job(world: World) -> None:
    _sent(world.database, "one", "accepted", provider_id="a", minutes_ago=10)
    assert checkups.count_gateways()
    assert not checkups.count_gateways()


def _accounts(africastalking: AfricasTalkingStub, twilio: TwilioStub) -> GatewayRegistry:
    environ = {
        "AT_USERNAME": "kemenkes",
        "AT_API_KEY": "key",
        "AT_API_URL": africastalking.url,
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": twilio.url,
    }
    return load_gateways(environ, public_url="https://balas.example", timeout=20, simulator=True)


def test_gateways_are_asked_what_is_left_and_not_too_often(world: World) -> None:
    with AfricasTalkingStub() as africastalking, TwilioStub() as twilio:
        accounts = _accounts(africastalking, twilio)
        assert balances.kept(world.database) == {}
        assert balances.ask(world.database, accounts, MORNING) == 2
        assert balances.kept(world.database) == {
            "africastalking": Told(Balance(Decimal("1785.50"), "KES"), MORNING),
            "twilio": Told(Balance(Decimal("12.34"), "USD"), MORNING),
        }
        assert balances.ask(world.database, accounts, MORNING + timedelta(minutes=4)) is None
        assert (len(africastalking.received), len(twilio.received)) == (1, 1)


def test_a_gateway_that_does_not_answer_keeps_what_it_told(world: World) -> None:
    with AfricasTalkingStub() as africastalking, TwilioStub() as twilio:
        accounts, later = _accounts(africastalking, twilio), MORNING + timedelta(minutes=5)
        balances.ask(world.database, accounts, MORNING)
        twilio.behaves(Behaviour.ERROR_500)
        africastalking.balance = "KES 5.00"
        assert balances.ask(world.database, accounts, later) == 1
        known = balances.kept(world.database)
        assert known["africastalking"] == Told(Balance(Decimal("5.00"), "KES"), later)
        assert known["twilio"].as_of == MORNING
        # and one whose settings are taken away is not asked, and forgotten
        nothing = load_gateways({}, public_url="https://balas.example", simulator=True)
        assert balances.ask(world.database, nothing, later + timedelta(minutes=5)) == 0
        assert balances.kept(world.database) == {}


class TestTheClocksJob:
    @pytest.fixture
    def stubs(self) -> Iterator[tuple[AfricasTalkingStub, TwilioStub]]:
        with AfricasTalkingStub() as africastalking, TwilioStub() as twilio:
            yield africastalking, twilio

    @pytest.fixture
    def environ(self, environ: dict[str, str], stubs: tuple[AfricasTalkingStub, TwilioStub]) -> dict[str, str]:
        africastalking, twilio = stubs
        return {**environ, "AT_API_URL": africastalking.url, "TWILIO_API_URL": twilio.url}

    @pytest.mark.usefixtures("in_this_process")
    def test_it_asks_them(self, world: World) -> None:
        assert checkups.ask_balances() == 2
        assert checkups.ask_balances() == 0  # not due yet
        assert set(balances.kept(world.database)) == {"africastalking", "twilio"}
