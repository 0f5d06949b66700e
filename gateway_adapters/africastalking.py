"""Africa's Talking: USSD and SMS.

Its callbacks are not signed, so their path holds ``WEBHOOK_SECRET``. The answer to an inbound SMS is not passed on to
the sender: replies leave through the API like every message, see ``africastalking_sms``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from gateway_adapters.africastalking_balance import AccountApi
from gateway_adapters.africastalking_sms import Account, MessagingApi
from gateway_adapters.base import (
    Answer,
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
    SettingMissing,
    UssdEnded,
    UssdHop,
    WebhookRequest,
    WebhookResponse,
)
from gateway_adapters.path_secret import WEBHOOK_SECRET, PathSecret
from gateway_adapters.refusal import Refusal
from gateway_adapters.web_address import web_address
from gateway_adapters.webhook_form import WebhookForm, is_empty

_STATUSES = {
    "sent": ReceiptStatus.SENT,
    "submitted": ReceiptStatus.SENT,
    "buffered": ReceiptStatus.SENT,
    "success": ReceiptStatus.DELIVERED,
    "rejected": ReceiptStatus.FAILED,
    "failed": ReceiptStatus.FAILED,
    "absentsubscriber": ReceiptStatus.FAILED,
    "expired": ReceiptStatus.FAILED,
}
_FAILED_BY_ITSELF = {
    "rejected": "the operator refused the message",
    "failed": "the message could not be delivered",
    "absentsubscriber": "the phone was switched off or out of reach",
    "expired": "the phone was out of reach for too long",
}
_BLACKLISTED = "UserInBlackList"
_NO_SUCH_USER = "UserDoesNotExist"
_FAILURE_REASONS = {
    "InsufficientCredit": "the subscriber has too little credit",
    "InvalidLinkId": "the message that it answers was too long ago",
    "UserIsInactive": "the number is inactive",
    _BLACKLISTED: "the subscriber has opted out at the gateway",
    "UserAccountSuspended": "the subscriber's account is suspended",
    "NotNetworkSubscriber": "the number belongs to another operator",
    "UserNotSubscribedToProduct": "the subscriber has not subscribed to this service",
    _NO_SUCH_USER: "the number does not exist",
    "DeliveryFailure": "the message could not be delivered",
    "DoNotDisturbRejection": "the operator's do-not-disturb list forbids it",
}


class AfricasTalking(Gateway):
    """Africa's Talking, with USSD, inbound SMS, bulk SMS and replies from a short code."""

    name: ClassVar[str] = "africastalking"
    channels: ClassVar[frozenset[Channel]] = frozenset({Channel.USSD, Channel.SMS})
    settings: ClassVar[Sequence[GatewaySetting]] = (
        WEBHOOK_SECRET,
        GatewaySetting("AT_USERNAME", "the account's user name; `sandbox` for the sandbox", required_to_send=True),
        GatewaySetting("AT_API_KEY", "the account's API key", required_to_send=True, secret=True),
        GatewaySetting("AT_SENDER_ID", "the sender ID of messages that start here; the gateway's own if not set"),
        GatewaySetting("AT_SHORTCODE", "the short code that people write to, and that replies come from"),
        GatewaySetting("AT_API_URL", "replaces the hosts of the API, e.g. for tests"),
        GatewaySetting(
            "AFRICASTALKING_ALLOW", "the addresses from which its webhooks are taken; from anywhere if not set"
        ),
        GatewaySetting(
            "AFRICASTALKING_CALLS_A_SECOND", "calls that each web process takes a second; any number if not set"
        ),
    )
    endpoints: ClassVar[Sequence[Endpoint]] = (
        Endpoint("/<secret>/ussd", EventKind.USSD),
        Endpoint("/<secret>/ussd-events", EventKind.USSD_ENDED),
        Endpoint("/<secret>/sms", EventKind.SMS),
        Endpoint("/<secret>/receipts", EventKind.RECEIPT),
        Endpoint("/<secret>/opt-outs", EventKind.OPT_OUT),
    )
    max_recipients_per_request: ClassVar[int] = 1000

    def __init__(self, environ: Mapping[str, str], *, public_url: str, timeout: float) -> None:
        super().__init__(environ, public_url=public_url, timeout=timeout)
        self._secret = PathSecret(environ)
        account = _account(environ)
        self._api = MessagingApi(account, timeout=timeout, most=self.max_recipients_per_request) if account else None
        self._account_api = AccountApi(account, timeout=timeout) if account else None

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
                return [_ussd_hop(form)]
            case EventKind.USSD_ENDED:
                return [_ussd_ended(form)]
            case EventKind.SMS:
                return [_inbound_sms(form)]
            case EventKind.RECEIPT:
                return _receipt(form)
            case EventKind.OPT_OUT:
                return [OptOut(form.phone("phoneNumber"))]

    def render_ussd(self, answer: Answer) -> WebhookResponse:
        return WebhookResponse(f"{'CON' if answer.goes_on else 'END'} {answer.text}")

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        if self._api is None:
            lacking = Refusal(f"{' and '.join(self.missing_to_send())} not set")
            return [lacking.of(message.id) for message in batch]
        return self._api.send(batch)

    def balance(self) -> Balance | None:
        """What is left on the account."""
        return self._account_api.balance() if self._account_api is not None else None


def _account(environ: Mapping[str, str]) -> Account | None:
    """The account to send from, None without a user name and key; raises ``SettingMissing`` for a key that is none."""
    username, api_key = environ.get("AT_USERNAME", "").strip(), environ.get("AT_API_KEY", "").strip()
    if not re.fullmatch(r"[!-~]*", api_key):
        raise SettingMissing("AT_API_KEY holds characters that an API key cannot have")
    api_url = web_address(environ, "AT_API_URL")
    if not username or not api_key:
        return None
    return Account(
        username,
        api_key,
        sender_id=environ.get("AT_SENDER_ID", "").strip() or None,
        short_code=environ.get("AT_SHORTCODE", "").strip() or None,
        api_url=api_url,
    )


def _ussd_hop(form: WebhookForm) -> UssdHop:
    # The service code decides nothing, and people who try out their webhook by hand leave it out.
    return UssdHop(
        phone=form.phone("phoneNumber"),
        session_id=form.identifier("sessionId"),
        service_code=form.word("serviceCode"),
        text=form.text("text"),
    )


def _ussd_ended(form: WebhookForm) -> UssdEnded:
    return UssdEnded(
        phone=form.phone("phoneNumber"),
        session_id=form.identifier("sessionId"),
        complete=form.required_word("status").lower() == "success",
        hops=form.count("hopsCount"),
    )


def _inbound_sms(form: WebhookForm) -> InboundSms:
    return InboundSms(
        phone=form.phone("from"),
        message_id=form.identifier("id"),
        text=form.text("text"),
        recipient=form.word("to"),
        link_id=form.identifier_or_none("linkId"),
    )


def _receipt(form: WebhookForm) -> list[Event]:
    """A delivery report, and the opt-out that it may tell of.

    A status that we do not know counts as the least final one: it can never overwrite what is certain.
    """
    word = form.required_word("status")
    status = _STATUSES.get(word.lower())
    phone = form.phone_or_none("phoneNumber")
    failure = form.code("failureReason")
    if status is None:
        reason = f"unknown status {form.code('status')}".rstrip()
    elif status is ReceiptStatus.FAILED:
        reason = _FAILURE_REASONS.get(failure, failure) or _FAILED_BY_ITSELF[word.lower()]
    else:
        reason = ""
    receipt = Receipt(
        form.identifier("id"),
        status or ReceiptStatus.SENT,
        phone=phone,
        reason=reason,
        wrong_number=status is ReceiptStatus.FAILED and failure == _NO_SUCH_USER,
    )
    if status is ReceiptStatus.FAILED and failure == _BLACKLISTED and phone is not None:
        return [receipt, OptOut(phone)]
    return [receipt]
