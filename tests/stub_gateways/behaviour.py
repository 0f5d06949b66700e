"""What a stub gateway can do with a request, and what it remembers of it."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field


class Behaviour(enum.StrEnum):
    """What the stub does with a request. Whether the messages were taken is told for each."""

    NORMAL = "normal"  # taken
    SLOW = "slow"  # taken, answered after ``delay`` seconds
    JSON_WITH_CHARSET = "json-with-charset"  # taken, as ``application/json; charset=utf-8``
    PLAIN_JSON = "plain-json"  # taken, JSON as ``text/plain``
    DRIP_BODY = "drip-body"  # taken, the body comes byte by byte, one every ``drip`` seconds
    DRIP_HEADERS = "drip-headers"  # taken, the whole answer comes so
    DROP_AFTER_READING = "drop-after-reading"  # taken, the connection is reset instead of an answer
    PARTIAL = "partial"  # taken, only the first message is mentioned in the answer
    CLOSE = "close"  # taken, and the connection is closed after the answer
    HTML = "html"  # not taken, a web page with status 200
    GARBAGE = "garbage"  # not taken, bytes that are no JSON with status 201
    HUGE = "huge"  # not taken, an answer of 2 MiB
    ERROR_500 = "error-500"  # not taken
    THROTTLED = "throttled"  # not taken, 429 with Retry-After: 7
    UNAUTHORISED = "unauthorised"  # not taken, 401
    REDIRECT = "redirect"  # not taken, 307 to ``redirect_to``
    DROP_BEFORE_READING = "drop-before-reading"  # not taken nor read, the connection is reset


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the provider took, and would send."""

    number: str
    body: str
    provider_id: str
    at: float


@dataclass(slots=True)
class Received:
    """One request as it came. ``connection`` tells connections apart. Of headers only the ones that say who calls."""

    at: float
    connection: int
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    credentials: str
    behaviour: Behaviour
    taken: list[Taken] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StubAnswer:
    """An answer to be written."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def head(self, *, close: bool = False) -> bytes:
        fields = [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            *self.headers,
            *([("Connection", "close")] if close else []),
        ]
        lines = [f"HTTP/1.1 {self.status} Stub", *(f"{name}: {value}" for name, value in fields)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def json_answer(status: int, content: object, content_type: str = "application/json") -> StubAnswer:
    """An answer that holds ``content`` as JSON."""
    return StubAnswer(status, json.dumps(content).encode(), content_type)


#: Answers that have nothing to do with the request.
MISTAKEN = {
    Behaviour.HTML: StubAnswer(200, b"<!doctype html><title>Sign in to the network</title>", "text/html"),
    Behaviour.GARBAGE: StubAnswer(201, b'{"SMSMessageData": {"Recip\xff\x00'),
    Behaviour.HUGE: StubAnswer(201, b'{"padding": "' + b"x" * (2 << 20) + b'"}'),
    Behaviour.ERROR_500: StubAnswer(500, b"Internal Server Error", "text/plain"),
    Behaviour.THROTTLED: StubAnswer(429, b'{"code": 20429}', headers=(("Retry-After", "7"),)),
    Behaviour.UNAUTHORISED: StubAnswer(401, b"The supplied authentication is invalid", "text/plain"),
}
