"""Gateways and the stubs that they talk to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest

from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import Gateway
from gateway_adapters.twilio import Twilio
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.stub_gateways.twilio_stub import TwilioStub

_Gateway = TypeVar("_Gateway", bound=Gateway)

PUBLIC_URL = "https://balas.example"
#: Seconds. A gateway that answers is never given up, however busy the machine.
PATIENCE = 20.0
#: Seconds, of gateways that wait for what a stub holds back for much longer.
HASTE = 1.0
#: Seconds. Often enough that no single read ever runs out of time.
DRIP = 0.05


@pytest.fixture
def africastalking_stub() -> Iterator[AfricasTalkingStub]:
    with AfricasTalkingStub() as stub:
        stub.drip = DRIP
        yield stub


@pytest.fixture
def twilio_stub() -> Iterator[TwilioStub]:
    with TwilioStub() as stub:
        stub.drip = DRIP
        yield stub


@pytest.fixture
def africastalking(africastalking_stub: AfricasTalkingStub) -> AfricasTalking:
    environ = {
        "WEBHOOK_SECRET": "s3cret",
        "AT_USERNAME": "kemenkes",
        "AT_API_KEY": "atsk_key",
        "AT_SENDER_ID": "PEDULICOVID",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": africastalking_stub.url,
    }
    return AfricasTalking(environ, public_url=PUBLIC_URL, timeout=PATIENCE)


@pytest.fixture
def twilio(twilio_stub: TwilioStub) -> Twilio:
    environ = {
        "TWILIO_ACCOUNT_SID": "AC0123456789",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": twilio_stub.url,
    }
    return Twilio(environ, public_url=PUBLIC_URL, timeout=PATIENCE)


def in_haste_if_silent(gateway: _Gateway, behaviour: Behaviour) -> _Gateway:
    """The same account, given up after ``HASTE`` if the stub behaves so that no whole answer comes in time."""
    if behaviour not in {Behaviour.SLOW, Behaviour.DRIP_BODY, Behaviour.DRIP_HEADERS}:
        return gateway
    return type(gateway)(gateway.environ, public_url=PUBLIC_URL, timeout=HASTE)
