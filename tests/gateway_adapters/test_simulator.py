"""The simulator's gateway: its webhooks, and the inboxes in a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from gateway_adapters.base import (
    Accepted,
    Answer,
    BadRequest,
    EventKind,
    InboundSms,
    Outgoing,
    Receipt,
    ReceiptStatus,
    Rejected,
    Unknown,
    UssdHop,
    WebhookRequest,
)
from gateway_adapters.simulator import KEPT, LONGEST_INBOX, Simulator, inbox
from tests.conversation.wire import Wire
from tests.gateway_adapters.conftest import PUBLIC_URL

SITI, BUDI = "+6281234567890", "+6281234567891"


@pytest.fixture
def valkey(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def simulator(redis_url: str) -> Simulator:
    return Simulator({"WEBHOOK_SECRET": "s3cret", "REDIS_URL": redis_url}, public_url=PUBLIC_URL, timeout=1)


def call(**form: str) -> WebhookRequest:
    return WebhookRequest(PUBLIC_URL, form, {}, "s3cret")


def test_a_hop(simulator: Simulator) -> None:
    events = simulator.parse(call(phone=SITI, session="1", code="*119#", text="1*2"), EventKind.USSD)
    assert events == [UssdHop(SITI, "1", "*119#", "1*2")]
    assert simulator.render_ussd(Answer("Tanggal lahir?", goes_on=True)).body == "CON Tanggal lahir?"
    assert simulator.render_ussd(Answer("Sampai jumpa", goes_on=False)).body == "END Sampai jumpa"


def test_an_sms(simulator: Simulator) -> None:
    events = simulator.parse(call(phone=SITI, id="m1", text="MULAI", to="1199"), EventKind.SMS)
    assert events == [InboundSms(SITI, "m1", "MULAI", "1199")]


def test_a_receipt(simulator: Simulator) -> None:
    events = simulator.parse(call(id="sim-1", status="delivered", phone=SITI), EventKind.RECEIPT)
    assert events == [Receipt("sim-1", ReceiptStatus.DELIVERED, SITI)]
    with pytest.raises(BadRequest, match="status must be sent, delivered or failed"):
        simulator.parse(call(id="sim-1", status="lost"), EventKind.RECEIPT)


def test_what_is_sent_lies_in_the_inbox(simulator: Simulator, valkey: redis.Redis) -> None:
    accepted, wrong = simulator.send([Outgoing(1, SITI, "Tiket ABC123 é"), Outgoing(2, "x", "Tiket")])
    assert isinstance(accepted, Accepted)
    assert isinstance(wrong, Rejected)
    (message,) = inbox(valkey, SITI)
    assert (message.text, message.provider_id) == ("Tiket ABC123 é", accepted.provider_id)
    assert inbox(valkey, BUDI) == []


def test_a_page_asks_for_what_is_new(simulator: Simulator, valkey: redis.Redis) -> None:
    simulator.send([Outgoing(1, SITI, "satu"), Outgoing(2, SITI, "dua")])
    first, second = inbox(valkey, SITI)
    assert [message.text for message in inbox(valkey, SITI, after=first.position)] == ["dua"]
    assert inbox(valkey, SITI, after=second.position) == []
    assert len(inbox(valkey, SITI, after="")) == 2


def test_a_client_that_decodes_reads_the_same(simulator: Simulator, valkey: redis.Redis, redis_url: str) -> None:
    simulator.send([Outgoing(1, SITI, "satu")])
    with redis.Redis.from_url(redis_url, decode_responses=True) as decoding:
        assert inbox(decoding, SITI) == inbox(valkey, SITI)


def test_an_inbox_keeps_the_last_ones_for_a_day(simulator: Simulator, valkey: redis.Redis) -> None:
    simulator.send([Outgoing(number, SITI, str(number)) for number in range(LONGEST_INBOX + 5)])
    assert [message.text for message in inbox(valkey, SITI)] == [str(number) for number in range(5, LONGEST_INBOX + 5)]
    assert 0 < int(valkey.ttl(f"sim:inbox:{SITI}")) <= KEPT  # type: ignore[arg-type]


def test_inboxes_that_are_away_have_taken_nothing() -> None:
    environ = {"WEBHOOK_SECRET": "s3cret", "REDIS_URL": "redis://127.0.0.1:1/0"}
    gateway = Simulator(environ, public_url=PUBLIC_URL, timeout=1)
    (outcome,) = gateway.send([Outgoing(1, SITI, "Tiket")])
    assert outcome == Rejected(1, "the inboxes cannot be reached", permanent=False)


def test_inboxes_that_go_away_may_have_taken_what_was_on_its_way_and_nothing_after_it(redis_url: str) -> None:
    with Wire(redis_url) as wire:
        environ = {"WEBHOOK_SECRET": "s3cret", "REDIS_URL": wire.url}
        gateway = Simulator(environ, public_url=PUBLIC_URL, timeout=1)
        (taken,) = gateway.send([Outgoing(1, SITI, "Tiket")])
        wire.cut()
        (lost,) = gateway.send([Outgoing(2, SITI, "Tiket")])
        (refused,) = gateway.send([Outgoing(3, SITI, "Tiket")])
    assert isinstance(taken, Accepted)
    assert lost == Unknown(2, "the inboxes did not answer")
    assert refused == Rejected(3, "the inboxes cannot be reached", permanent=False)
