"""Twilio: SMS, with signed webhooks and replies that travel in the answer to the inbound message.

The signature covers the URL as Twilio called it, so ``WebhookRequest.url`` must be ``PUBLIC_URL`` with the path and the
query string as they came in, and the form must keep its empty fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from gateway_adapters.base import (
    BadRequest,
    Balance,
    Channel,
    Endpoint,
    Event,
    EventKind,
    Gateway,
    GatewaySetting,
    InboundSms,
    OptOut,
    Outcome,
    Outgoing,
    Receipt,
    ReceiptStatus,
    Reconciled,
    SettingMissing,
    WebhookRequest,
    WebhookResponse,
)
from gateway_adapters.refusal import Refusal
from gateway_adapters.twilio_api import STATUSES, Account, MessagesApi
from gateway_adapters.twilio_faults import OPTED_OUT, fault
from gateway_adapters.web_address import web_address
from gateway_adapters.webhook_form import WebhookForm

_SIGNATURE = "x-twilio-signature"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SENDERS = {"messaging_service_sid": "TWILIO_MESSAGING_SERVICE_SID", "from_": "TWILIO_FROM"}


class Twilio(Gateway):
    """Twilio's Programmable Messaging."""

    name: ClassVar[str] = "twilio"
    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.SMS})
    settings: ClassVar[Sequence[GatewaySetting]] = (
        GatewaySetting("TWILIO_ACCOUNT_SID", "the account's SID, AC...", required_to_send=True),
        GatewaySetting(
            "TWILIO_AUTH_TOKEN",
            "the account's auth token: it signs webhooks and opens the API",
            required_to_send=True,
            required_to_receive=True,
            secret=True,
        ),
        GatewaySetting("TWILIO_FROM", "the number or sender ID of messages; or TWILIO_MESSAGING_SERVICE_SID"),
        GatewaySetting(
            "TWILIO_MESSAGING_SERVICE_SID", "the messaging service that sends, MG...; goes before TWILIO_FROM"
        ),
        GatewaySetting("TWILIO_API_URL", "replaces https://api.twilio.com, e.g. for tests"),
        GatewaySetting("TWILIO_ALLOW", "the addresses from which its webhooks are taken; from anywhere if not set"),
        GatewaySetting("TWILIO_CALLS_A_SECOND", "calls that each web process takes a second; any number if not set"),
    )
    endpoints: ClassVar[Sequence[Endpoint]] = (
        Endpoint("/sms", EventKind.SMS),
        Endpoint("/receipts", EventKind.RECEIPT),
    )
    can_be_asked: ClassVar[bool] = True
    answers_inline: ClassVar[bool] = True

    def __init__(self, environ: Mapping[str, str], *, public_url: str, timeout: float) -> None:
        super().__init__(environ, public_url=public_url, timeout=timeout)
        token = environ.get("TWILIO_AUTH_TOKEN", "").strip()
        self._validator = RequestValidator(token) if token else None
        account = _account(environ)
        self._api = MessagesApi(account, timeout=timeout) if account else None

    def missing_to_send(self) -> list[str]:
        lacking = super().missing_to_send()
        return lacking if _sender(self.environ) else [*lacking, " or ".join(_SENDERS.values())]

    def may_enter(self, secret: str | None, headers: Mapping[str, str]) -> bool | None:
        return None if headers.get(_SIGNATURE) else False

    def authenticate(self, request: WebhookRequest) -> bool:
        signature = next((value for name, value in request.headers.items() if name.lower() == _SIGNATURE), "")
        if self._validator is None or not signature:
            return False
        try:
            return bool(self._validator.validate(request.url, request.form, signature))
        except ValueError:  # an address or a field that cannot be encoded: Twilio never signed that
            return False

    def parse(self, request: WebhookRequest, brings: EventKind) -> list[Event]:
        form = WebhookForm(request.form)
        match brings:
            case EventKind.SMS:
                return _inbound(form)
            case EventKind.RECEIPT:
                return _receipt(form, request.url)
            case _:
                raise BadRequest("Twilio has no such webhook")

    def render_sms(self, text: str | None, message_id: int | None = None) -> WebhookResponse:
        answer = MessagingResponse()
        if text:
            # Twilio's pages name both attributes for this; a receipt that comes twice does no harm.
            callback = self._receipts_url(message_id) if message_id is not None else None
            answer.message(_NOT_IN_XML.sub("", text), action=callback, status_callback=callback)
        return WebhookResponse(str(answer), "text/xml; charset=utf-8")

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        if self._api is None:
            lacking = Refusal(f"{' and '.join(self.missing_to_send())} not set")
            return [lacking.of(message.id) for message in batch]
        return self._api.send(batch, {message.id: self._receipts_url(message.id) for message in batch})

    def reconcile(self, message: Outgoing, since: datetime) -> Reconciled | None:
        return self._api.find(message, since) if self._api is not None else None

    def balance(self) -> Balance | None:
        """What is left on the account."""
        return self._api.balance() if self._api is not None else None

    def _receipts_url(self, message_id: int) -> str:
        """Where Twilio reports what became of one of our messages; the signature covers the id in it."""
        return f"{self.public_url}/webhooks/{self.name}/receipts?message={message_id}"


def _sender(environ: Mapping[str, str]) -> dict[str, str]:
    """The sender as the SDK names it: the messaging service where there is one, for it knows who has opted out."""
    for argument, name in _SENDERS.items():
        if given := environ.get(name, "").strip():
            return {argument: given}
    return {}


def _account(environ: Mapping[str, str]) -> Account | None:
    """The account to send from, None while settings are missing; raises ``SettingMissing`` for one that is wrong."""
    sid, token = environ.get("TWILIO_ACCOUNT_SID", "").strip(), environ.get("TWILIO_AUTH_TOKEN", "").strip()
    if sid and not re.fullmatch(r"AC[0-9A-Za-z]+", sid):
        raise SettingMissing("TWILIO_ACCOUNT_SID must be the account's SID, which starts with AC")
    api_url, sender = web_address(environ, "TWILIO_API_URL"), _sender(environ)
    return Account(sid, token, sender, api_url) if sid and token and sender else None


def _inbound(form: WebhookForm) -> list[Event]:
    """An inbound message, or the opt-out that Twilio has seen in it (``OptOutType``, with advanced opt-out).

    After STOP Twilio has said goodbye and takes nothing more for the number, so there is nothing to answer. The words
    that undo it ("START", "YES") may also be the answer to our last question, and HELP asks for ours too.
    """
    if form.word("From").lower().startswith("whatsapp:"):
        raise BadRequest("From is a WhatsApp address; only SMS is served here")
    phone = form.phone("From")
    message = InboundSms(
        phone=phone,
        message_id=form.identifier("MessageSid"),
        text=form.text("Body"),
        recipient=form.word("To"),
    )
    match form.word("OptOutType").upper():
        case "STOP":
            return [OptOut(phone)]
        case "START":
            return [OptOut(phone, stopped=False), message]
        case _:
            return [message]


def _receipt(form: WebhookForm, url: str) -> list[Event]:
    """A status callback, and the opt-out that it may tell of.

    A status that we do not know counts as the least final one: it can never overwrite what is certain.
    """
    word = form.required_word("MessageStatus")
    status = STATUSES.get(word.lower())
    code, phone = form.count("ErrorCode"), form.phone_or_none("To")
    if status is None:
        reason = f"unknown status {form.code('MessageStatus')}".rstrip()
    elif status is ReceiptStatus.FAILED:
        reason = fault(code).reason if code else "Twilio gave no reason"
    else:
        reason = ""
    receipt = Receipt(
        provider_id=form.identifier("MessageSid"),
        status=status or ReceiptStatus.SENT,
        phone=phone,
        reason=reason,
        our_id=_our_id(url),
        wrong_number=status is ReceiptStatus.FAILED and code is not None and fault(code).wrong_number,
    )
    if status is ReceiptStatus.FAILED and code == OPTED_OUT and phone is not None:
        return [receipt, OptOut(phone)]
    return [receipt]


def _our_id(url: str) -> int | None:
    try:
        told = parse_qs(urlsplit(url).query).get("message", [""])[0]
    except ValueError:
        return None
    return int(told) if re.fullmatch(r"[1-9][0-9]{0,17}", told, re.ASCII) else None
