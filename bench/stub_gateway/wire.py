"""HTTP/1.1 as far as a gateway's API needs it, by hand: what the stub takes is taken from who is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

_LENGTH = b"\r\ncontent-length:"
_MEANINGS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"} | {
    429: "Too Many Requests",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``head``: the header in small letters, as it came."""

    method: str
    path: str
    query: str
    head: bytes
    body: bytes

    def form(self) -> dict[str, str]:
        """The fields of the body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def asked(self) -> dict[str, str]:
        """The fields of the query."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def has_header(self, name: bytes) -> bool:
        """Whether there is a header of this name, given in small letters."""
        return b"\r\n%b:" % name in self.head


def read_request(received: bytes) -> tuple[Request, int] | None:
    """The request that ``received`` begins with, and its length; None while it has not arrived wholly."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    start, _, _ = received.partition(b"\r\n")
    head = received[: end + 2].lower()
    at = head.find(_LENGTH)
    length = int(head[at + len(_LENGTH) : head.index(b"\r\n", at + 2)]) if at >= 0 else 0
    whole = end + 4 + length
    if len(received) < whole:
        return None
    method, target, _ = start.decode("latin-1").split(" ", 2)
    path, _, query = target.partition("?")
    return Request(method, path, query, head, received[end + 4 : whole]), whole


def written(
    status: int, body: bytes, content_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> bytes:
    """An answer as it goes out."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return (
        f"HTTP/1.1 {status} {_MEANINGS[status]}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{more}\r\n"
    ).encode() + body
