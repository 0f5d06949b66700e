"""Receipts move a message forward, early or late, and never back."""

from __future__ import annotations

from bot.messaging import receipts, settling
from bot.messaging.settling import Settled
from gateway_adapters.base import Accepted, ReceiptStatus
from tests.messaging.post import PHONE, Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour


def test_they_move_a_message_forward_only(mail: Post, stub: AfricasTalkingStub) -> None:
    message = mail.write()
    mail.send()
    provider_id = stub.taken[0].provider_id
    assert mail.receipt(ReceiptStatus.DELIVERED, provider_id)
    assert mail.receipt(ReceiptStatus.SENT, provider_id)
    assert mail.receipt(ReceiptStatus.FAILED, provider_id, reason="late")
    assert mail.state(message) == "delivered"
    assert mail.database.rows("SELECT DISTINCT matched, message_id FROM receipt") == [(True, message)]


def test_one_that_comes_before_our_own_answer_is_kept_and_matched(mail: Post, stub: AfricasTalkingStub) -> None:
    message = mail.write()
    [(lease, letter)] = mail.submit()
    assert not mail.receipt(ReceiptStatus.DELIVERED, "ATXid_early")
    assert (mail.state(message), mail.attempt(message)) == ("queued", ("submitted", 1))
    assert mail.database.row("SELECT matched, message_id FROM receipt") == (False, None)
    outcome = Settled(lease, [letter], [Accepted(message, "ATXid_early")])
    settling.settle(mail.database, [outcome], [lease.id], mail.clock.now())
    assert mail.state(message) == "delivered"
    assert mail.database.row("SELECT matched, message_id FROM receipt") == (True, message)


def test_those_that_came_too_early_are_matched_when_another_finds_their_message(
    mail: Post, stub: AfricasTalkingStub
) -> None:
    message = mail.write()
    mail.send()
    provider_id = stub.taken[0].provider_id
    # They were kept while our own answer was just being stored, and neither saw the others.
    mail.database.rows("UPDATE message SET provider_id = NULL")
    for reason in ("absent", "full"):
        assert not mail.receipt(ReceiptStatus.FAILED, provider_id, reason=reason)
    mail.database.rows("UPDATE message SET provider_id = %s", (provider_id,))
    assert mail.receipt(ReceiptStatus.FAILED, provider_id, reason="absent")
    assert mail.state(message) == "rejected"
    kept = "SELECT reason, matched, message_id FROM receipt ORDER BY reason"
    assert mail.database.rows(kept) == [("absent", True, message), ("full", True, message)]
    assert receipts.rematch(mail.database, mail.clock.now()) == 0


def test_it_settles_the_only_unknown_of_its_phone(mail: Post, stub: AfricasTalkingStub) -> None:
    stub.behaves(Behaviour.DROP_AFTER_READING)
    message = mail.write()
    mail.send()
    assert mail.state(message) == "unknown"
    provider_id = stub.taken[0].provider_id
    assert mail.receipt(ReceiptStatus.DELIVERED, provider_id, phone=PHONE)
    assert mail.state(message) == "delivered"


def test_it_settles_none_of_two_unknown_ones(mail: Post, stub: AfricasTalkingStub) -> None:
    stub.behaves(Behaviour.DROP_AFTER_READING)
    messages = [mail.write("one"), mail.write("two")]
    mail.send()
    assert not mail.receipt(ReceiptStatus.DELIVERED, stub.taken[0].provider_id, phone=PHONE)
    assert [mail.state(message) for message in messages] == ["unknown", "unknown"]


def test_the_same_one_again_changes_nothing(mail: Post, stub: AfricasTalkingStub) -> None:
    mail.write()
    mail.send()
    for _ in range(3):
        assert mail.receipt(ReceiptStatus.DELIVERED, stub.taken[0].provider_id)
    assert mail.database.value("SELECT count(*) FROM receipt") == 1


def test_one_for_an_unknown_id_is_kept(mail: Post) -> None:
    assert not mail.receipt(ReceiptStatus.DELIVERED, "nobody's")
    assert mail.database.value("SELECT matched FROM receipt") is False
