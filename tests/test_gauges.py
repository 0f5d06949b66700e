"""What waits, as Prometheus is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot import jobs, metrics
from bot.gauges import look
from bot.messaging import outbox, receipt_stream
from bot.messaging.outbox import Draft, Lane
from bot.services import Services
from gateway_adapters.base import Receipt, ReceiptStatus
from tests.jobs_here import jobs_in_this_process
from tests.journeys.conftest import MovableClock, clock, environ
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour

__all__ = ["clock", "environ"]

PHONE = "+6281200000001"


@pytest.fixture
def gateway() -> Iterator[AfricasTalkingStub]:
    with AfricasTalkingStub() as stub:
        yield stub


@pytest.fixture
def parts(environ: dict[str, str], gateway: AfricasTalkingStub) -> Iterator[Services]:
    """The parts of a worker: its jobs find them by the environment."""
    with jobs_in_this_process({**environ, "AT_API_URL": gateway.url}):
        yield jobs.services()


def writes_reply(parts: Services) -> None:
    draft = Draft("test:1", "reply", Lane.REPLY, "africastalking", PHONE, "id", "halo")
    with parts.database.transaction() as connection:
        outbox.write(connection, draft, parts.clock.now())


def gauges(parts: Services) -> tuple[dict[str, float], float, float]:
    """Seconds of the oldest in each lane, unknown messages, receipts that wait."""
    look(parts)
    lines = metrics.render().decode().splitlines()
    values = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}
    oldest = {lane.value: values[f'balas_oldest_waiting_seconds{{lane="{lane.value}"}}'] for lane in Lane}
    return oldest, values["balas_unknown_messages"], values["balas_receipts_waiting"]


def test_nothing_waits(parts: Services) -> None:
    assert gauges(parts) == ({"reply": 0, "reminder": 0, "blast": 0}, 0, 0)


def test_a_reply_that_waits_grows_old_until_it_leaves(parts: Services, clock: MovableClock) -> None:
    writes_reply(parts)
    clock.passes(seconds=30)
    assert gauges(parts) == ({"reply": 30, "reminder": 0, "blast": 0}, 0, 0)
    clock.passes(seconds=12.5)
    assert gauges(parts)[0]["reply"] == 42.5
    assert jobs.drain(Lane.REPLY) == 1
    assert gauges(parts) == ({"reply": 0, "reminder": 0, "blast": 0}, 0, 0)


def test_an_unknown_message_counts_until_its_receipt_is_applied(parts: Services, gateway: AfricasTalkingStub) -> None:
    gateway.behaves(Behaviour.DROP_AFTER_READING)
    writes_reply(parts)
    assert jobs.drain(Lane.REPLY) == 0
    assert gauges(parts)[1:] == (1, 0)
    [taken] = gateway.taken
    receipt = Receipt(taken.provider_id, ReceiptStatus.DELIVERED, PHONE)
    receipt_stream.put(parts.receipts_way, "africastalking", [receipt], parts.clock.now())
    assert gauges(parts)[1:] == (1, 1)
    assert jobs.take_receipts() == 1
    assert gauges(parts)[1:] == (0, 0)


def test_what_a_dead_worker_had_handed_over_is_unknown(parts: Services, clock: MovableClock) -> None:
    writes_reply(parts)
    parts.database.rows("UPDATE attempt SET state = 'submitted', claimed_at = %s", (clock.now,))
    assert gauges(parts)[1] == 0
    clock.passes(seconds=61)
    jobs.sweep()
    assert gauges(parts)[1] == 1
