"""What every gateway looks like to the rest of the service.

An adapter turns a provider's webhook into neutral events, says whether the caller may be believed, renders our answer,
and hands messages over. It knows nothing of conversations or vaccination, and nothing outside this package names a
provider. See ``docs/adding-a-gateway.md``.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Protocol, runtime_checkable


class Channel(enum.StrEnum):
    """How a person reaches us."""

    USSD = "ussd"
    SMS = "sms"


class ReceiptStatus(enum.StrEnum):
    """What a delivery report says, from least to most final."""

    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


# Values that nobody changes, but not all frozen: each hop makes some, and a frozen one takes thrice as long to make.

# --- what webhooks bring -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class UssdHop:
    """One request of a USSD session: ``text`` holds every input so far as the gateway gives it, "" at first."""

    phone: str
    session_id: str
    service_code: str
    text: str


@dataclass(frozen=True, slots=True)
class InboundSms:
    """An SMS from a person. ``recipient`` is our number, ``link_id`` a token that a reply must carry, if any."""

    phone: str
    message_id: str
    text: str
    recipient: str = ""
    link_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivery report. ``provider_id`` is the gateway's id; ``our_id`` our message's, where the gateway carries it.

    A message is found by ``our_id``, or by ``provider_id`` among those to ``phone``: one of the two must be told.

    ``wrong_number``: it says that the number is none, or can never receive messages.
    """

    provider_id: str
    status: ReceiptStatus
    phone: str | None = None
    reason: str = ""
    our_id: int | None = None
    wrong_number: bool = False


@dataclass(frozen=True, slots=True)
class OptOut:
    """The gateway (or its operator) took a number off the list, or (``stopped`` False) put it back."""

    phone: str
    stopped: bool = True


@dataclass(frozen=True, slots=True)
class UssdEnded:
    """A USSD session is over. ``complete`` is False where it was dropped or timed out."""

    phone: str
    session_id: str
    complete: bool
    hops: int = 0


Event = UssdHop | InboundSms | Receipt | OptOut | UssdEnded


class EventKind(enum.Enum):
    """What a webhook endpoint brings; the web layer has one way to take in each."""

    USSD = "ussd"
    SMS = "sms"
    RECEIPT = "receipt"
    OPT_OUT = "opt-out"
    USSD_ENDED = "ussd-ended"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook of an adapter: its route below ``/webhooks/<gateway name>`` and what it brings.

    ``<secret>`` in the route is the path secret of gateways that do not sign, e.g. ``/<secret>/ussd``.
    """

    route: str
    brings: EventKind


@dataclass(slots=True)
class WebhookRequest:
    """A webhook call as an adapter sees it: decoded form fields, the URL as the gateway called it, the path secret.

    ``url`` is "" where ``Gateway.may_enter`` has told already that who comes may.
    """

    url: str
    form: Mapping[str, str]
    headers: Mapping[str, str]
    secret: str | None = None


class BadRequest(ValueError):
    """The request lacks fields or holds nonsense; the text says what, without personal data."""


# --- what we answer ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Answer:
    """Our answer to a USSD hop: a screen of at most ``USSD_SCREEN_SEPTETS``, and whether the session goes on."""

    text: str
    goes_on: bool


@dataclass(slots=True)
class WebhookResponse:
    """The body of an HTTP 200 answer."""

    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


# --- what we send ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Outgoing:
    """A message to hand over. ``id`` is ours, unique. ``link_id`` comes from the inbound message that it answers.

    A value that nobody changes, but not frozen: half a million are made within seconds, and a frozen one takes thrice as
    long to make.
    """

    id: int
    phone: str
    body: str
    link_id: str | None = None
    reply: bool = False


@dataclass(slots=True)
class Accepted:
    """The gateway took the message and knows it as ``provider_id``. Not frozen, as ``Outgoing``."""

    message: int
    provider_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The gateway refused. Not ``permanent``: it may be tried again later, after ``retry_after`` seconds if told.

    ``wrong_number`` and ``opted_out`` say what is to be remembered about the phone.
    """

    message: int
    reason: str
    permanent: bool
    wrong_number: bool = False
    opted_out: bool = False
    throttled: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say whether the gateway took the message: it is never sent again by itself."""

    message: int
    reason: str


Outcome = Accepted | Rejected | Unknown


class SettingMissing(ValueError):
    """A setting that an adapter needs is not there or not right; the text names the variable."""


@dataclass(frozen=True, slots=True)
class GatewaySetting:
    """An environment variable that an adapter reads. ``secret`` ones are never shown."""

    name: str
    meaning: str
    required_to_send: bool = False
    required_to_receive: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a gateway says when asked about a message of unknown fate."""

    message: int
    provider_id: str
    status: ReceiptStatus
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on our account with a provider. ``currency``: as the provider writes it, usually of ISO 4217."""

    amount: Decimal
    currency: str


@runtime_checkable
class TellsBalance(Protocol):
    """An adapter whose provider can be asked what is left on the account. The others do not have the method."""

    def balance(self) -> Balance | None:
        """Ask, in at most one call's time; None where it cannot be told. Raises nothing."""


class Gateway(ABC):
    """A provider. One instance a process; ``send`` may be called from several threads at once."""

    name: ClassVar[str]
    channels: ClassVar[frozenset[Channel]]
    settings: ClassVar[Sequence[GatewaySetting]]
    endpoints: ClassVar[Sequence[Endpoint]]
    #: Most recipients of the same text in one ``send``.
    max_recipients_per_request: ClassVar[int] = 1
    #: Whether it can be asked what became of a message, see ``reconcile``.
    can_be_asked: ClassVar[bool] = False
    #: Whether the answer to an inbound SMS travels in the HTTP response (else it is sent like any message).
    answers_inline: ClassVar[bool] = False

    def __init__(self, environ: Mapping[str, str], *, public_url: str, timeout: float) -> None:
        """Take the settings from ``environ``; raises ``SettingMissing`` for one that is there but wrong.

        ``public_url``: what the provider calls, without a slash at its end. ``timeout``: seconds that one HTTP call to
        the provider may take in all.
        """
        self.environ = environ
        self.public_url = public_url
        self.timeout = timeout

    def can_receive(self) -> bool:
        """Whether the settings that its webhooks need are there."""
        return all(self.environ.get(s.name) for s in self.settings if s.required_to_receive)

    def missing_to_send(self) -> list[str]:
        """The names of the settings that sending still lacks; empty when it can send."""
        return [s.name for s in self.settings if s.required_to_send and not self.environ.get(s.name)]

    def may_enter(self, secret: str | None, headers: Mapping[str, str]) -> bool | None:
        """Whether who comes by a path with this secret may, asked before the body is read; None where only the whole
        request tells. ``headers`` are found whatever their case."""
        return None

    def is_dial(self, body: bytes) -> bool:
        """Whether the body of a USSD request is that of somebody who has just dialled; False where it cannot be told."""
        return False

    @abstractmethod
    def authenticate(self, request: WebhookRequest) -> bool:
        """Whether the caller is the provider: constant time."""

    @abstractmethod
    def parse(self, request: WebhookRequest, brings: EventKind) -> list[Event]:
        """The neutral events of an authenticated request; raises ``BadRequest``."""

    def render_ussd(self, answer: Answer) -> WebhookResponse:
        """The response to a USSD hop. Gateways without USSD never get here."""
        raise NotImplementedError(f"{self.name} has no USSD")

    def render_sms(self, text: str | None, message_id: int | None = None) -> WebhookResponse:
        """The response to an inbound SMS. ``text`` (None: no reply) is given only where ``answers_inline``."""
        return WebhookResponse()

    @abstractmethod
    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """Hand over messages that share one body; one outcome for each, whatever happens. Raises nothing.

        A timeout, a dropped connection or an answer that cannot be read is ``Unknown`` for all that it may concern.
        """

    def reconcile(self, message: Outgoing, since: datetime) -> Reconciled | None:
        """Ask the provider about a message of unknown fate handed over after ``since``; None where it cannot be asked."""
        return None


@dataclass(frozen=True, slots=True)
class GatewayRegistry:
    """The adapters of this process by name."""

    by_name: Mapping[str, Gateway] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Gateway:
        return self.by_name[name]

    def receiving(self) -> list[Gateway]:
        """Those whose webhooks can be served."""
        return [gateway for gateway in self.by_name.values() if gateway.can_receive()]
