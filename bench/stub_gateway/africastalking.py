"""Africa's Talking's messaging API as documented, made for a thousand recipients a request."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from urllib.parse import unquote_plus

from bench.stub_gateway.message_log import Taken
from bench.stub_gateway.wire import Request, written

GATEWAY = "africastalking"
PATH = "/version1/messaging"
THROTTLED = written(429, b"Too many requests", "text/plain", {"Retry-After": "1"})
BROKEN = written(500, b"Internal Server Error", "text/plain")

_ENTRY = '{"statusCode": 101, "number": "%s", "status": "Success", "cost": "IDR 350.0000", "messageId": "%s"}'
_REFUSED = '{"statusCode": %d, "number": %s, "status": "%s", "cost": "0", "messageId": "None"}'
_STATUSES = {
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


def send(
    request: Request, refused: Mapping[str, int], lose: Callable[[int], frozenset[int]] | None
) -> tuple[bytes, Taken | None]:
    """The answer to a request, and what was taken. ``lose`` chooses recipients that the answer does not mention."""
    fields = dict(field.split("=", 1) for field in request.body.decode("ascii").split("&") if "=" in field)
    for name in ("username", "to", "message"):
        if not fields.get(name):
            return written(400, f"Request is missing required form field '{name}'".encode(), "text/plain"), None
    if not request.has_header(b"apikey"):
        return written(401, b"The supplied authentication is invalid", "text/plain"), None
    asked = _numbers(fields["to"])
    numbers = [number for number in asked if number not in refused] if refused else asked
    ids = _ids(len(numbers))
    entries = [_ENTRY % pair for pair in zip(numbers, ids, strict=True)]
    if lose is not None:
        left_out = lose(len(entries))
        entries = [entry for place, entry in enumerate(entries) if place not in left_out]
    if len(numbers) < len(asked):
        entries += [_refusal(number, refused[number]) for number in asked if number in refused]
    answer = (
        f'{{"SMSMessageData": {{"Message": "Sent to {len(numbers)}/{len(asked)} Total Cost: IDR {350 * len(numbers)}", '
        f'"Recipients": [{", ".join(entries)}]}}}}'
    )
    taken = Taken(GATEWAY, unquote_plus(fields["message"]), numbers, ids) if numbers else None
    return written(201, answer.encode()), taken


def receipt(number: str, message_id: str, *, final: bool, delivered: bool) -> dict[str, str]:
    """The form of a delivery report."""
    status = ("Success" if delivered else "Failed") if final else "Sent"
    form = {"id": message_id, "status": status, "phoneNumber": number, "networkCode": "51010", "retryCount": "0"}
    return form | ({"failureReason": "DeliveryFailure"} if status == "Failed" else {})


def _numbers(told: str) -> list[str]:
    # Undoing the two escapes that numbers need takes a tenth of what undoing any takes.
    plain = told.replace("%2B", "+").replace("%2C", ",")
    return (unquote_plus(told) if "%" in plain else plain).split(",")


def _ids(count: int) -> list[str]:
    drawn = os.urandom(16 * count).hex()
    return [f"ATXid_{drawn[at : at + 32]}" for at in range(0, 32 * count, 32)]


def _refusal(number: str, code: int) -> str:
    return _REFUSED % (code, json.dumps(number), _STATUSES.get(code, "Unheard"))
