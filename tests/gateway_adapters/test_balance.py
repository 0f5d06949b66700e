"""What is left on the account, asked over HTTP of stubs that speak the providers' protocols and can misbehave."""

from __future__ import annotations

import base64
import time
from decimal import Decimal

import pytest

from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import Balance, TellsBalance
from gateway_adapters.registry import load_gateways
from gateway_adapters.simulator import Simulator
from gateway_adapters.twilio import Twilio
from tests.gateway_adapters.conftest import HASTE, PUBLIC_URL, in_haste_if_silent
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.stub_gateways.twilio_stub import TwilioStub

BROKEN = [
    behaviour for behaviour in Behaviour if behaviour not in {"normal", "json-with-charset", "plain-json", "close"}
]


def test_africas_talking_is_asked_for_its_user_data(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    assert africastalking.balance() == Balance(Decimal("1785.50"), "KES")
    (received,) = africastalking_stub.received
    assert (received.method, received.path, received.query) == ("GET", "/version1/user", {"username": "kemenkes"})
    assert received.credentials == "atsk_key"


def test_twilio_is_asked_for_its_balance(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    assert twilio.balance() == Balance(Decimal("12.34"), "USD")
    (received,) = twilio_stub.received
    assert (received.method, received.path) == ("GET", "/2010-04-01/Accounts/AC0123456789/Balance.json")
    assert base64.b64decode(received.credentials.removeprefix("Basic ")) == b"AC0123456789:token"


def test_content_types_do_not_matter_nor_who_hangs_up(
    africastalking: AfricasTalking,
    africastalking_stub: AfricasTalkingStub,
    twilio: Twilio,
    twilio_stub: TwilioStub,
) -> None:
    for behaviour in (Behaviour.PLAIN_JSON, Behaviour.JSON_WITH_CHARSET, Behaviour.CLOSE):
        africastalking_stub.behaves(behaviour)
        twilio_stub.behaves(behaviour)
        assert africastalking.balance() is not None
        assert twilio.balance() is not None


@pytest.mark.parametrize(
    ("told", "balance"),
    [
        ("IDR 1,234,567.8900", Balance(Decimal("1234567.89"), "IDR")),
        ("KES -12.5", Balance(Decimal("-12.5"), "KES")),
        (" usd 0 ", Balance(Decimal(0), "USD")),
        *(
            (odd, None)
            for odd in ("", "KES", "1785.50", "KES much", "KES 1e9", "KES 1.2.3", "KES NaN", None, 7, ["KES 1"])
        ),
    ],
)
def test_africas_talking_writes_currency_and_amount(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub, told: object, balance: Balance | None
) -> None:
    africastalking_stub.balance = told
    assert africastalking.balance() == balance


@pytest.mark.parametrize(
    ("told", "balance"),
    [
        ((12, "usd"), Balance(Decimal(12), "USD")),
        (("-0.05", "EUR"), Balance(Decimal("-0.05"), "EUR")),
        ((None, None), None),
        (("12", None), None),
        ((True, "USD"), None),
        (("", "USD"), None),
        (({}, "USD"), None),
        (("1", "U$"), None),
    ],
)
def test_twilio_writes_them_apart(
    twilio: Twilio, twilio_stub: TwilioStub, told: tuple[object, object], balance: Balance | None
) -> None:
    twilio_stub.balance = told
    assert twilio.balance() == balance


@pytest.mark.parametrize("behaviour", BROKEN)
def test_whatever_goes_wrong_it_is_unknown_and_in_time(
    africastalking: AfricasTalking,
    africastalking_stub: AfricasTalkingStub,
    twilio: Twilio,
    twilio_stub: TwilioStub,
    behaviour: Behaviour,
) -> None:
    for stub in (africastalking_stub, twilio_stub):
        stub.redirect_to = stub.url
        stub.behaves(behaviour)
    began = time.monotonic()
    if behaviour is not Behaviour.PARTIAL:  # which is about messages
        assert in_haste_if_silent(africastalking, behaviour).balance() is None
        assert in_haste_if_silent(twilio, behaviour).balance() is None
    assert time.monotonic() - began < 4 * HASTE


def test_who_can_be_asked() -> None:
    gateways = load_gateways({}, public_url=PUBLIC_URL, simulator=True)
    told = {name: gateway.balance() for name, gateway in gateways.by_name.items() if isinstance(gateway, TellsBalance)}
    assert told == {"africastalking": None, "twilio": None}  # nothing is set: nobody is asked
    assert not isinstance(gateways[Simulator.name], TellsBalance)
