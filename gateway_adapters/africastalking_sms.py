"""Handing messages to Africa's Talking: through its SDK's SMS service, on connections of our own.

The SDK as it comes opens a connection for each call, follows redirects with the API key, obeys ``HTTP_PROXY``, waits as
long as an answer drips, and goes by the content type of the answer. So its one request method is replaced here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
from africastalking.SMS import SMSService

from bot.phone import are_e164, is_e164
from gateway_adapters.base import Accepted, Outcome, Outgoing, Unknown
from gateway_adapters.deadline_http import DeadlineHttp, HttpAnswer, NoAnswer, NotSent
from gateway_adapters.refusal import NO_PHONE, Refusal

_ACCEPTED = frozenset({100, 101, 102})
_REFUSALS = {
    402: Refusal("the gateway does not know the sender ID", permanent=True),
    403: Refusal("the gateway says that the number is invalid", permanent=True, wrong_number=True),
    404: Refusal("the gateway does not serve this kind of number", permanent=True, wrong_number=True),
    405: Refusal("the account's balance is too low", throttled=True),
    406: Refusal("the subscriber has opted out at the gateway", permanent=True, opted_out=True),
    407: Refusal("the gateway has no route to the number", permanent=True),
    409: Refusal("the operator's do-not-disturb list forbids it", permanent=True),
    502: Refusal("the operator's gateway refused the message", permanent=True),
}
_HELD = 401
#: How ids look; what looks otherwise is looked at more closely.
_PLAIN_IDS = re.compile(r"(?:ATXid_[0-9A-Za-z]{1,100}(?:,|$))+").fullmatch
_BROKEN = {500: "the gateway had an internal error", 501: "the operator's gateway had an error"}
_NO_SUCH_SENDER = "InvalidSenderId"
_UNREADABLE = "the gateway's answer cannot be read"


class _Taken(msgspec.Struct, gc=False, rename="camel"):
    """What is wanted of an entry of ``Recipients``, as it stands there nearly always."""

    status_code: int
    number: str
    message_id: str


class _Told(msgspec.Struct, rename="pascal"):
    recipients: list[_Taken]


class _Answer(msgspec.Struct):
    told: _Told = msgspec.field(name="SMSMessageData")


_as_documented = msgspec.json.Decoder(_Answer).decode


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to send as. ``api_url`` replaces both of the SDK's hosts."""

    username: str
    api_key: str = field(repr=False)
    sender_id: str | None = None
    short_code: str | None = None
    api_url: str | None = None


class MessagingApi:
    """Sends batches for one account."""

    def __init__(self, account: Account, *, timeout: float, most: int) -> None:
        """``timeout``: seconds that one call may take in all. ``most``: recipients of one call."""
        self._account = account
        self._most = most
        self._service = _SmsService(account, timeout)

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One outcome for each message, in the order of ``batch``; raises nothing."""
        if are_e164([message.phone for message in batch]):
            good = list(batch)
        else:
            good = [message for message in batch if is_e164(message.phone)]
        requests = into_requests(good, self._most)
        if len(requests) == 1 and len(good) == len(batch):
            return self._hand_over(good)
        outcomes: dict[int, Outcome] = {
            message.id: NO_PHONE.of(message.id) for message in batch if not is_e164(message.phone)
        }
        for messages in requests:
            outcomes.update((outcome.message, outcome) for outcome in self._hand_over(messages))
        return [outcomes[message.id] for message in batch]

    def _hand_over(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        try:
            answer = self._submit(messages)
        except NotSent as failure:
            refusal = Refusal(f"the gateway was not reached: {failure}")
            return [refusal.of(message.id) for message in messages]
        except NoAnswer as failure:
            return [Unknown(message.id, f"the gateway did not answer: {failure}") for message in messages]
        return read_answer(messages, answer)

    def _submit(self, messages: Sequence[Outgoing]) -> HttpAnswer:
        first, numbers, account = messages[0], [message.phone for message in messages], self._account
        sender = (account.short_code if first.reply else None) or account.sender_id
        answer: HttpAnswer
        if first.link_id and account.short_code:
            answer = self._service.send_premium(first.body, account.short_code, numbers, link_id=first.link_id)
        elif len(numbers) > 1:
            answer = self._service.send_bulk(first.body, numbers, sender)
        else:
            answer = self._service.send(first.body, numbers, sender_id=sender)
        return answer


class _SmsService(SMSService):  # type: ignore[misc]  # the SDK has no types
    """The SDK's service for one account. It is made directly: ``initialize`` keeps services in the SDK's globals."""

    def __init__(self, account: Account, timeout: float) -> None:
        self._api_url = account.api_url
        self._timeout = timeout
        self._http = DeadlineHttp()
        super().__init__(account.username, account.api_key)

    def _init_service(self) -> None:
        super()._init_service()
        if self._api_url is not None:
            self._baseUrl = self._contentUrl = f"{self._api_url}/version1"

    def send_bulk(self, message: str, numbers: Sequence[str], sender_id: str | None) -> HttpAnswer:
        """The SDK's ``send`` to numbers that have been checked: its own check of each takes as long as all the rest."""
        fields = {
            "username": self._username,
            "to": ",".join(numbers),
            "message": message,
            "bulkSMSMode": 1,
            "enqueue": 1,
        }
        if sender_id is not None:
            fields["from"] = sender_id
        return self._make_request(self._make_url("/messaging"), "POST", self._headers, fields)

    def _make_request(
        self, url: str, method: str, headers: Mapping[str, str], data: Mapping[str, Any], *_args: Any, **_kwargs: Any
    ) -> HttpAnswer:
        """One call, whatever its status; raises ``NotSent`` and ``NoAnswer``. The SDK's own timeout is not for us."""
        return self._http.exchange(
            method,
            url,
            headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
            body=_form(data).encode("ascii"),
            timeout=self._timeout,
        )


def _form(fields: Mapping[str, Any]) -> str:
    """The fields of a request, encoded. ``to`` holds E.164 numbers, of which two characters alone need it."""
    others = {name: value for name, value in fields.items() if name != "to"}
    return f"to={fields['to'].replace('+', '%2B').replace(',', '%2C')}&{urlencode(others, errors='replace')}"


def into_requests(messages: Iterable[Outgoing], most: int) -> list[list[Outgoing]]:
    """Split messages into requests: one text and one sender each, at most ``most`` recipients, no number twice.

    A number that stood twice in one request would be answered for once, and nobody could tell which was meant.
    Messages to one number keep their order.
    """
    messages = list(messages)
    if 0 < len(messages) <= most and len({message.phone for message in messages}) == len(messages):
        first = messages[0]
        kind = (first.body, first.reply, first.link_id)
        if all((message.body, message.reply, message.link_id) == kind for message in messages):
            return [messages]
    requests: list[list[Outgoing]] = []
    filling: dict[tuple[str, bool, str | None], tuple[list[Outgoing], set[str]]] = {}
    for message in messages:
        kind = (message.body, message.reply, message.link_id)
        request, numbers = filling.get(kind, (None, set()))
        if request is None or len(request) >= most or message.phone in numbers:
            request, numbers = filling[kind] = ([], set())
            requests.append(request)
        request.append(message)
        numbers.add(message.phone)
    return requests


def read_answer(messages: Sequence[Outgoing], answer: HttpAnswer) -> list[Outcome]:
    """What the API's answer says of each message that was handed over."""
    if 400 <= answer.status < 500:
        refusal = _refusal_of_all(answer.status)
        return [refusal.of(message.id, answer.retry_after()) for message in messages]
    if answer.is_success and (accepted := _all_accepted(messages, answer.body)) is not None:
        return accepted
    told = (answer.json_object() or {}).get("SMSMessageData") if answer.is_success else None
    if not isinstance(told, dict):
        reason = _UNREADABLE if answer.is_success else f"the gateway answered HTTP {answer.status}"
        return [Unknown(message.id, reason) for message in messages]
    recipients = _recipients(told.get("Recipients"))
    if not recipients and _NO_SUCH_SENDER in str(told.get("Message")):
        return [_REFUSALS[402].of(message.id) for message in messages]
    return [_outcome(message, recipients.get(message.phone)) for message in messages]


def _refusal_of_all(status: int) -> Refusal:
    match status:
        case 401 | 403:
            return Refusal(f"the gateway does not accept AT_USERNAME and AT_API_KEY (HTTP {status})")
        case 429:
            return Refusal("the gateway asks to send more slowly", throttled=True)
        case _:
            return Refusal(f"the gateway refused the request (HTTP {status})")


def _all_accepted(messages: Sequence[Outgoing], body: bytes) -> list[Outcome] | None:
    """The outcomes where the answer tells of every number in our order that it was taken, as nearly all do; else None.

    Read into nothing but what is wanted of it: to be taken apart as any JSON takes it four times as long.
    """
    try:
        entries = _as_documented(body).told.recipients
    except (ValueError, RecursionError):
        return None
    # Column by column, and the ids as one text: entry by entry that takes twice as long.
    if [entry.number for entry in entries] != [message.phone for message in messages]:
        return None
    ids = [entry.message_id for entry in entries]
    if not {entry.status_code for entry in entries} <= _ACCEPTED or not _PLAIN_IDS(",".join(ids)):
        return None
    return [Accepted(message.id, message_id) for message, message_id in zip(messages, ids, strict=True)]


def _recipients(told: object) -> dict[str, dict[str, Any]]:
    """The entries of an answer by number. Of several for one number an accepted one counts: the message has left."""
    recipients: dict[str, dict[str, Any]] = {}
    for entry in told if isinstance(told, list) else []:
        if isinstance(entry, dict):
            number = "+" + str(entry.get("number")).strip().removeprefix("+")
            if number not in recipients or _status_code(entry) in _ACCEPTED:
                recipients[number] = entry
    return recipients


def _status_code(entry: Mapping[str, Any]) -> int:
    """The status code of a recipient, also where it comes as text; 0 for none."""
    code = entry.get("statusCode")
    if type(code) is int:
        return code
    digits = str(code).strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0


def _outcome(message: Outgoing, entry: Mapping[str, Any] | None) -> Outcome:
    if entry is None:
        return Unknown(message.id, "the gateway's answer does not mention the number")
    code, message_id = _status_code(entry), _message_id(entry)
    if code in _ACCEPTED:
        # Without an id no receipt will find it, but it has left all the same. Ids must be unique, so it gets one.
        return Accepted(message.id, message_id or f"unnamed-{uuid4().hex}")
    if code in _REFUSALS:
        return _REFUSALS[code].of(message.id)
    if code == _HELD:
        # What is held may still leave once the gateway's people have looked at it.
        return Unknown(message.id, "the gateway holds the message back as a risk")
    if code in _BROKEN and message_id is None:
        return Refusal(_BROKEN[code]).of(message.id)
    if code in _BROKEN:
        return Unknown(message.id, f"{_BROKEN[code]} after it had taken the message")
    return Unknown(message.id, f"the gateway answered with a status we do not know: {code}")


def _message_id(entry: Mapping[str, Any]) -> str | None:
    """The id in an entry; the API writes the text "None" for messages that it did not take."""
    told = entry.get("messageId")
    message_id = told.strip() if isinstance(told, str) else ""
    sound = message_id.isprintable() and 0 < len(message_id) <= 128 and message_id.lower() != "none"
    return message_id if sound else None
