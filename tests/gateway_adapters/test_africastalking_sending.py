"""Handing messages to Africa's Talking, over HTTP to a stub that speaks its protocol and can misbehave."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.africastalking_sms import into_requests, read_answer
from gateway_adapters.base import Accepted, Outgoing, Rejected, Unknown
from gateway_adapters.deadline_http import HttpAnswer
from tests.gateway_adapters.conftest import HASTE, PATIENCE, PUBLIC_URL, in_haste_if_silent
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour

SITI, BUDI, AYU = "+6281234567890", "+6281234567891", "+6281234567892"


def blast(*phones: str) -> list[Outgoing]:
    return [Outgoing(number, phone, "Balas tanggal lahir Anda") for number, phone in enumerate(phones, 1)]


def test_a_blast_goes_out_in_one_request(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    outcomes = africastalking.send(blast(SITI, BUDI))
    assert [taken.provider_id for taken in africastalking_stub.taken] == [
        outcome.provider_id for outcome in outcomes if isinstance(outcome, Accepted)
    ]
    (received,) = africastalking_stub.received
    assert received.credentials == "atsk_key"
    assert received.form == {
        "username": "kemenkes",
        "to": f"{SITI},{BUDI}",
        "message": "Balas tanggal lahir Anda",
        "from": "PEDULICOVID",
        "bulkSMSMode": "1",
        "enqueue": "1",
    }


def test_a_single_message_is_not_queued(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking.send(blast(SITI))
    assert "enqueue" not in africastalking_stub.received[0].form


def test_a_reply_comes_from_the_short_code(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking.send([Outgoing(1, SITI, "Tiket", reply=True)])
    africastalking.send([Outgoing(2, SITI, "Tiket", reply=True, link_id="link-1")])
    plain, linked = (received.form for received in africastalking_stub.received)
    assert (plain["from"], plain["bulkSMSMode"], "linkId" in plain) == ("1199", "1", False)
    assert (linked["from"], linked["bulkSMSMode"], linked["linkId"]) == ("1199", "0", "link-1")


def test_without_a_short_code_a_reply_comes_from_the_sender_id(africastalking_stub: AfricasTalkingStub) -> None:
    environ = {"AT_USERNAME": "u", "AT_API_KEY": "k", "AT_SENDER_ID": "KEMENKES", "AT_API_URL": africastalking_stub.url}
    gateway = AfricasTalking(environ, public_url=PUBLIC_URL, timeout=PATIENCE)
    gateway.send([Outgoing(1, SITI, "Tiket", reply=True, link_id="link-1")])
    assert africastalking_stub.received[0].form["from"] == "KEMENKES"


def test_two_accounts_in_one_process_do_not_mix() -> None:
    with AfricasTalkingStub() as one, AfricasTalkingStub() as other:
        gateways = [
            AfricasTalking(
                {"AT_USERNAME": name, "AT_API_KEY": f"key-{name}", "AT_API_URL": stub.url},
                public_url=PUBLIC_URL,
                timeout=PATIENCE,
            )
            for name, stub in (("one", one), ("other", other))
        ]
        for gateway in gateways:
            gateway.send(blast(SITI))
        assert [(received.form["username"], received.credentials) for received in one.received] == [("one", "key-one")]
        assert [(r.form["username"], r.credentials) for r in other.received] == [("other", "key-other")]


def test_only_the_bad_number_is_left_out(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    good, *bad = africastalking.send(blast(SITI, "+2547", "+6281234567890\n", "+" + "6" * 40, "+٦٢٨١٢٣٤٥٦٧٨٩", ""))
    assert isinstance(good, Accepted)
    assert all(isinstance(one, Rejected) and one.permanent and one.wrong_number for one in bad)
    assert africastalking_stub.received[0].form["to"] == SITI


def test_nothing_goes_out_when_every_number_is_bad(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking.send(blast("", "0812"))
    assert africastalking_stub.received == []


def test_a_number_stands_once_in_a_request(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    outcomes = africastalking.send(blast(SITI, BUDI, SITI))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert [received.form["to"] for received in africastalking_stub.received] == [f"{SITI},{BUDI}", SITI]


def test_batches_beyond_the_limit_are_split() -> None:
    requests = into_requests(blast(*(f"+62812{number:08}" for number in range(2500))), most=1000)
    assert [len(request) for request in requests] == [1000, 1000, 500]


def test_texts_never_mix() -> None:
    messages = [Outgoing(1, SITI, "a"), Outgoing(2, BUDI, "b"), Outgoing(3, AYU, "a")]
    assert [[message.id for message in request] for request in into_requests(messages, most=10)] == [[1, 3], [2]]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (402, Rejected(1, "the gateway does not know the sender ID", permanent=True)),
        (403, Rejected(1, "the gateway says that the number is invalid", permanent=True, wrong_number=True)),
        (404, Rejected(1, "the gateway does not serve this kind of number", permanent=True, wrong_number=True)),
        (405, Rejected(1, "the account's balance is too low", permanent=False, throttled=True)),
        (406, Rejected(1, "the subscriber has opted out at the gateway", permanent=True, opted_out=True)),
        (407, Rejected(1, "the gateway has no route to the number", permanent=True)),
        (409, Rejected(1, "the operator's do-not-disturb list forbids it", permanent=True)),
        (500, Rejected(1, "the gateway had an internal error", permanent=False)),
        (501, Rejected(1, "the operator's gateway had an error", permanent=False)),
        (502, Rejected(1, "the operator's gateway refused the message", permanent=True)),
        (401, Unknown(1, "the gateway holds the message back as a risk")),
        (999, Unknown(1, "the gateway answered with a status we do not know: 999")),
    ],
)
def test_what_the_codes_of_recipients_mean(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub, code: int, expected: Rejected | Unknown
) -> None:
    africastalking_stub.refuses(SITI, code)
    refused, accepted = africastalking.send(blast(SITI, BUDI))
    assert refused == expected
    assert isinstance(accepted, Accepted)


@pytest.mark.parametrize("code", [100, 101, 102])
def test_accepted_codes(africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub, code: int) -> None:
    africastalking_stub.refuses(SITI, code)
    assert isinstance(africastalking.send(blast(SITI))[0], Accepted)


def test_an_unknown_sender_id_refuses_all(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking_stub.unknown_senders = frozenset({"PEDULICOVID"})
    outcomes = africastalking.send(blast(SITI, BUDI))
    assert all(isinstance(one, Rejected) and one.permanent and not one.wrong_number for one in outcomes)


def test_a_recipient_that_is_not_mentioned_is_unknown(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking_stub.behaves(Behaviour.PARTIAL)
    mentioned, missing = africastalking.send(blast(SITI, BUDI))
    assert isinstance(mentioned, Accepted)
    assert missing == Unknown(2, "the gateway's answer does not mention the number")


@pytest.mark.parametrize("behaviour", [Behaviour.JSON_WITH_CHARSET, Behaviour.PLAIN_JSON, Behaviour.CLOSE])
def test_json_is_read_whatever_its_content_type(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub, behaviour: Behaviour
) -> None:
    africastalking_stub.behaves(behaviour)
    assert isinstance(africastalking.send(blast(SITI))[0], Accepted)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour.SLOW, f"the gateway did not answer: no whole answer within {HASTE:g} s"),
        (Behaviour.DRIP_BODY, f"the gateway did not answer: no whole answer within {HASTE:g} s"),
        (Behaviour.DRIP_HEADERS, f"the gateway did not answer: no whole answer within {HASTE:g} s"),
        (Behaviour.HTML, "the gateway's answer cannot be read"),
        (Behaviour.GARBAGE, "the gateway's answer cannot be read"),
        (Behaviour.HUGE, "the gateway did not answer: the answer is too long"),
        (Behaviour.ERROR_500, "the gateway answered HTTP 500"),
        (Behaviour.REDIRECT, "the gateway answered HTTP 307"),
        (Behaviour.DROP_AFTER_READING, "the gateway did not answer: the connection broke before the answer"),
        (Behaviour.DROP_BEFORE_READING, "the gateway did not answer: the connection broke before the answer"),
    ],
)
def test_after_a_misfortune_the_fate_is_unknown_and_nothing_is_repeated(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub, behaviour: Behaviour, reason: str
) -> None:
    africastalking_stub.behaves(behaviour)
    gateway = in_haste_if_silent(africastalking, behaviour)
    started = time.monotonic()
    assert gateway.send(blast(SITI, BUDI)) == [Unknown(1, reason), Unknown(2, reason)]
    assert time.monotonic() - started < 2 * HASTE
    assert len(africastalking_stub.received) == 1


def test_a_kept_connection_that_dies_leaves_the_fate_unknown(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking.send(blast(SITI))
    africastalking_stub.behaves(Behaviour.DROP_BEFORE_READING)
    assert isinstance(africastalking.send(blast(BUDI))[0], Unknown)
    first, second = africastalking_stub.received
    assert first.connection == second.connection


def test_a_redirect_does_not_carry_the_key_away(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    with AfricasTalkingStub() as elsewhere:
        africastalking_stub.redirect_to = elsewhere.url
        africastalking_stub.behaves(Behaviour.REDIRECT)
        africastalking.send(blast(SITI))
        assert elsewhere.received == []


def test_too_many_requests_are_to_be_sent_later(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking_stub.behaves(Behaviour.THROTTLED)
    (outcome,) = africastalking.send(blast(SITI))
    reason = "the gateway asks to send more slowly"
    assert outcome == Rejected(1, reason, permanent=False, throttled=True, retry_after=7.0)


def test_wrong_credentials_name_their_settings(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking_stub.behaves(Behaviour.UNAUTHORISED)
    (outcome,) = africastalking.send(blast(SITI))
    assert outcome == Rejected(1, "the gateway does not accept AT_USERNAME and AT_API_KEY (HTTP 401)", permanent=False)


def test_a_gateway_that_is_down_has_taken_nothing(
    africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub
) -> None:
    africastalking_stub.stop()
    (outcome,) = africastalking.send(blast(SITI))
    assert outcome == Rejected(1, "the gateway was not reached: the connection was refused", permanent=False)


def test_threads_share_the_gateway(africastalking: AfricasTalking, africastalking_stub: AfricasTalkingStub) -> None:
    with ThreadPoolExecutor(8) as threads:
        sent = list(threads.map(lambda number: africastalking.send(blast(f"+62812{number:08}")), range(80)))
    assert all(isinstance(outcome, Accepted) for (outcome,) in sent)
    assert len(africastalking_stub.taken) == 80


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from([SITI, 101, "101"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["SMSMessageData", "Recipients", "Message", "number", "statusCode", "messageId"]), inner
        )
    ),
    max_leaves=12,
)


@given(content=JSON, status=st.sampled_from([200, 201, 204, 301, 400, 404, 418, 429, 500, 503]))
def test_any_answer_gives_each_message_one_outcome(content: Any, status: int) -> None:
    batch = blast(SITI, BUDI)
    for told in (content, {"SMSMessageData": content}, {"SMSMessageData": {"Recipients": content}}):
        outcomes = read_answer(batch, HttpAnswer(status, {}, json.dumps(told).encode()))
        assert [outcome.message for outcome in outcomes] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b"null", b'\xef\xbb\xbf{"SMSMessageData": null}'])
def test_bytes_that_are_no_answer_are_unknown(body: bytes) -> None:
    (outcome,) = read_answer(blast(SITI), HttpAnswer(201, {}, body))
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"number": SITI, "statusCode": 101, "messageId": "None"}, Accepted),
        ({"number": SITI.lstrip("+"), "statusCode": "101", "messageId": "ATXid_1"}, Accepted),
        ({"number": SITI, "statusCode": 500, "messageId": "ATXid_1"}, Unknown),
        ({"number": SITI, "statusCode": None}, Unknown),
    ],
)
def test_odd_entries(entry: dict[str, object], kind: type) -> None:
    body = json.dumps({"SMSMessageData": {"Recipients": [entry]}}).encode()
    (outcome,) = read_answer(blast(SITI), HttpAnswer(201, {}, body))
    assert isinstance(outcome, kind)


def test_of_two_entries_for_a_number_the_accepted_one_counts() -> None:
    entries = [{"number": SITI, "statusCode": code, "messageId": "ATXid_1"} for code in (403, 101, 500)]
    body = json.dumps({"SMSMessageData": {"Recipients": entries}}).encode()
    assert read_answer(blast(SITI), HttpAnswer(201, {}, body)) == [Accepted(1, "ATXid_1")]
