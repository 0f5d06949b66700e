"""Lines to the service's webhooks: plain sockets and requests made by hand, all in one thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.subscribers import WrongAnswer, read_answer

#: Seconds that the operator waits for an answer.
_WAITS: Final = 15.0

#: Told the answer's body; None where there was none, or one that no gateway can use.
OnAnswer = Callable[[str | None], None]


@dataclass(slots=True)
class _Call:
    request: bytes
    on_answer: OnAnswer
    kind: int
    sent: float = 0.0
    received: bytes = b""


class Lines:
    """``limits``: how many requests of each kind may be under way at a time."""

    def __init__(self, host: str, port: int, *limits: int) -> None:
        self._address = (host, port)
        self._limits = limits
        self._waiting: tuple[deque[_Call], ...] = tuple(deque() for _ in limits)
        self._open = [0] * len(limits)
        self._idle: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._looked = 0.0
        self.failures = 0
        #: Requests that were answered, and the seconds of the slowest answer.
        self.answered, self.slowest = 0, 0.0

    def post(self, kind: int, path: str, body: str, on_answer: OnAnswer) -> None:
        """Send a form, when its turn has come."""
        request = (
            f"POST {path} HTTP/1.1\r\nHost: {self._address[0]}:{self._address[1]}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        self._waiting[kind].append(_Call(request.encode(), on_answer, kind))

    def under_way(self, kind: int) -> int:
        """Requests of a kind without an answer."""
        return self._open[kind] + len(self._waiting[kind])

    def turn(self, wait: float) -> None:
        """Send what may be sent, and take in answers: the first within ``wait`` seconds."""
        for kind, waiting in enumerate(self._waiting):
            while waiting and self._open[kind] < self._limits[kind]:
                self._send(waiting.popleft())
        for key, _ in self._selector.select(wait):
            self._hear(key.fileobj, key.data)  # type: ignore[arg-type]  # we register sockets
        if time.monotonic() - self._looked > 1.0:
            self._looked = time.monotonic()
            for key in list(self._selector.get_map().values()):
                if self._looked - key.data.sent > _WAITS:
                    self._end(key.fileobj, key.data, None)  # type: ignore[arg-type]

    def close(self) -> None:
        """Hang up."""
        for line in [*self._idle, *(key.fileobj for key in self._selector.get_map().values())]:
            line.close()  # type: ignore[union-attr]
        self._selector.close()

    def _send(self, call: _Call) -> None:
        self._open[call.kind] += 1
        call.sent = time.monotonic()
        try:
            line = self._idle.pop() if self._idle else self._connect()
        except OSError:
            self._open[call.kind] -= 1
            self.failures += 1
            call.on_answer(None)
            return
        self._selector.register(line, selectors.EVENT_READ, call)
        try:
            line.sendall(call.request)
        except OSError:
            self._end(line, call, None)

    def _connect(self) -> socket.socket:
        line = socket.create_connection(self._address, _WAITS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def _hear(self, line: socket.socket, call: _Call) -> None:
        try:
            piece = line.recv(65536)
            if not piece:
                raise WrongAnswer("the connection was closed")
            call.received += piece
            answer = read_answer(call.received)
        except (OSError, WrongAnswer):
            self._end(line, call, None)
            return
        if answer is not None:
            self._end(line, call, answer)

    def _end(self, line: socket.socket, call: _Call, answer: str | None) -> None:
        self._selector.unregister(line)
        self._open[call.kind] -= 1
        if answer is None:
            self.failures += 1
            with contextlib.suppress(OSError):
                line.close()
        else:
            self.answered += 1
            self.slowest = max(self.slowest, time.monotonic() - call.sent)
            self._idle.append(line)
        call.on_answer(answer)
