"""Handing messages to Twilio, and asking about them: through its SDK's client, on connections of our own.

The SDK's own HTTP client has no limit to the time of a call, obeys ``HTTP_PROXY`` and logs URLs with phone numbers in
them. Its client takes another one, which is made here.
"""

from __future__ import annotations

import base64
import functools
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance, MessageList

from bot.phone import is_e164
from gateway_adapters.base import Accepted, Balance, Outcome, Outgoing, ReceiptStatus, Reconciled, Unknown
from gateway_adapters.deadline_http import DeadlineHttp, HttpAnswer, NoAnswer, NotSent
from gateway_adapters.refusal import NO_PHONE, Refusal
from gateway_adapters.told_balance import told_balance
from gateway_adapters.twilio_faults import fault

#: Requests under way at once for one batch.
IN_FLIGHT = 16
#: Twilio's clock and ours may differ by this much.
_CLOCKS_APART = timedelta(minutes=1)
#: Messages to one number that are looked through to find one of ours; more than that are not ours alone.
_LOOKED_THROUGH = 100

STATUSES = {
    "accepted": ReceiptStatus.SENT,
    "scheduled": ReceiptStatus.SENT,
    "queued": ReceiptStatus.SENT,
    "sending": ReceiptStatus.SENT,
    "sent": ReceiptStatus.SENT,
    "partially_delivered": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.DELIVERED,
    "undelivered": ReceiptStatus.FAILED,
    "failed": ReceiptStatus.FAILED,
    "canceled": ReceiptStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to send as: ``sender`` holds ``from_`` or ``messaging_service_sid``, as the SDK has them."""

    sid: str
    auth_token: str = field(repr=False)
    sender: Mapping[str, str]
    api_url: str | None = None


class MessagesApi:
    """Sends messages for one account, and asks about them and about the account."""

    def __init__(self, account: Account, *, timeout: float) -> None:
        """``timeout``: seconds that one call may take in all."""
        self._account = account
        self._timeout = timeout

    def send(self, batch: Sequence[Outgoing], status_callbacks: Mapping[int, str]) -> list[Outcome]:
        """One outcome for each message, in the order of ``batch``; raises nothing.

        ``status_callbacks``: the address for the receipts of each message, by its id. Messages to one number are handed
        over one after the other; of the others up to ``IN_FLIGHT`` at once.
        """
        by_phone: dict[str, list[Outgoing]] = {}
        for message in batch:
            by_phone.setdefault(message.phone, []).append(message)

        def hand_over(messages: Sequence[Outgoing]) -> list[Outcome]:
            return [self._hand_over(message, status_callbacks[message.id]) for message in messages]

        if len(by_phone) == 1:
            done = [hand_over(batch)]
        else:
            with ThreadPoolExecutor(min(IN_FLIGHT, len(by_phone) or 1), "twilio") as lanes:
                done = list(lanes.map(hand_over, by_phone.values()))
        outcomes = {outcome.message: outcome for lane in done for outcome in lane}
        return [outcomes[message.id] for message in batch]

    def find(self, message: Outgoing, since: datetime) -> Reconciled | None:
        """The one message to the number with the same text since ``since``; None if there is none or several."""
        try:
            page = self._messages.page(
                to=message.phone, date_sent_after=since - _CLOCKS_APART, page_size=_LOOKED_THROUGH
            )
            listed = list(page)
        except (NotSent, NoAnswer, _Refused, *_SDK_FAULTS):
            return None
        ours = [one for one in listed if _is_ours(one, message, since)]
        if len(ours) != 1 or len(listed) >= _LOOKED_THROUGH:
            return None
        status = STATUSES.get(str(ours[0].status))
        return Reconciled(message.id, str(ours[0].sid), status, ours[0].date_updated) if status else None

    def balance(self) -> Balance | None:
        """What is left on the account; None where it cannot be told, as of a subaccount. Raises nothing."""
        try:
            told = self._client.balance.fetch()
        except (NotSent, NoAnswer, _Refused, *_SDK_FAULTS):
            return None
        return told_balance(told.balance, told.currency)

    def _hand_over(self, message: Outgoing, status_callback: str) -> Outcome:
        if not is_e164(message.phone):
            return NO_PHONE.of(message.id)
        try:
            made = self._messages.create(
                to=message.phone, body=message.body, status_callback=status_callback, **self._account.sender
            )
        except NotSent as failure:
            return Refusal(f"Twilio was not reached: {failure}").of(message.id)
        except NoAnswer as failure:
            return Unknown(message.id, f"Twilio did not answer: {failure}")
        except _Refused as refused:
            return refused.outcome(message.id)
        except _SDK_FAULTS:
            return Unknown(message.id, "Twilio's answer cannot be read")
        return _outcome(message, made)

    @functools.cached_property
    def _messages(self) -> MessageList:
        return self._client.messages

    @functools.cached_property
    def _client(self) -> Client:
        account = self._account
        client = Client(
            account.sid,
            account.auth_token,
            http_client=_Http(self._timeout),
            # An empty one would be replaced by the process's own, which could move the host.
            environment={"TWILIO_EDGE": ""},
        )
        if account.api_url is not None:
            client.api.base_url = account.api_url
        return client


#: What the SDK raises over an answer that is not as documented, once it has come.
_SDK_FAULTS = (AttributeError, KeyError, IndexError, TypeError, ValueError)


class _Refused(Exception):
    """An answer with a status other than 2xx."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer

    def outcome(self, message: int) -> Outcome:
        """What it means for a message: 4xx is a refusal, whatever else leaves its fate open."""
        status = self.answer.status
        if not 400 <= status < 500:
            return Unknown(message, f"Twilio answered HTTP {status}")
        if status == 429:
            return fault(20429).of(message, self.answer.retry_after())
        code = (self.answer.json_object() or {}).get("code")
        if isinstance(code, int):
            return fault(code).of(message, self.answer.retry_after())
        if status in {401, 403}:
            return fault(20003).of(message)
        return Refusal(f"Twilio refused the request (HTTP {status})").of(message)


class _Http(HttpClient):  # type: ignore[misc]  # the SDK has no types here
    """What the SDK's client calls through. Whatever is not a JSON object with status 2xx raises."""

    def __init__(self, timeout: float) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False, timeout=timeout)
        self._seconds = timeout
        self._http = DeadlineHttp()

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One call; raises ``NotSent``, ``NoAnswer`` and ``_Refused``. Redirects are never followed."""
        query = f"?{urlencode(params, errors='replace')}" if params else ""
        answer = self._http.exchange(
            method,
            uri + query,
            headers={**(headers or {}), **_authorization(auth)},
            body=urlencode(data or {}, doseq=True, errors="replace").encode("ascii"),
            timeout=self._seconds,
        )
        if not answer.is_success:
            raise _Refused(answer)
        if answer.json_object() is None:
            raise NoAnswer("the answer cannot be read")
        return Response(answer.status, answer.body.decode("utf-8", "replace"), dict(answer.headers))


def _authorization(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode("ascii")}


def _outcome(message: Outgoing, made: MessageInstance) -> Outcome:
    if not isinstance(made.sid, str) or not made.sid.isalnum() or len(made.sid) > 64:
        return Unknown(message.id, "Twilio's answer names no message")
    if STATUSES.get(str(made.status)) is ReceiptStatus.FAILED:
        return fault(made.error_code if isinstance(made.error_code, int) else 30008).of(message.id)
    return Accepted(message.id, made.sid)


def _is_ours(listed: MessageInstance, message: Outgoing, since: datetime) -> bool:
    made = listed.date_created
    return (
        str(listed.direction).startswith("outbound")
        and (listed.body or "").strip() == message.body.strip()
        and made is not None
        and made.astimezone(UTC) >= since - _CLOCKS_APART
    )
