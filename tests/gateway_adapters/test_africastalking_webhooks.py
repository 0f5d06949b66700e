"""Africa's Talking's callbacks, with the fields that its documentation names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import (
    Answer,
    BadRequest,
    Event,
    EventKind,
    InboundSms,
    OptOut,
    Receipt,
    ReceiptStatus,
    UssdEnded,
    UssdHop,
    WebhookRequest,
)
from tests.gateway_adapters.conftest import PUBLIC_URL

PHONE = "+6281234567890"
HOP = {
    "sessionId": "ATUid_7a3f",
    "phoneNumber": PHONE,
    "networkCode": "51010",
    "serviceCode": "*384*119#",
    "text": "17081985*1",
}
SMS = {
    "date": "2021-01-13 11:30:00",
    "from": PHONE,
    "id": "9f1c",
    "linkId": "link-1",
    "text": "17081985",
    "to": "1199",
    "networkCode": "51010",
    "cost": "IDR 0",
}
RECEIPT = {"id": "ATPid_1", "status": "Success", "phoneNumber": PHONE, "networkCode": "51010", "retryCount": "0"}
ENDED = {
    "date": "2021-01-13 11:30:00",
    "sessionId": "ATUid_7a3f",
    "serviceCode": "*384*119#",
    "networkCode": "51010",
    "phoneNumber": PHONE,
    "status": "Success",
    "cost": "IDR 0",
    "durationInMillis": "48211",
    "hopsCount": "5",
    "input": "17081985*1*1*1",
    "lastAppResponse": "END Tiket ...",
    "errorMessage": "",
}


def parsed(gateway: AfricasTalking, brings: EventKind, form: Mapping[str, str]) -> list[Event]:
    return gateway.parse(WebhookRequest(PUBLIC_URL, form, {}, "s3cret"), brings)


def test_the_secret_in_the_path_lets_in(africastalking: AfricasTalking) -> None:
    assert africastalking.authenticate(WebhookRequest(PUBLIC_URL, {}, {}, "s3cret"))


def test_a_secret_beyond_ascii_lets_in() -> None:
    gateway = AfricasTalking({"WEBHOOK_SECRET": "rahasia-é"}, public_url=PUBLIC_URL, timeout=1)
    assert gateway.authenticate(WebhookRequest(PUBLIC_URL, {}, {}, "rahasia-é"))
    assert not gateway.authenticate(WebhookRequest(PUBLIC_URL, {}, {}, "rahasia-e"))


def test_a_hop(africastalking: AfricasTalking) -> None:
    assert parsed(africastalking, EventKind.USSD, HOP) == [UssdHop(PHONE, "ATUid_7a3f", "*384*119#", "17081985*1")]


@pytest.mark.parametrize("text", ["", "1*2#*0", " 1 ", "é*ñ", "9" * 2000])
def test_the_text_of_a_hop_is_kept_to_the_letter(africastalking: AfricasTalking, text: str) -> None:
    (hop,) = parsed(africastalking, EventKind.USSD, {**HOP, "text": text})
    assert isinstance(hop, UssdHop)
    assert hop.text == text


def test_a_first_hop_may_leave_its_text_out(africastalking: AfricasTalking) -> None:
    (hop,) = parsed(africastalking, EventKind.USSD, {name: HOP[name] for name in HOP if name != "text"})
    assert isinstance(hop, UssdHop)
    assert hop.text == ""


@pytest.mark.parametrize("spelling", [" 6281234567890", "  6281234567890 ", "+6281234567890\n"])
def test_a_plus_that_a_form_decoder_ate_is_put_back(africastalking: AfricasTalking, spelling: str) -> None:
    (hop,) = parsed(africastalking, EventKind.USSD, {**HOP, "phoneNumber": spelling})
    assert hop.phone == PHONE


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("phoneNumber", "", "phoneNumber is missing"),
        ("phoneNumber", "081234567890", "phoneNumber is no phone number"),
        ("phoneNumber", "+62", "phoneNumber is no phone number"),
        ("phoneNumber", "+62812345678901234567", "phoneNumber is no phone number"),
        ("phoneNumber", "+6281٢٣٤٥٦٧٨٩", "phoneNumber is no phone number"),
        ("sessionId", " ", "sessionId is missing"),
        ("sessionId", "x" * 129, "sessionId is longer than 128 characters"),
        ("sessionId", "a\x07b", "sessionId holds characters that cannot be printed"),
        ("text", "1" * 10_001, "text is longer than 10000 characters"),
    ],
)
def test_a_hop_that_is_not_right_is_told_why(
    africastalking: AfricasTalking, field: str, value: str, complaint: str
) -> None:
    with pytest.raises(BadRequest, match=complaint):
        parsed(africastalking, EventKind.USSD, {**HOP, field: value})


def test_screens_say_whether_the_session_goes_on(africastalking: AfricasTalking) -> None:
    more = africastalking.render_ussd(Answer("Tanggal lahir?", goes_on=True))
    assert (more.body, more.content_type) == ("CON Tanggal lahir?", "text/plain; charset=utf-8")
    assert africastalking.render_ussd(Answer("Tiket ABC123", goes_on=False)).body == "END Tiket ABC123"


def test_an_inbound_sms(africastalking: AfricasTalking) -> None:
    assert parsed(africastalking, EventKind.SMS, SMS) == [InboundSms(PHONE, "9f1c", "17081985", "1199", "link-1")]


@pytest.mark.parametrize("link", [{}, {"linkId": ""}])
def test_an_inbound_sms_without_a_link(africastalking: AfricasTalking, link: dict[str, str]) -> None:
    form = {name: SMS[name] for name in SMS if name != "linkId"}
    (sms,) = parsed(africastalking, EventKind.SMS, {**form, **link})
    assert isinstance(sms, InboundSms)
    assert sms.link_id is None


@pytest.mark.parametrize("text", ["", "😀" * 2000, "dua\nbaris", "👩🏽‍⚕️"])
def test_the_text_of_an_sms_is_kept_whole(africastalking: AfricasTalking, text: str) -> None:
    (sms,) = parsed(africastalking, EventKind.SMS, {**SMS, "text": text})
    assert isinstance(sms, InboundSms)
    assert sms.text == text


def test_what_postgresql_cannot_store_is_taken_out(africastalking: AfricasTalking) -> None:
    (sms,) = parsed(africastalking, EventKind.SMS, {**SMS, "text": "a\0b \ud83d\ude00 \ud800."})
    assert isinstance(sms, InboundSms)
    assert sms.text == "ab 😀 \ufffd."


def test_an_sms_from_a_name_is_no_message_of_a_person(africastalking: AfricasTalking) -> None:
    with pytest.raises(BadRequest, match="from is no phone number"):
        parsed(africastalking, EventKind.SMS, {**SMS, "from": "TELKOMSEL"})


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("Sent", ReceiptStatus.SENT),
        ("Submitted", ReceiptStatus.SENT),
        ("Buffered", ReceiptStatus.SENT),
        ("Success", ReceiptStatus.DELIVERED),
        ("Rejected", ReceiptStatus.FAILED),
        ("Failed", ReceiptStatus.FAILED),
        ("AbsentSubscriber", ReceiptStatus.FAILED),
        ("Expired", ReceiptStatus.FAILED),
    ],
)
def test_statuses_of_receipts(africastalking: AfricasTalking, told: str, status: ReceiptStatus) -> None:
    (receipt,) = parsed(africastalking, EventKind.RECEIPT, {**RECEIPT, "status": told})
    assert isinstance(receipt, Receipt)
    assert (receipt.provider_id, receipt.status, receipt.phone) == ("ATPid_1", status, PHONE)
    assert bool(receipt.reason) == (status is ReceiptStatus.FAILED)


def test_a_failure_is_told_in_plain_words(africastalking: AfricasTalking) -> None:
    form = {**RECEIPT, "status": "Failed", "failureReason": "UserDoesNotExist"}
    assert parsed(africastalking, EventKind.RECEIPT, form) == [
        Receipt("ATPid_1", ReceiptStatus.FAILED, PHONE, "the number does not exist", wrong_number=True)
    ]


def test_a_failure_because_of_the_blacklist_is_an_opt_out_too(africastalking: AfricasTalking) -> None:
    form = {**RECEIPT, "status": "Rejected", "failureReason": "UserInBlackList"}
    receipt, opt_out = parsed(africastalking, EventKind.RECEIPT, form)
    assert isinstance(receipt, Receipt)
    assert opt_out == OptOut(PHONE)


def test_an_unknown_status_cannot_overwrite_what_is_certain(africastalking: AfricasTalking) -> None:
    (receipt,) = parsed(africastalking, EventKind.RECEIPT, {**RECEIPT, "status": "Teleported"})
    assert receipt == Receipt("ATPid_1", ReceiptStatus.SENT, PHONE, "unknown status Teleported")


def test_a_receipt_is_taken_by_its_id_alone(africastalking: AfricasTalking) -> None:
    form = {"id": "ATPid_1", "status": "Success", "phoneNumber": "hidden"}
    assert parsed(africastalking, EventKind.RECEIPT, form) == [Receipt("ATPid_1", ReceiptStatus.DELIVERED)]


@pytest.mark.parametrize(("status", "complete"), [("Success", True), ("Incomplete", False), ("Failed", False)])
def test_the_end_of_a_session(africastalking: AfricasTalking, status: str, complete: bool) -> None:
    ended = parsed(africastalking, EventKind.USSD_ENDED, {**ENDED, "status": status})
    assert ended == [UssdEnded(PHONE, "ATUid_7a3f", complete, hops=5)]


def test_an_opt_out(africastalking: AfricasTalking) -> None:
    form = {"senderId": "PEDULICOVID", "phoneNumber": PHONE}
    assert parsed(africastalking, EventKind.OPT_OUT, form) == [OptOut(PHONE)]
