"""What is spooled, as text: an SMS, an opt-out or a delivery report, with its gateway and the moment at which it came."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from gateway_adapters.base import InboundSms, OptOut, Receipt, ReceiptStatus

_VERSION: Final = 1


class Unreadable(ValueError):
    """A letter that cannot be read; the text says why, without a word of it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """``at``: when it came."""

    gateway: str
    event: InboundSms | OptOut | Receipt
    at: datetime

    @property
    def kind(self) -> str:
        """``sms``, ``opt-out`` or ``receipt``."""
        return _KINDS[type(self.event)]

    @property
    def identity(self) -> str | None:
        """The same for the same thing told again; None for opt-outs: stop, start and stop again are three."""
        match self.event:
            case InboundSms(message_id=message, text=text):
                return f"sms {self.gateway} {message} {text!a}"
            case Receipt(provider_id=provider_id, status=status, reason=reason):
                return f"receipt {self.gateway} {provider_id} {status.value} {reason}"
            case OptOut():
                return None


_KINDS: Final = {InboundSms: "sms", OptOut: "opt-out", Receipt: "receipt"}


def _receipt(**values: Any) -> Receipt:
    return Receipt(**{**values, "status": ReceiptStatus(values["status"])})


_MAKERS: Final[Mapping[str, Callable[..., InboundSms | OptOut | Receipt]]] = {
    "sms": InboundSms,
    "opt-out": OptOut,
    "receipt": _receipt,
}


def frozen(letter: Letter) -> str:
    """A letter as text."""
    return json.dumps([_VERSION, letter.kind, letter.gateway, letter.at.isoformat(), asdict(letter.event)])


def thawed(text: str) -> Letter:
    """The letter again; raises ``Unreadable``, as for one that another release wrote in its own way."""
    try:
        version, kind, gateway, at, values = json.loads(text)
        if version != _VERSION:
            raise Unreadable("written by another release")
        return Letter(gateway, _MAKERS[kind](**values), datetime.fromisoformat(at))
    except (ValueError, TypeError, KeyError) as error:
        raise error if isinstance(error, Unreadable) else Unreadable("not a letter") from error
