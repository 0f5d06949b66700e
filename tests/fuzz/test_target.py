"""The webhooks' parsers take any bytes: the corpus, and a short search without a guide (the long one: ``make fuzz``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import target
from gateway_adapters.base import BadRequest, Event, EventKind, Gateway, InboundSms, UssdHop, WebhookRequest

CORPUS = sorted((Path(target.__file__).parent / "corpus").iterdir())
ENDPOINTS = target.endpoints()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_is_in_the_corpus(path: Path) -> None:
    target.try_bytes(path.read_bytes())


def test_the_corpus_reaches_every_endpoint() -> None:
    kinds = {path.read_bytes()[0] % len(ENDPOINTS) for path in CORPUS if target.try_bytes(path.read_bytes())}
    assert kinds == set(range(len(ENDPOINTS)))


NAMES = sorted(
    {field.split(b"=")[0].decode("latin-1") for path in CORPUS for field in path.read_bytes()[1:].split(b"&")}
    | {
        "phoneNumber",
        "sessionId",
        "text",
        "from",
        "id",
        "From",
        "MessageSid",
        "MessageStatus",
        "phone",
        "session",
        "status",
    }
)
PLAUSIBLE = st.sampled_from(
    [
        "+6281200000001",
        " 6281200000001",
        "+62812\u0660000001",
        "SM1",
        "delivered",
        "9" * 30,
        "\x85",
        "\u2028",
        "a" * 20000,
    ]
)
WRITTEN = st.one_of(
    st.text(max_size=30).filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text)).map(quote_plus),
    PLAUSIBLE.map(quote_plus),
    st.binary(max_size=12).map(lambda octets: "".join(f"%{octet:02X}" for octet in octets)),
)
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), WRITTEN), max_size=8)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ENDPOINTS), FIELDS, FIELDS)
def test_any_fields(
    place: tuple[Gateway, target.Endpoint], query: list[tuple[str, str]], body: list[tuple[str, str]]
) -> None:
    written = ["&".join(f"{name}={value}" for name, value in fields) for fields in (query, body)]
    target.take(*place, written[0], written[1].encode())


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(told: bytes) -> None:
    target.try_bytes(told)


class _Careless(Gateway):
    """An adapter that hands over what it got, as one might be written in a hurry."""

    name = "careless"

    def __init__(self, event: Event) -> None:
        self._event = event

    def authenticate(self, request: WebhookRequest) -> bool:
        return request.form.get("open") == "sesame"

    def parse(self, request: WebhookRequest, brings: EventKind) -> list[Event]:
        if "raise" in request.form:
            raise BadRequest(request.form["raise"])
        return [self._event]

    def send(self, batch: Sequence[object]) -> list[object]:  # type: ignore[override]
        return []


HOP = UssdHop("+6281200000001", "s1", "*119#", "1")
SMS = InboundSms("+6281200000001", "m1", "halo")


@pytest.mark.parametrize(
    ("event", "body"),
    [
        (replace(HOP, phone="0812"), b""),
        (replace(HOP, text="a\0"), b""),
        (replace(HOP, session_id="s\n1"), b""),
        (replace(SMS, text="x" * 10_001), b""),
        (replace(SMS, message_id=""), b""),
        (HOP, b"open=sesame"),
        (HOP, b"raise=%1B"),
    ],
)
def test_the_target_notices_a_careless_adapter(event: Event, body: bytes) -> None:
    with pytest.raises(target.Unfit):
        target.take(_Careless(event), ENDPOINTS[0][1], "", body)
