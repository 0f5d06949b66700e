"""A load generator that posts what it is given: N kept connections, none of them idle.

A process of its own: ``python -m bench.posting`` reads a ``PostScript`` from stdin and writes a ``PostAccount`` to stdout. One
thread, plain sockets, as in ``bench.subscribers``. Requests begin in their order; what is under way on several connections at
the same time may overtake, and what is answered with a 503 is posted again behind the others, as gateways do.
"""

from __future__ import annotations

import gc
import json
import selectors
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.subscribers import WrongAnswer, read_answer

_Request = tuple[str, str, str]
#: How the body of a 503 ends, and how many of them are borne.
_LAST, _MOST_AGAIN = b"again.\n", 10_000


@dataclass(frozen=True, slots=True)
class PostScript:
    """``requests``: (path with query, further header lines each ending in CR LF, form). ``patience``: seconds without any
    answer after which the rest is given up."""

    host: str
    port: int
    lines: int
    requests: tuple[_Request, ...]
    patience: float = 30.0

    @classmethod
    def of(cls, stored: dict[str, Any]) -> PostScript:
        """The script of its JSON form."""
        return cls(**stored | {"requests": tuple((path, more, form) for path, more, form in stored["requests"])})


@dataclass(slots=True)
class PostAccount:
    """What came of it. ``began`` and ``ended`` by the monotonic clock; ``took_us``: microseconds of each request with status
    200; ``again``: how many were posted again; ``errors``: how often what went wrong; ``cpu_seconds`` that the generator itself
    took."""

    began: float = 0.0
    ended: float = 0.0
    cpu_seconds: float = 0.0
    took_us: list[int] = field(default_factory=list)
    again: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return self.ended - self.began


def is_busy(received: bytes) -> bool:
    """Whether an answer asks to come again later."""
    return received.startswith(b"HTTP/1.1 503 ")


class _Line:
    """One connection."""

    def __init__(self, script: PostScript, requests: deque[_Request], account: PostAccount) -> None:
        self._requests = requests
        self._account = account
        self._at = f"{script.host}:{script.port}"
        self._under_way: _Request = ("", "", "")
        self._received = b""
        self._sent = 0.0
        self.socket = socket.create_connection((script.host, script.port), script.patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> bool:
        """Send the next request; False if there is none left. Raises ``OSError``."""
        if not self._requests:
            return False
        self._under_way = path, more, form = self._requests.popleft()
        self._received = b""
        self._sent = time.monotonic()
        self.socket.sendall(
            (
                f"POST {path} HTTP/1.1\r\nHost: {self._at}\r\nAccept: */*\r\n{more}"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
            ).encode()
        )
        return True

    def hear(self) -> bool:
        """Take in what has arrived, and send the next; False if there is none left. Raises ``WrongAnswer``, ``OSError``."""
        piece = self.socket.recv(65536)
        if not piece:
            raise WrongAnswer("the connection was closed")
        self._received += piece
        if is_busy(self._received):
            if _LAST not in self._received:
                return True
            self._account.again += 1
            if self._account.again > _MOST_AGAIN:
                raise WrongAnswer("busy for too long")
            self._requests.append(self._under_way)
            return self.send()
        if read_answer(self._received) is None:
            return True
        self._account.took_us.append(round((time.monotonic() - self._sent) * 1e6))
        return self.send()


def post(script: PostScript) -> PostAccount:
    """Post everything; a line on which something went wrong is given up. Raises ``OSError`` if nobody listens."""
    account, requests = PostAccount(), deque(script.requests)
    lines = [_Line(script, requests, account) for _ in range(script.lines)]
    selector = selectors.DefaultSelector()
    cpu, account.began = time.process_time(), time.monotonic()
    busy = 0
    for line in lines:
        if line.send():
            selector.register(line.socket, selectors.EVENT_READ, line)
            busy += 1
    while busy:
        ready = selector.select(script.patience)
        if not ready:
            account.errors[f"no answer within {script.patience:.0f} s"] = busy
            break
        for key, _events in ready:
            try:
                goes_on = key.data.hear()
            except (WrongAnswer, OSError) as error:
                reason = str(error) if isinstance(error, WrongAnswer) else type(error).__name__
                account.errors[reason] = account.errors.get(reason, 0) + 1
                goes_on = False
            if not goes_on:
                selector.unregister(key.fileobj)
                busy -= 1
    account.ended = time.monotonic()
    account.cpu_seconds = time.process_time() - cpu
    if requests:
        account.errors["not posted"] = len(requests)
    return account


def main() -> None:
    """Post what stdin holds."""
    script = PostScript.of(json.load(sys.stdin))
    gc.disable()
    json.dump(asdict(post(script)), sys.stdout)


if __name__ == "__main__":
    main()
