"""Asking a gateway what became of messages whose fate is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.stub_gateway.running import RunningStub
from bot.clock import ManualClock
from bot.db.database import Database
from bot.messaging import leases, outbox
from bot.messaging.outbox import Draft, Lane
from bot.messaging.pacing import Pace
from bot.messaging.reconciling import reconcile
from bot.messaging.sending import Sender
from bot.redis_clients import connect
from gateway_adapters.base import GatewayRegistry
from gateway_adapters.registry import load_gateways

#: Writes a reply: key and body to its id.
Write = Callable[[str, str], int]
PHONE = "+6281200000001"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[RunningStub]:
    with RunningStub(tmp_path / "messages.log", auth_token="token") as running:
        yield running


@pytest.fixture
def gateways(stub: RunningStub) -> GatewayRegistry:
    environ = {
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": stub.url,
    }
    return load_gateways(environ, public_url="https://balas.example", timeout=2.0)


@pytest.fixture
def clock() -> ManualClock:
    # The gateway lists by its own clock.
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def write(database: Database, clock: ManualClock) -> Write:
    def written(key: str, body: str) -> int:
        with database.transaction() as connection:
            draft = Draft(key, "reply", Lane.REPLY, "twilio", PHONE, "id", body)
            message = outbox.write(connection, draft, clock.now())
        assert message is not None
        return message

    return written


def _send(database: Database, gateways: GatewayRegistry, clock: ManualClock, redis_url: str) -> None:
    sender = Sender(database, gateways, clock, Lane.REPLY, pace=Pace(connect(redis_url)))
    sender.run(lambda: True)
    sender.close()


def _ask(database: Database, gateways: GatewayRegistry, clock: ManualClock, said: dict[int, str] | None = None) -> int:
    return reconcile(database, gateways, clock.now(), lambda _attempt, _now: said or {})


def _state(database: Database, message: int) -> str:
    found: str = database.value("SELECT state FROM message WHERE id = %s", (message,))
    return found


def test_what_the_gateway_took_is_known_when_it_is_asked(
    database: Database, gateways: GatewayRegistry, clock: ManualClock, write: Write, stub: RunningStub, redis_url: str
) -> None:
    stub.behaves(dropped=1.0)
    message = write("a", "Balas dengan tanggal lahir")
    _send(database, gateways, clock, redis_url)
    assert _state(database, message) == "unknown"
    stub.behaves(dropped=0.0)
    assert _ask(database, gateways, clock) == 0  # too early: the gateway's list takes a while
    clock.moment += timedelta(minutes=3)
    assert _ask(database, gateways, clock) == 1
    assert _state(database, message) in {"accepted", "delivered"}
    assert database.value("SELECT provider_id FROM message WHERE id = %s", (message,)) == stub.taken()[0].id
    assert database.value("SELECT count(*) FROM further_acceptance") == 0
    clock.moment += timedelta(hours=1)
    asked = stub.state()["requests"]
    assert _ask(database, gateways, clock) == 0
    assert stub.state()["requests"] == asked
    assert len(stub.taken()) == 1


def test_what_it_does_not_know_stays_unknown_and_is_asked_about_again_later(
    database: Database, gateways: GatewayRegistry, clock: ManualClock, write: Write, stub: RunningStub, redis_url: str
) -> None:
    stub.behaves(broken=1.0)
    message = write("a", "halo")
    _send(database, gateways, clock, redis_url)
    assert _state(database, message) == "unknown"
    stub.behaves(broken=0.0)
    for minutes, more in ((3, 1), (10, 0), (30, 1)):
        clock.moment += timedelta(minutes=minutes)
        asked = stub.state()["requests"]
        assert _ask(database, gateways, clock) == 0
        assert stub.state()["requests"] == asked + more
    assert _state(database, message) == "unknown"
    assert stub.taken() == []


def test_what_a_dead_worker_had_in_hand_is_found_by_what_it_would_have_said(
    database: Database, gateways: GatewayRegistry, clock: ManualClock, write: Write, stub: RunningStub, redis_url: str
) -> None:
    message = write("a", "halo")
    [(lease, _)] = leases.claim_replies(database, clock.now(), 10)
    leases.submit(database, [lease], clock.now())
    clock.moment += timedelta(seconds=61)
    assert leases.sweep(database, clock.now()) == (0, 1)
    clock.moment += timedelta(minutes=3)
    assert _ask(database, gateways, clock) == 0
    assert _state(database, message) == "unknown"
