"""A worker whose settings lack a message's gateway."""

from __future__ import annotations

from datetime import timedelta

from gateway_adapters.base import GatewayRegistry
from tests.messaging.post import Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub


def test_it_puts_the_message_back_for_another_worker(mail: Post, stub: AfricasTalkingStub) -> None:
    message = mail.write()
    assert mail.send(GatewayRegistry({})) == 0
    assert mail.state(message) == "queued"
    mail.clock.moment += timedelta(minutes=1)
    assert mail.send() == 1
    assert len(stub.taken) == 1
