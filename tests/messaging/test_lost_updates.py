"""Two who write about the same message at the same time: neither's word is lost. Each was found by reading."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import redis

from bot.messaging import receipts, settling
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace, Slot
from bot.messaging.sending import Sender
from bot.messaging.settling import Settled
from bot.redis_clients import connect
from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import Accepted, GatewayRegistry, Outcome, Outgoing, ReceiptStatus, Unknown
from tests.messaging.post import PHONE, Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour


def test_a_later_receipt_does_not_hide_an_earlier_one_that_still_waits(mail: Post) -> None:
    """Delivered came before our own answer was stored, sent comes after it, and the sweep after both."""
    message = mail.write()
    [(lease, letter)] = mail.submit()
    assert not mail.receipt(ReceiptStatus.DELIVERED, "ATXid_1")
    # Killed between storing the answer and applying what had waited for it.
    mail.database.rows("UPDATE message SET state = 'accepted', provider_id = 'ATXid_1' WHERE id = %s", (message,))
    assert mail.receipt(ReceiptStatus.SENT, "ATXid_1")
    receipts.rematch(mail.database, mail.clock.now())
    assert mail.state(message) == "delivered"
    assert letter.id == message
    assert lease.size == 1


def test_one_that_comes_twice_at_once_is_there_once(mail: Post) -> None:
    """One process finds its message, and another, whose look was before our own answer, keeps it without one."""
    message = mail.write()
    mail.submit()
    mail.database.rows("UPDATE message SET state = 'accepted', provider_id = 'ATXid_1' WHERE id = %s", (message,))
    assert mail.receipt(ReceiptStatus.DELIVERED, "ATXid_1")
    twin = (
        "INSERT INTO receipt (gateway, provider_id, phone, status, received_at) "
        "VALUES ('africastalking', 'ATXid_1', %s, 'delivered', %s)"
    )
    for again in (
        lambda: receipts.rematch(mail.database, mail.clock.now()),
        lambda: mail.receipt(ReceiptStatus.DELIVERED, "ATXid_1"),
    ):
        mail.database.rows(twin, (PHONE, mail.clock.now()))
        assert again() == 1
        assert mail.database.rows("SELECT matched, message_id FROM receipt") == [(True, message)]
    assert mail.state(message) == "delivered"


def test_what_is_told_late_of_one_try_says_nothing_of_the_next(mail: Post) -> None:
    """An admin has had an unknown message sent again, when the first try's answer is written at last."""
    message = mail.write()
    [(lease, letter)] = mail.submit()
    settling.queue_again(mail.database, lease, [letter], mail.clock.now())
    settling.settle(
        mail.database, [Settled(lease, [letter], [Unknown(message, "no answer")])], [lease.id], mail.clock.now()
    )
    assert mail.state(message) == "queued"
    assert mail.send() == 1
    assert mail.state(message) == "accepted"


class _Raising(AfricasTalking):
    """An adapter that breaks its promise for some letters."""

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        if "broken" in batch[0].body:
            raise TypeError("an adapter's mistake")
        return [Accepted(letter.id, f"id-{letter.id}") for letter in batch]


def test_an_adapter_that_raises_takes_nobody_elses_answer_with_it(mail: Post) -> None:
    environ = {"AT_USERNAME": "sandbox", "AT_API_KEY": "key-of-tests", "WEBHOOK_SECRET": "s"}
    raising = _Raising(environ, public_url="https://balas.example", timeout=1.0)
    whole = [mail.write("whole", f"+62812000001{number:02d}") for number in range(8)]
    broken = [mail.write("broken", f"+62812000002{number:02d}") for number in range(3)]
    assert mail.send(GatewayRegistry({"africastalking": raising})) == 8
    assert {mail.state(each) for each in whole} == {"accepted"}
    assert {mail.state(each) for each in broken} == {"unknown"}


class _PaceAway(Pace):
    """A Redis that is away as soon as a gateway asks to be left alone."""

    def rest(self, gateway: str, at_least: float = 0.0) -> float:
        raise redis.ConnectionError("away")

    def take(self, gateway: str, messages: int, rate: float | None) -> Slot:
        return Slot(True, 0.0)


def test_answers_are_written_also_where_redis_is_away_when_a_gateway_complains(
    mail: Post, stub: AfricasTalkingStub, redis_url: str
) -> None:
    written = [mail.write("halo", f"+62812000001{number:02d}") for number in range(12)]
    stub.behaves(Behaviour.THROTTLED, times=4)
    sender = Sender(mail.database, mail.gateways, mail.clock, Lane.REPLY, pace=_PaceAway(connect(redis_url)))
    with pytest.raises(redis.ConnectionError):
        sender.run(lambda: True)
    sender.close()
    states = [mail.state(each) for each in written]
    assert len(stub.taken) == states.count("accepted")
    assert set(states) <= {"accepted", "queued"}
    assert mail.database.value("SELECT count(*) FROM attempt WHERE state IN ('claimed', 'submitted')") == 0
    assert PHONE not in {taken.number for taken in stub.taken}
