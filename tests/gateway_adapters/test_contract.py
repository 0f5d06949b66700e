"""What every adapter promises to the rest of the service, whatever its provider."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.phone import is_e164
from gateway_adapters.base import (
    BadRequest,
    Channel,
    Endpoint,
    Event,
    EventKind,
    Gateway,
    InboundSms,
    OptOut,
    Outgoing,
    Receipt,
    SettingMissing,
    UssdEnded,
    UssdHop,
    WebhookRequest,
)
from gateway_adapters.registry import GATEWAYS, load_gateways
from tests.gateway_adapters.conftest import PUBLIC_URL

NOTHING_LISTENS = "http://127.0.0.1:1"
FULL = {
    "WEBHOOK_SECRET": "s3cret",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "AT_USERNAME": "kemenkes",
    "AT_API_KEY": "key",
    "AT_API_URL": NOTHING_LISTENS,
    "TWILIO_ACCOUNT_SID": "AC0123456789",
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM": "+15005550006",
    "TWILIO_API_URL": NOTHING_LISTENS,
}
ENDPOINTS = [(make, endpoint) for make in GATEWAYS for endpoint in make.endpoints]
FIELDS = [
    *("phone", "session", "code", "text", "id", "to", "status", "reason"),
    *("sessionId", "phoneNumber", "serviceCode", "hopsCount", "from", "linkId", "failureReason"),
    *("MessageSid", "From", "To", "Body", "OptOutType", "MessageStatus", "ErrorCode"),
]
EVENTS: dict[EventKind, tuple[type[Event], ...]] = {
    EventKind.USSD: (UssdHop,),
    EventKind.USSD_ENDED: (UssdEnded,),
    EventKind.SMS: (InboundSms, OptOut),
    EventKind.RECEIPT: (Receipt, OptOut),
    EventKind.OPT_OUT: (OptOut,),
}

gateways = pytest.mark.parametrize("make", GATEWAYS, ids=lambda make: make.name)
endpoints = pytest.mark.parametrize(
    ("make", "endpoint"), ENDPOINTS, ids=lambda one: getattr(one, "route", None) or one.name
)
field_values = st.one_of(
    st.text(st.characters(codec=None), max_size=40),
    st.sampled_from(
        ["+6281234567890", " 6281234567890", "Success", "Failed", "STOP", "delivered", "undelivered", "21610"]
    ),
)


def made(make: type[Gateway], environ: dict[str, str]) -> Gateway:
    return make(environ, public_url=PUBLIC_URL, timeout=0.2)


def test_names_are_unique_and_fit_for_a_url() -> None:
    names = [make.name for make in GATEWAYS]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.isalnum() and name.islower() for name in names)


@gateways
def test_endpoints_are_unique_and_bring_what_the_channels_say(make: type[Gateway]) -> None:
    routes = [endpoint.route for endpoint in make.endpoints]
    assert len(set(routes)) == len(routes)
    assert all(route.startswith("/") and not route.endswith("/") for route in routes)
    brought = {endpoint.brings for endpoint in make.endpoints}
    assert (EventKind.USSD in brought) == (Channel.USSD in make.channels)
    assert (EventKind.SMS in brought) == (Channel.SMS in make.channels)


@gateways
def test_settings_explain_themselves(make: type[Gateway]) -> None:
    assert all(setting.meaning and setting.name == setting.name.upper() for setting in make.settings)
    assert all(
        setting.secret for setting in make.settings if any(word in setting.name for word in ("KEY", "TOKEN", "SECRET"))
    )


@gateways
def test_it_receives_and_sends_once_its_settings_are_there(make: type[Gateway]) -> None:
    bare, full = made(make, {}), made(make, FULL)
    assert (bare.can_receive(), full.can_receive()) == (False, True)
    assert bare.missing_to_send()
    assert full.missing_to_send() == []


@endpoints
def test_nobody_is_let_in_without_the_secret(make: type[Gateway], endpoint: Endpoint) -> None:
    form = {"From": "+6281234567890", "phoneNumber": "+6281234567890"}
    url = f"{PUBLIC_URL}/webhooks/{make.name}{endpoint.route}"
    for environ in (FULL, {}):
        gateway = made(make, environ)
        for secret in (None, "", "wrong", "s3cre", "s3crett", "S3CRET", "sécrét", "\udcff"):
            for headers in (
                {},
                {"X-Twilio-Signature": ""},
                {"X-Twilio-Signature": "AAAA"},
                {"x-twilio-signature": "é"},
            ):
                assert not gateway.authenticate(WebhookRequest(url, form, headers, secret))


@endpoints
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(form=st.dictionaries(st.sampled_from(FIELDS), field_values, max_size=len(FIELDS)), query=st.text(max_size=20))
def test_parsing_yields_sound_events_or_bad_request(
    make: type[Gateway], endpoint: Endpoint, form: dict[str, str], query: str
) -> None:
    request = WebhookRequest(f"{PUBLIC_URL}/x?message={query}", form, {}, "s3cret")
    events: list[Event] = []
    with contextlib.suppress(BadRequest):
        events = made(make, FULL).parse(request, endpoint.brings)
        assert events
    for event in events:
        assert isinstance(event, EVENTS[endpoint.brings])
        assert event.phone is None or is_e164(event.phone)
        for value in (getattr(event, name) for name in event.__slots__):
            if isinstance(value, str):
                assert "\0" not in value
                value.encode()  # PostgreSQL takes no halves of characters


@endpoints
@pytest.mark.parametrize("value", ["+62812345678901234567", "081234567890", "a\x07b", "x" * 129, "\ud800"])
def test_complaints_never_repeat_what_came(make: type[Gateway], endpoint: Endpoint, value: str) -> None:
    request = WebhookRequest(PUBLIC_URL, dict.fromkeys(set(FIELDS) - {"reason"}, value), {}, "s3cret")
    try:
        said = "".join(getattr(event, "reason", "") for event in made(make, FULL).parse(request, endpoint.brings))
    except BadRequest as complaint:
        said = str(complaint)
    assert value not in said


@endpoints
def test_an_empty_form_is_told_which_field_it_lacks(make: type[Gateway], endpoint: Endpoint) -> None:
    with pytest.raises(BadRequest, match=r"^[A-Za-z]+ is missing$"):
        made(make, FULL).parse(WebhookRequest(PUBLIC_URL, {}, {}, "s3cret"), endpoint.brings)


@gateways
def test_each_message_gets_exactly_one_outcome_whatever_happens(make: type[Gateway]) -> None:
    phones = ["+6281234567890", "+6281234567890", "garbage", "", "+6281234567891\n", "+62812٣٤٥٦٧٨٩", "+6281234567891"]
    batch = [Outgoing(number, phone, "halo", reply=True) for number, phone in enumerate(phones, 1)]
    for gateway in (made(make, {}), made(make, FULL)):
        assert gateway.send([]) == []
        assert [outcome.message for outcome in gateway.send(batch)] == [message.id for message in batch]


@gateways
def test_a_gateway_that_cannot_be_reached_has_taken_nothing(make: type[Gateway]) -> None:
    (outcome,) = made(make, FULL).send([Outgoing(1, "+6281234567890", "halo")])
    assert type(outcome).__name__ == "Rejected"
    assert not outcome.permanent  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_SECRET", "two/parts"),
        ("WEBHOOK_SECRET", " spaces "),
        ("AT_API_URL", "api.example.org"),
        ("AT_API_KEY", "key\nwith newline"),
        ("TWILIO_API_URL", "ftp://example.org"),
        ("TWILIO_API_URL", "http://[::1"),
        ("TWILIO_ACCOUNT_SID", "../other"),
        ("REDIS_URL", "not a url"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingMissing, match=name):
        load_gateways({**FULL, name: value}, public_url=PUBLIC_URL, simulator=True)


def test_the_simulator_is_loaded_only_when_asked_for() -> None:
    assert "simulator" not in load_gateways(FULL, public_url=PUBLIC_URL).by_name
    assert [gateway.name for gateway in load_gateways({}, public_url=PUBLIC_URL, simulator=True).receiving()] == []
    loaded = load_gateways(FULL, public_url=PUBLIC_URL + "/", simulator=True)
    assert [gateway.name for gateway in loaded.receiving()] == ["africastalking", "twilio", "simulator"]
    assert loaded["twilio"].public_url == PUBLIC_URL
