"""The gateway of the phone simulator: webhooks that a page in the browser calls, and inboxes in Redis that it reads.

Its protocol is our own: a form in, text out. Web and worker are separate processes, so what is sent lies in Redis, one
stream per phone, until the page fetches it. Whoever knows ``WEBHOOK_SECRET`` can play any phone: never in production.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import redis

from bot.phone import is_e164
from bot.redis_clients import connect
from gateway_adapters.base import (
    Accepted,
    Answer,
    BadRequest,
    Channel,
    Endpoint,
    Event,
    EventKind,
    Gateway,
    GatewaySetting,
    InboundSms,
    Outcome,
    Outgoing,
    Receipt,
    ReceiptStatus,
    SettingMissing,
    Unknown,
    UssdHop,
    WebhookRequest,
    WebhookResponse,
)
from gateway_adapters.path_secret import WEBHOOK_SECRET, PathSecret
from gateway_adapters.refusal import NO_PHONE, Refusal
from gateway_adapters.webhook_form import WebhookForm, is_empty

#: Messages that a phone keeps.
LONGEST_INBOX = 50
#: Seconds that a phone keeps them after the last one.
KEPT = 24 * 60 * 60
#: The position before the first message of an inbox.
BEFORE_ALL = "0-0"
#: A Redis that has answered this lately, in seconds, is not asked whether it is there.
_FRESH = 1.0

# A script, not a transaction, since a cluster's client has none. ARGV: messages kept, seconds, then id and text.
_PUT = """
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', 'id', ARGV[3], 'text', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


@dataclass(frozen=True, slots=True)
class SimulatedSms:
    """A message as it lies in a phone's inbox.

    ``position`` is its place there, for ``inbox(after=...)``; ``provider_id`` the id that a receipt is to name.
    """

    position: str
    provider_id: str
    text: str
    at: datetime


def inbox(client: redis.Redis, phone: str, after: str = BEFORE_ALL) -> list[SimulatedSms]:
    """The messages of ``phone`` behind position ``after``, oldest first; raises ``redis.RedisError``."""
    entries: Any = client.xrange(_key(phone), min=f"({after or BEFORE_ALL}")
    return [_message(_text(position), {_text(k): _text(v) for k, v in fields.items()}) for position, fields in entries]


class Simulator(Gateway):
    """Phones in the browser, with USSD and SMS."""

    name: ClassVar[str] = "simulator"
    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.USSD, Channel.SMS})
    settings: ClassVar[Sequence[GatewaySetting]] = (
        WEBHOOK_SECRET,
        GatewaySetting("REDIS_URL", "where the phones' inboxes lie", required_to_send=True, secret=True),
    )
    endpoints: ClassVar[Sequence[Endpoint]] = (
        Endpoint("/<secret>/ussd", EventKind.USSD),
        Endpoint("/<secret>/sms", EventKind.SMS),
        Endpoint("/<secret>/receipts", EventKind.RECEIPT),
    )
    max_recipients_per_request: ClassVar[int] = 1000

    def __init__(self, environ: Mapping[str, str], *, public_url: str, timeout: float) -> None:
        super().__init__(environ, public_url=public_url, timeout=timeout)
        self._secret = PathSecret(environ)
        self._redis = _client(environ.get("REDIS_URL", "").strip(), timeout)
        self._answered_at = 0.0

    def may_enter(self, secret: str | None, headers: Mapping[str, str]) -> bool:
        return self._secret.is_right(secret)

    def is_dial(self, body: bytes) -> bool:
        return is_empty(body, b"text")

    def authenticate(self, request: WebhookRequest) -> bool:
        return self._secret.is_right(request.secret)

    def parse(self, request: WebhookRequest, brings: EventKind) -> list[Event]:
        form = WebhookForm(request.form)
        match brings:
            case EventKind.USSD:
                session = form.identifier("session")
                return [UssdHop(form.phone("phone"), session, form.word("code"), form.text("text"))]
            case EventKind.SMS:
                return [InboundSms(form.phone("phone"), form.identifier("id"), form.text("text"), form.word("to"))]
            case EventKind.RECEIPT:
                return [_receipt(form)]
            case _:
                raise BadRequest("the simulator has no such webhook")

    def render_ussd(self, answer: Answer) -> WebhookResponse:
        return WebhookResponse(f"{'CON' if answer.goes_on else 'END'} {answer.text}")

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        if self._redis is None:
            return [Refusal("REDIS_URL not set").of(message.id) for message in batch]
        try:
            # Tells a Redis that is away, which has taken nothing, from one that goes away while it takes.
            if time.monotonic() > self._answered_at + _FRESH:
                self._redis.ping()
        except redis.RedisError:
            return [Refusal("the inboxes cannot be reached").of(message.id) for message in batch]
        return [self._deliver(self._redis, message) for message in batch]

    def _deliver(self, client: redis.Redis, message: Outgoing) -> Outcome:
        if not is_e164(message.phone):
            return NO_PHONE.of(message.id)
        provider_id, key = f"sim-{uuid4().hex}", _key(message.phone)
        try:
            client.eval(_PUT, 1, key, LONGEST_INBOX, KEPT, provider_id, message.body)
            self._answered_at = time.monotonic()
        except redis.RedisError:
            self._answered_at = 0.0
            return Unknown(message.id, "the inboxes did not answer")
        return Accepted(message.id, provider_id)


def _client(url: str, timeout: float) -> redis.Redis | None:
    """A client that repeats nothing: a message that is written again would arrive twice."""
    if not url:
        return None
    try:
        return connect(url, timeout=timeout)
    except ValueError as error:
        raise SettingMissing(f"REDIS_URL {error}") from error


def _key(phone: str) -> str:
    return f"sim:inbox:{phone}"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _message(position: str, fields: Mapping[str, str]) -> SimulatedSms:
    at = datetime.fromtimestamp(int(position.partition("-")[0]) / 1000, UTC)
    return SimulatedSms(position, fields["id"], fields["text"], at)


def _receipt(form: WebhookForm) -> Receipt:
    word = form.required_word("status").lower()
    if word not in set(ReceiptStatus):
        raise BadRequest("status must be sent, delivered or failed")
    return Receipt(
        form.identifier("id"), ReceiptStatus(word), phone=form.phone_or_none("phone"), reason=form.word("reason")
    )
