"""Africa's Talking's messaging and user data APIs as their documentation has them.

    python -m tests.stub_gateways.africastalking_stub --port 9000 --log requests.jsonl

then ``AT_API_URL=http://127.0.0.1:9000``.
"""

from __future__ import annotations

import time
from uuid import uuid4

from tests.stub_gateways.behaviour import Behaviour, Received, StubAnswer, Taken, json_answer
from tests.stub_gateways.stub_server import StubGateway, run

_STATUSES = {
    100: "Processed",
    101: "Success",
    102: "Queued",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}


class AfricasTalkingStub(StubGateway):
    """Takes messages for any account. ``refuses(number, code)`` takes the status codes of a recipient."""

    credentials_header = "apiKey"
    #: Sender IDs that are unknown: such a request has no recipients in its answer.
    unknown_senders: frozenset[str] = frozenset()
    #: What is left on every account.
    balance: object = "KES 1785.50"

    def answer(self, received: Received) -> StubAnswer:
        form = received.form
        if received.method == "GET" and received.path == "/version1/user":
            return self._user(received)
        if received.method != "POST" or received.path != "/version1/messaging":
            return StubAnswer(404, b"Not Found", "text/plain")
        for name in ("username", "to", "message"):
            if not form.get(name):
                return StubAnswer(400, f"Request is missing required form field '{name}'".encode(), "text/plain")
        if not received.credentials:
            return StubAnswer(401, b"The supplied authentication is invalid", "text/plain")
        if form.get("from") in self.unknown_senders:
            return json_answer(201, {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}})
        entries = [self._entry(received, number) for number in form["to"].split(",")]
        mentioned = entries[:1] if received.behaviour is Behaviour.PARTIAL else entries
        message = f"Sent to {len(received.taken)}/{len(entries)} Total Cost: IDR {350 * len(received.taken)}.0000"
        return json_answer(201, {"SMSMessageData": {"Message": message, "Recipients": mentioned}})

    def _user(self, received: Received) -> StubAnswer:
        if not received.query.get("username"):
            return StubAnswer(400, b"Request is missing required query parameter 'username'", "text/plain")
        if not received.credentials:
            return StubAnswer(401, b"The supplied authentication is invalid", "text/plain")
        return json_answer(200, {"UserData": {"balance": self.balance}})

    def _entry(self, received: Received, number: str) -> dict[str, object]:
        code = self.refused.get(number, 101)
        message_id = "None"
        if code < 400:
            message_id = f"ATXid_{uuid4().hex}"
            received.taken.append(Taken(number, received.form["message"], message_id, time.time()))
        return {
            "statusCode": code,
            "number": number,
            "status": _STATUSES.get(code, "Unheard"),
            "cost": "IDR 350.0000" if code < 400 else "0",
            "messageId": message_id,
        }


if __name__ == "__main__":
    run(AfricasTalkingStub)
