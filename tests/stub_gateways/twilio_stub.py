"""Twilio's Messages and Balance resources as its documentation has them, and the signature of its webhooks.

    python -m tests.stub_gateways.twilio_stub --port 9001 --log requests.jsonl

then ``TWILIO_API_URL=http://127.0.0.1:9001``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import uuid4

from twilio.request_validator import RequestValidator

from tests.stub_gateways.behaviour import Received, StubAnswer, Taken, json_answer
from tests.stub_gateways.stub_server import StubGateway, run

_MESSAGES = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-zA-Z]+)/Messages\.json")
_BALANCE = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-zA-Z]+)/Balance\.json")


def signed(url: str, form: Mapping[str, str], auth_token: str) -> dict[str, str]:
    """The headers of a webhook call that Twilio makes to ``url`` with ``form``."""
    return {"X-Twilio-Signature": RequestValidator(auth_token).compute_signature(url, dict(form))}


class TwilioStub(StubGateway):
    """Takes messages for any account. ``refuses(number, code)`` takes Twilio's error codes."""

    credentials_header = "Authorization"

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        #: What became of messages, by their sid; ``sent`` for the others.
        self.statuses: dict[str, str] = {}
        #: What is left on the account, and in what; an account of another's has no balance of its own.
        self.balance: tuple[object, object] = ("12.34", "USD")

    def answer(self, received: Received) -> StubAnswer:
        if (account := _BALANCE.fullmatch(received.path)) is not None and received.method == "GET":
            return self._balance(received, account[1])
        resource = _MESSAGES.fullmatch(received.path)
        if resource is None:
            return _fault(404, 20404)
        if not received.credentials.startswith("Basic "):
            return _fault(401, 20003)
        if received.method == "GET":
            found = [self._resource(taken) for taken in self.taken if taken.number == received.query.get("To")]
            return json_answer(200, {"messages": found, "page": 0, "page_size": 50, "next_page_uri": None})
        return self._create(received)

    def _balance(self, received: Received, account: str) -> StubAnswer:
        if not received.credentials.startswith("Basic "):
            return _fault(401, 20003)
        amount, currency = self.balance
        return json_answer(200, {"account_sid": account, "balance": amount, "currency": currency})

    def _create(self, received: Received) -> StubAnswer:
        form = received.form
        if not form.get("Body"):
            return _fault(400, 21602)
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _fault(400, 21603)
        number = form.get("To", "")
        if number in self.refused:
            return _fault(429 if self.refused[number] == 20429 else 400, self.refused[number])
        taken = Taken(number, form["Body"], f"SM{uuid4().hex}", time.time())
        received.taken.append(taken)
        return json_answer(201, {**self._resource(taken), "status": "queued"})

    def _resource(self, taken: Taken) -> dict[str, object]:
        at = format_datetime(datetime.fromtimestamp(taken.at, UTC))
        return {
            "sid": taken.provider_id,
            "to": taken.number,
            "body": taken.body,
            "status": self.statuses.get(taken.provider_id, "sent"),
            "direction": "outbound-api",
            "num_segments": "1",
            "price": None,
            "date_created": at,
            "date_updated": at,
            "date_sent": at,
            "error_code": None,
        }


def _fault(status: int, code: int) -> StubAnswer:
    return json_answer(
        status,
        {
            "code": code,
            "message": "The request was refused",
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        },
    )


if __name__ == "__main__":
    run(TwilioStub)
