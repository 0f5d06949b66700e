"""Handing messages to Twilio, over HTTP to a stub that speaks its protocol and can misbehave."""

from __future__ import annotations

import base64
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from gateway_adapters.base import Accepted, Outgoing, ReceiptStatus, Reconciled, Rejected, Unknown
from gateway_adapters.twilio import Twilio
from tests.gateway_adapters.conftest import HASTE, PATIENCE, PUBLIC_URL, in_haste_if_silent
from tests.stub_gateways.behaviour import Behaviour, StubAnswer, Taken
from tests.stub_gateways.twilio_stub import TwilioStub

SITI, BUDI = "+6281234567890", "+6281234567891"


def message(number: int = 1, phone: str = SITI, body: str = "Tiket ABC123") -> Outgoing:
    return Outgoing(number, phone, body)


def test_a_message_goes_out(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    (outcome,) = twilio.send([message(4711)])
    assert outcome == Accepted(4711, twilio_stub.taken[0].provider_id)
    (received,) = twilio_stub.received
    assert received.path == "/2010-04-01/Accounts/AC0123456789/Messages.json"
    assert base64.b64decode(received.credentials.removeprefix("Basic ")) == b"AC0123456789:token"
    assert received.form == {
        "To": SITI,
        "From": "+15005550006",
        "Body": "Tiket ABC123",
        "StatusCallback": f"{PUBLIC_URL}/webhooks/twilio/receipts?message=4711",
    }


def test_a_messaging_service_goes_before_a_number(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    environ = {**twilio.environ, "TWILIO_MESSAGING_SERVICE_SID": "MG1"}
    Twilio(environ, public_url=PUBLIC_URL, timeout=PATIENCE).send([message()])
    form = twilio_stub.received[0].form
    assert (form.get("MessagingServiceSid"), form.get("From")) == ("MG1", None)


def test_what_is_missing_to_send() -> None:
    gateway = Twilio({"TWILIO_AUTH_TOKEN": "t"}, public_url=PUBLIC_URL, timeout=PATIENCE)
    assert gateway.missing_to_send() == ["TWILIO_ACCOUNT_SID", "TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM"]
    (outcome,) = gateway.send([message()])
    assert isinstance(outcome, Rejected)
    assert not outcome.permanent


def test_the_edge_of_the_process_does_not_move_the_host(
    monkeypatch: pytest.MonkeyPatch, twilio: Twilio, twilio_stub: TwilioStub
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "singapore")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    assert isinstance(twilio.send([message()])[0], Accepted)
    assert len(twilio_stub.received) == 1


def test_a_batch_is_under_way_at_once(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    batch = [message(number, f"+62812{number:08}") for number in range(16)]
    twilio_stub.delay = 0.5
    twilio_stub.behaves(Behaviour.SLOW)
    started = time.monotonic()
    outcomes = twilio.send(batch)
    assert time.monotonic() - started < len(batch) * twilio_stub.delay / 2
    assert [outcome.message for outcome in outcomes] == list(range(16))
    assert {taken.number for taken in twilio_stub.taken} == {one.phone for one in batch}


def test_messages_to_one_number_keep_their_order(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    batch = [message(number, phone, str(number)) for number, phone in enumerate([SITI, BUDI] * 5)]
    twilio.send(batch)
    for phone in (SITI, BUDI):
        bodies = [int(taken.body) for taken in twilio_stub.taken if taken.number == phone]
        assert bodies == sorted(bodies)
        assert len(bodies) == 5


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (21211, Rejected(1, "Twilio says that the number is invalid", permanent=True, wrong_number=True)),
        (21614, Rejected(1, "the number is not a mobile number", permanent=True, wrong_number=True)),
        (21610, Rejected(1, "the subscriber has opted out at Twilio", permanent=True, opted_out=True)),
        (21408, Rejected(1, "the account may not send to this country", permanent=False)),
        (21608, Rejected(1, "a trial account sends to verified numbers only", permanent=False)),
        (30003, Rejected(1, "the phone was switched off or out of reach", permanent=False)),
        (30005, Rejected(1, "the number does not exist or is out of service", permanent=True, wrong_number=True)),
        (20429, Rejected(1, "Twilio asks to send more slowly", permanent=False, throttled=True)),
        (29999, Rejected(1, "Twilio's error 29999", permanent=False)),
    ],
)
def test_what_the_codes_mean(twilio: Twilio, twilio_stub: TwilioStub, code: int, expected: Rejected) -> None:
    twilio_stub.refuses(SITI, code)
    assert twilio.send([message()]) == [expected]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour.SLOW, f"Twilio did not answer: no whole answer within {HASTE:g} s"),
        (Behaviour.DRIP_BODY, f"Twilio did not answer: no whole answer within {HASTE:g} s"),
        (Behaviour.DRIP_HEADERS, f"Twilio did not answer: no whole answer within {HASTE:g} s"),
        (Behaviour.HTML, "Twilio did not answer: the answer cannot be read"),
        (Behaviour.GARBAGE, "Twilio did not answer: the answer cannot be read"),
        (Behaviour.HUGE, "Twilio did not answer: the answer is too long"),
        (Behaviour.ERROR_500, "Twilio answered HTTP 500"),
        (Behaviour.REDIRECT, "Twilio answered HTTP 307"),
        (Behaviour.DROP_AFTER_READING, "Twilio did not answer: the connection broke before the answer"),
        (Behaviour.DROP_BEFORE_READING, "Twilio did not answer: the connection broke before the answer"),
    ],
)
def test_after_a_misfortune_the_fate_is_unknown_and_nothing_is_repeated(
    twilio: Twilio, twilio_stub: TwilioStub, behaviour: Behaviour, reason: str
) -> None:
    twilio_stub.behaves(behaviour)
    gateway = in_haste_if_silent(twilio, behaviour)
    started = time.monotonic()
    assert gateway.send([message()]) == [Unknown(1, reason)]
    assert time.monotonic() - started < 2 * HASTE
    assert len(twilio_stub.received) == 1


@pytest.mark.parametrize("behaviour", [Behaviour.JSON_WITH_CHARSET, Behaviour.PLAIN_JSON, Behaviour.CLOSE])
def test_json_is_read_whatever_its_content_type(twilio: Twilio, twilio_stub: TwilioStub, behaviour: Behaviour) -> None:
    twilio_stub.behaves(behaviour)
    assert isinstance(twilio.send([message()])[0], Accepted)


def test_a_redirect_does_not_carry_the_token_away(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    with TwilioStub() as elsewhere:
        twilio_stub.redirect_to = elsewhere.url
        twilio_stub.behaves(Behaviour.REDIRECT)
        twilio.send([message()])
        assert elsewhere.received == []


def test_too_many_requests_are_to_be_sent_later(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    twilio_stub.behaves(Behaviour.THROTTLED)
    reason = "Twilio asks to send more slowly"
    assert twilio.send([message()]) == [Rejected(1, reason, permanent=False, throttled=True, retry_after=7.0)]


def test_wrong_credentials_name_their_settings(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    twilio_stub.behaves(Behaviour.UNAUTHORISED)
    (outcome,) = twilio.send([message()])
    reason = "Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
    assert outcome == Rejected(1, reason, permanent=False)


def test_a_gateway_that_is_down_has_taken_nothing(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    twilio_stub.stop()
    (outcome,) = twilio.send([message()])
    assert outcome == Rejected(1, "Twilio was not reached: the connection was refused", permanent=False)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", Unknown),
        (b'{"sid": 5}', Unknown),
        (b'{"sid": "SM1", "date_sent": 5}', Unknown),
        (b'{"sid": "SM1", "status": "failed", "error_code": 30005}', Rejected),
        (b'{"sid": "SM1", "status": "brand-new"}', Accepted),
    ],
)
def test_odd_answers(
    monkeypatch: pytest.MonkeyPatch, twilio: Twilio, twilio_stub: TwilioStub, body: bytes, kind: type
) -> None:
    monkeypatch.setattr(twilio_stub, "answer", lambda _received: StubAnswer(201, body))
    assert isinstance(twilio.send([message()])[0], kind)


def test_no_phone_number_gets_into_the_logs(
    caplog: pytest.LogCaptureFixture, twilio: Twilio, twilio_stub: TwilioStub
) -> None:
    with caplog.at_level(logging.DEBUG):
        twilio.send([message()])
        twilio_stub.behaves(Behaviour.ERROR_500)
        twilio.send([message()])
        twilio.reconcile(message(), datetime.now(UTC))
    assert len(twilio_stub.received) == 3
    assert "6281234567890" not in caplog.text


# --- asking about a message of unknown fate ---


def unknown_after_all(twilio: Twilio, stub: TwilioStub, times: int = 1) -> datetime:
    """Hand the message over ``times`` times, each time without learning of its fate."""
    since = datetime.now(UTC)
    stub.behaves(Behaviour.DROP_AFTER_READING, times)
    for _ in range(times):
        assert isinstance(twilio.send([message()])[0], Unknown)
    return since


@pytest.mark.parametrize(
    ("told", "status"),
    [("queued", ReceiptStatus.SENT), ("delivered", ReceiptStatus.DELIVERED), ("undelivered", ReceiptStatus.FAILED)],
)
def test_the_one_message_that_left_is_found(
    twilio: Twilio, twilio_stub: TwilioStub, told: str, status: ReceiptStatus
) -> None:
    since = unknown_after_all(twilio, twilio_stub)
    sid = twilio_stub.taken[0].provider_id
    twilio_stub.statuses[sid] = told
    found = twilio.reconcile(message(), since)
    assert isinstance(found, Reconciled)
    assert (found.message, found.provider_id, found.status) == (1, sid, status)
    assert twilio_stub.received[-1].query["To"] == SITI


def test_two_of_them_are_ambiguous(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    since = unknown_after_all(twilio, twilio_stub, times=2)
    assert twilio.reconcile(message(), since) is None


def test_another_text_is_not_ours(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    since = unknown_after_all(twilio, twilio_stub)
    assert twilio.reconcile(message(body="Pengingat"), since) is None


def test_an_older_message_is_not_ours(twilio: Twilio, twilio_stub: TwilioStub) -> None:
    since = unknown_after_all(twilio, twilio_stub)
    assert twilio.reconcile(message(), since + timedelta(hours=1)) is None


def test_too_many_messages_to_one_number_are_not_looked_through(
    monkeypatch: pytest.MonkeyPatch, twilio: Twilio, twilio_stub: TwilioStub
) -> None:
    since = unknown_after_all(twilio, twilio_stub)
    many = [Taken(SITI, str(number), f"SM{number}", time.time()) for number in range(99)]
    monkeypatch.setattr(TwilioStub, "taken", [*twilio_stub.taken, *many])
    assert twilio.reconcile(message(), since) is None


@pytest.mark.parametrize("behaviour", [Behaviour.SLOW, Behaviour.ERROR_500, Behaviour.HTML, Behaviour.UNAUTHORISED])
def test_a_question_without_an_answer_settles_nothing(
    twilio: Twilio, twilio_stub: TwilioStub, behaviour: Behaviour
) -> None:
    since = unknown_after_all(twilio, twilio_stub)
    twilio_stub.behaves(behaviour)
    assert in_haste_if_silent(twilio, behaviour).reconcile(message(), since) is None
