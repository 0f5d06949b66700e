"""One call of a webhook, made of bytes: whatever they are, the parser refuses them plainly or gives events that are fit.

The first byte says which endpoint of which gateway, the rest is the query string up to the first line feed, then the body.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.phone import is_e164
from bot.web.posted_form import posted_form
from gateway_adapters.base import (
    Answer,
    BadRequest,
    Endpoint,
    Event,
    Gateway,
    InboundSms,
    OptOut,
    Receipt,
    UssdEnded,
    UssdHop,
    WebhookRequest,
)
from gateway_adapters.registry import load_gateways
from gateway_adapters.webhook_form import LONGEST_ID, LONGEST_TEXT

_PUBLIC_URL = "https://balas.example"
#: What Redis and PostgreSQL take as a whole number of ours.
_LARGEST = 2**63 - 1
#: Characters of a reason or a short code.
_LONGEST_SHORT = 200


class Unfit(AssertionError):
    """An event holds what the rest of the service may not be given."""


@cache
def endpoints() -> tuple[tuple[Gateway, Endpoint], ...]:
    """Every endpoint of every gateway."""
    environ = {"WEBHOOK_SECRET": "secret", "TWILIO_AUTH_TOKEN": "token", "TWILIO_FROM": "+15005550006"}
    gateways = load_gateways(environ, public_url=_PUBLIC_URL, simulator=True)
    return tuple((gateway, each) for gateway in gateways.by_name.values() for each in gateway.endpoints)


@cache
def _app() -> Flask:
    made = Flask("fuzz")
    made.config["MAX_CONTENT_LENGTH"] = 65536
    return made


def try_bytes(told: bytes) -> list[Event]:
    """Give one call to its parser; returns its events, none where it was refused. Anything else that is raised is a fault."""
    which, rest = told[:1], told[1:]
    query, _, body = rest.partition(b"\n")
    places = endpoints()
    gateway, endpoint = places[(which or b"\0")[0] % len(places)]
    return take(gateway, endpoint, query.decode("latin-1"), body)


def take(gateway: Gateway, endpoint: Endpoint, query: str, body: bytes) -> list[Event]:
    """The events of one call, each fit for the service; raises ``Unfit``, or what the parser must not raise."""
    with _app().request_context(_call(query, body)) as ours, _app().request_context(_call(query, body)) as usual:
        try:
            form = posted_form(ours.request)
        except RequestEntityTooLarge:  # too long, or too many fields: refused with 413
            return []
        if form != usual.request.form.to_dict():
            raise Unfit("the form reads otherwise than werkzeug reads it")
        call = _request(ours.request, gateway, endpoint, form)
    if gateway.authenticate(call):
        raise Unfit("a call without secret or signature is taken for the gateway's")
    try:
        events = gateway.parse(call, endpoint.brings)
    except BadRequest as refusal:
        if not str(refusal).isprintable():
            raise Unfit("a refusal that cannot be shown") from refusal
        return []
    for event in events:
        _check(event)
        _render(gateway, event)
    return events


def _call(query: str, body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": query,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "x",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def _request(called: Request, gateway: Gateway, endpoint: Endpoint, form: dict[str, str]) -> WebhookRequest:
    query = called.query_string.decode("latin-1")
    url = f"{_PUBLIC_URL}/webhooks/{gateway.name}{endpoint.route}{'?' + query if query else ''}"
    # A signature and a secret that are wrong, and made of what came in.
    headers = {"X-Twilio-Signature": quote(query[:40]) or "none"}
    return WebhookRequest(url, form, headers, secret=query[:40])


def _check(event: Event) -> None:
    match event:
        case UssdHop():
            _phone(event.phone)
            _identifier(event.session_id)
            _short(event.service_code)
            _text(event.text)
        case InboundSms():
            _phone(event.phone)
            _identifier(event.message_id)
            _short(event.recipient)
            _text(event.text)
            if event.link_id is not None:
                _identifier(event.link_id)
        case Receipt():
            _identifier(event.provider_id)
            _short(event.reason)
            if event.phone is not None:
                _phone(event.phone)
            if event.our_id is not None and not 0 < event.our_id <= _LARGEST:
                raise Unfit("an id that is none of ours")
        case OptOut():
            _phone(event.phone)
        case UssdEnded():
            _phone(event.phone)
            _identifier(event.session_id)
            if not 0 <= event.hops < 1_000_000:
                raise Unfit("a session of a million hops")


def _phone(phone: str) -> None:
    if not is_e164(phone):
        raise Unfit("a phone that is none")


def _identifier(text: str) -> None:
    if not 0 < len(text) <= LONGEST_ID or not text.isprintable() or text != text.strip():
        raise Unfit("an id that cannot be shown")
    _storable(text)


def _short(text: str) -> None:
    if len(text) > _LONGEST_SHORT or not text.isprintable():
        raise Unfit("a word that cannot be shown")
    _storable(text)


def _text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise Unfit("a text without end")
    _storable(text)


def _storable(text: str) -> None:
    """PostgreSQL takes no NUL, and UTF-8 no halves of characters."""
    if "\0" in text:
        raise Unfit("a NUL")
    text.encode()


def _render(gateway: Gateway, event: Event) -> None:
    """Somebody's words in our answer stay words."""
    if isinstance(event, UssdHop):
        answer = gateway.render_ussd(Answer(event.text, goes_on=True))
        if not answer.body.startswith("CON "):
            raise Unfit("a screen that does not go on")
    if isinstance(event, InboundSms) and gateway.answers_inline:
        answer = gateway.render_sms(event.text, 1)
        message = ElementTree.fromstring(answer.body)  # noqa: S314 - our own answer, read back
        if len(message) > 1 or any(len(each) for each in message):
            raise Unfit("somebody's words became markup")
