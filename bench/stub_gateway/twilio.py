"""Twilio's Messages resource as documented: sending, and listing by number and date."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from twilio.request_validator import RequestValidator

from bench.stub_gateway.message_log import Taken
from bench.stub_gateway.wire import Request, written

GATEWAY = "twilio"
PATH = re.compile(r"/2010-04-01/Accounts/(AC[0-9A-Za-z]+)/Messages\.json")
_UNREACHABLE = "30003"
_MOST_LISTED = 1000


@dataclass(slots=True)
class _Message:
    sid: str
    number: str
    body: str
    at: float
    status: str = "sent"


class Messages:
    """What the account has sent. ``find`` answers for what the log holds, also where the answer was lost."""

    def __init__(self) -> None:
        self._by_number: dict[str, list[_Message]] = {}

    def send(self, request: Request, refused: Mapping[str, int], *, losing: bool) -> tuple[bytes, Taken | None]:
        """The answer to a request, and what was taken. A ``losing`` answer names no message."""
        if not request.has_header(b"authorization"):
            return fault(401, 20003), None
        form = request.form()
        number, body = form.get("To", ""), form.get("Body", "")
        if not body:
            return fault(400, 21602), None
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return fault(400, 21603), None
        if not number:
            return fault(400, 21604), None
        if (code := refused.get(number)) is not None:
            return fault(429 if code == 20429 else 400, code), None
        message = _Message(f"SM{os.urandom(16).hex()}", number, body, time.time())
        self._by_number.setdefault(number, []).append(message)
        answer = written(201, b"{}" if losing else json.dumps(_resource(message, "queued")).encode())
        return answer, Taken(GATEWAY, body, (number,), (message.sid,), form.get("StatusCallback", ""))

    def find(self, request: Request) -> bytes:
        """Messages ``To`` a number, with ``DateSent>`` and ``DateSent<`` as dates or times, the newest first."""
        if not request.has_header(b"authorization"):
            return fault(401, 20003)
        asked = request.asked()
        try:
            least, most = _moment(asked.get("DateSent>")), _moment(asked.get("DateSent<"))
            size = min(int(asked.get("PageSize", "50")), _MOST_LISTED)
        except ValueError:
            return fault(400, 20001)
        found = [
            _resource(message, message.status)
            for message in reversed(self._by_number.get(asked.get("To", ""), []))
            if (least is None or message.at >= least) and (most is None or message.at <= most)
        ]
        page = {"messages": found[:size], "page": 0, "page_size": size, "next_page_uri": None}
        return written(200, json.dumps(page).encode())

    def settle(self, number: str, sid: str, *, delivered: bool) -> None:
        """Note what became of a message, for those who ask later."""
        for message in self._by_number.get(number, []):
            if message.sid == sid:
                message.status = "delivered" if delivered else "undelivered"


def receipt(number: str, sid: str, *, final: bool, delivered: bool) -> dict[str, str]:
    """The form of a status callback."""
    status = ("delivered" if delivered else "undelivered") if final else "sent"
    form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, "To": number}
    return form | {"ApiVersion": "2010-04-01"} | ({"ErrorCode": _UNREACHABLE} if status == "undelivered" else {})


def signature(url: str, form: Mapping[str, str], auth_token: str) -> str:
    """What ``X-Twilio-Signature`` must hold."""
    return str(RequestValidator(auth_token).compute_signature(url, dict(form)))


def fault(status: int, code: int) -> bytes:
    """An answer that refuses a request."""
    about = {"code": code, "message": "The request was refused", "status": status}
    about["more_info"] = f"https://www.twilio.com/docs/errors/{code}"
    return written(status, json.dumps(about).encode())


def _moment(told: str | None) -> float | None:
    if not told:
        return None
    read = datetime.fromisoformat(told)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _resource(message: _Message, status: str) -> dict[str, object]:
    at = format_datetime(datetime.fromtimestamp(message.at, UTC))
    return {
        "sid": message.sid,
        "to": message.number,
        "body": message.body,
        "status": status,
        "direction": "outbound-api",
        "num_segments": "1",
        "price": None,
        "date_created": at,
        "date_updated": at,
        "date_sent": at,
        "error_code": None,
    }


THROTTLED = fault(429, 20429)
BROKEN = fault(500, 20500)
