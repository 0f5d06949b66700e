"""Twilio's signed webhooks, and the TwiML that answers them."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest
from werkzeug.datastructures import Headers, ImmutableMultiDict

from gateway_adapters.base import (
    BadRequest,
    Event,
    EventKind,
    InboundSms,
    OptOut,
    Receipt,
    ReceiptStatus,
    WebhookRequest,
)
from gateway_adapters.twilio import Twilio
from tests.gateway_adapters.conftest import PUBLIC_URL
from tests.stub_gateways.twilio_stub import signed

PHONE = "+6281234567890"
SMS_URL = f"{PUBLIC_URL}/webhooks/twilio/sms"
RECEIPTS_URL = f"{PUBLIC_URL}/webhooks/twilio/receipts?message=4711"
SMS = {
    "MessageSid": "SM0f1e",
    "SmsSid": "SM0f1e",
    "AccountSid": "AC0123456789",
    "MessagingServiceSid": "",
    "From": PHONE,
    "To": "+15005550006",
    "Body": "17 agustus 1985 ✓",
    "NumMedia": "0",
    "NumSegments": "1",
    "FromCountry": "ID",
}
CALLBACK = {
    "MessageSid": "SM99",
    "MessageStatus": "delivered",
    "ErrorCode": "",
    "To": PHONE,
    "From": "+15005550006",
}


def call(url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> WebhookRequest:
    return WebhookRequest(url, form, signed(url, form, "token") if headers is None else headers)


def inbound(gateway: Twilio, **fields: str) -> list[Event]:
    return gateway.parse(call(SMS_URL, {**SMS, **fields}), EventKind.SMS)


def receipts(gateway: Twilio, url: str = RECEIPTS_URL, **fields: str) -> list[Event]:
    return gateway.parse(call(url, {**CALLBACK, **fields}), EventKind.RECEIPT)


@pytest.mark.parametrize(("url", "form"), [(SMS_URL, SMS), (RECEIPTS_URL, CALLBACK)])
def test_a_signed_call_is_believed(twilio: Twilio, url: str, form: dict[str, str]) -> None:
    assert twilio.authenticate(call(url, form))


def test_fields_that_are_new_are_part_of_the_signature(twilio: Twilio) -> None:
    assert twilio.authenticate(call(SMS_URL, {**SMS, "BrandNew": "yes", "Empty": ""}))


def test_a_call_as_the_web_framework_hands_it_over_is_believed(twilio: Twilio) -> None:
    headers = {name.lower(): value for name, value in signed(SMS_URL, SMS, "token").items()}
    assert twilio.authenticate(WebhookRequest(SMS_URL, ImmutableMultiDict(SMS), Headers(headers)))


@pytest.mark.parametrize(
    "request_",
    [
        call(SMS_URL, SMS, {}),
        call(SMS_URL, SMS, {"X-Twilio-Signature": ""}),
        call(SMS_URL, SMS, signed(SMS_URL, SMS, "another token")),
        call(SMS_URL, {**SMS, "Body": "changed"}, signed(SMS_URL, SMS, "token")),
        call(SMS_URL, {**SMS, "Added": "1"}, signed(SMS_URL, SMS, "token")),
        call(RECEIPTS_URL.replace("4711", "4712"), CALLBACK, signed(RECEIPTS_URL, CALLBACK, "token")),
        call(SMS_URL, {**SMS, "Body": "\ud800"}, signed(SMS_URL, SMS, "token")),
        call("https://balas.example:port/", SMS, signed(SMS_URL, SMS, "token")),
    ],
)
def test_anything_else_is_not_believed(twilio: Twilio, request_: WebhookRequest) -> None:
    assert not twilio.authenticate(request_)


def test_nobody_is_believed_without_an_auth_token() -> None:
    gateway = Twilio({}, public_url=PUBLIC_URL, timeout=1)
    assert not gateway.authenticate(call(SMS_URL, SMS, signed(SMS_URL, SMS, "")))


def test_an_inbound_sms(twilio: Twilio) -> None:
    assert inbound(twilio) == [InboundSms(PHONE, "SM0f1e", "17 agustus 1985 ✓", "+15005550006")]


def test_an_empty_inbound_sms(twilio: Twilio) -> None:
    assert inbound(twilio, Body="") == [InboundSms(PHONE, "SM0f1e", "", "+15005550006")]


def test_after_stop_there_is_nothing_to_answer(twilio: Twilio) -> None:
    assert inbound(twilio, Body="STOP", OptOutType="STOP") == [OptOut(PHONE)]


def test_start_puts_back_and_may_be_an_answer_too(twilio: Twilio) -> None:
    opted_in, message = inbound(twilio, Body="YES", OptOutType="START")
    assert opted_in == OptOut(PHONE, stopped=False)
    assert isinstance(message, InboundSms)
    assert message.text == "YES"


def test_help_is_answered_by_us_too(twilio: Twilio) -> None:
    (message,) = inbound(twilio, Body="HELP", OptOutType="HELP")
    assert isinstance(message, InboundSms)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"From": "whatsapp:+6281234567890"}, "From is a WhatsApp address; only SMS is served here"),
        ({"From": "PEDULICOVID"}, "From is no phone number"),
        ({"From": ""}, "From is missing"),
        ({"MessageSid": ""}, "MessageSid is missing"),
    ],
)
def test_what_is_not_right_is_told(twilio: Twilio, fields: dict[str, str], complaint: str) -> None:
    with pytest.raises(BadRequest, match=complaint):
        inbound(twilio, **fields)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("accepted", ReceiptStatus.SENT),
        ("queued", ReceiptStatus.SENT),
        ("sending", ReceiptStatus.SENT),
        ("sent", ReceiptStatus.SENT),
        ("delivered", ReceiptStatus.DELIVERED),
        ("read", ReceiptStatus.DELIVERED),
        ("undelivered", ReceiptStatus.FAILED),
        ("failed", ReceiptStatus.FAILED),
        ("canceled", ReceiptStatus.FAILED),
    ],
)
def test_statuses_of_receipts(twilio: Twilio, told: str, status: ReceiptStatus) -> None:
    (receipt,) = receipts(twilio, MessageStatus=told)
    assert isinstance(receipt, Receipt)
    assert (receipt.provider_id, receipt.status, receipt.phone, receipt.our_id) == ("SM99", status, PHONE, 4711)
    assert bool(receipt.reason) == (status is ReceiptStatus.FAILED)


def test_a_failure_is_told_in_plain_words(twilio: Twilio) -> None:
    (receipt,) = receipts(twilio, MessageStatus="undelivered", ErrorCode="30005")
    assert isinstance(receipt, Receipt)
    assert receipt.reason == "the number does not exist or is out of service"


def test_a_code_we_do_not_know_is_named(twilio: Twilio) -> None:
    (receipt,) = receipts(twilio, MessageStatus="failed", ErrorCode="31999")
    assert isinstance(receipt, Receipt)
    assert receipt.reason == "Twilio's error 31999"


def test_a_failure_because_of_an_opt_out_is_an_opt_out_too(twilio: Twilio) -> None:
    assert receipts(twilio, MessageStatus="failed", ErrorCode="21610")[1:] == [OptOut(PHONE)]


def test_an_unknown_status_cannot_overwrite_what_is_certain(twilio: Twilio) -> None:
    (receipt,) = receipts(twilio, MessageStatus="beamed")
    assert receipt == Receipt("SM99", ReceiptStatus.SENT, PHONE, "unknown status beamed", 4711)


@pytest.mark.parametrize("query", ["", "?message=", "?message=x", "?message=-1", "?message=" + "9" * 19, "?other=1"])
def test_a_receipt_without_our_id(twilio: Twilio, query: str) -> None:
    (receipt,) = receipts(twilio, f"{PUBLIC_URL}/webhooks/twilio/receipts{query}")
    assert isinstance(receipt, Receipt)
    assert receipt.our_id is None


def test_a_reply_travels_in_the_answer_and_reports_its_fate(twilio: Twilio) -> None:
    response = twilio.render_sms("Tiket ABC & <123>\x0b", message_id=4711)
    assert response.content_type == "text/xml; charset=utf-8"
    message = ET.fromstring(response.body).find("Message")
    assert message is not None
    assert message.text == "Tiket ABC & <123>"
    assert message.get("action") == message.get("statusCallback") == RECEIPTS_URL


@pytest.mark.parametrize("text", [None, ""])
def test_no_reply_is_an_empty_response(twilio: Twilio, text: str | None) -> None:
    document = ET.fromstring(twilio.render_sms(text).body)
    assert (document.tag, list(document)) == ("Response", [])
