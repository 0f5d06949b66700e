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
#: Seconds until it tries again, where nobody takes a connection.
_TRIES_AGAIN: Final = 0.2

#: Told the answer's body; None where there was none, or one that no gateway can use.
OnAnswer = Callable[[str | None], None]


@dataclass(slots=True)
class _Call:
    request: bytes
    on_answer: OnAnswer
    kind: int
    sent: float = 0.0
    received: bytes = b""


@dataclass(slots=True, eq=False)
class _Line:
    """A connection, and what is asked on it just now."""

    socket: socket.socket
    call: _Call | None = None


class Lines:
    """``limits``: how many requests of each kind may be under way at a time."""

    def __init__(self, host: str, port: int, *limits: int) -> None:
        self._address = (host, port)
        self._limits = limits
        self._waiting: tuple[deque[_Call], ...] = tuple(deque() for _ in limits)
        self._open = [0] * len(limits)
        #: In turn: else the same few are used, and may all be lines to one process of the service.
        self._idle: deque[_Line] = deque()
        self._selector = selectors.DefaultSelector()
        self._looked = self._refused_until = 0.0
        self.failures = 0
        #: Requests that were answered, when the last was, and the seconds of the slowest answer.
        self.answered, self.answered_at, self.slowest = 0, 0.0, 0.0

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
            # Who gets no answer may ask again at once, and so on: while nobody listens that would never end.
            while waiting and self._open[kind] < self._limits[kind] and time.monotonic() >= self._refused_until:
                self._send(waiting.popleft())
        for key, _ in self._selector.select(wait):
            self._hear(key.data)
        if time.monotonic() - self._looked > 1.0:
            self._looked = time.monotonic()
            for line in [key.data for key in self._selector.get_map().values()]:
                if line.call is not None and self._looked - line.call.sent > _WAITS:
                    self._end(line, None)

    def close(self) -> None:
        """Hang up."""
        for key in list(self._selector.get_map().values()):
            key.data.socket.close()
        self._selector.close()

    def _send(self, call: _Call) -> None:
        self._open[call.kind] += 1
        call.sent = time.monotonic()
        try:
            line = self._idle.popleft() if self._idle else self._connect()
        except OSError:
            self._open[call.kind] -= 1
            self.failures += 1
            self._refused_until = time.monotonic() + _TRIES_AGAIN
            call.on_answer(None)
            return
        line.call = call
        try:
            line.socket.sendall(call.request)
        except OSError:
            self._end(line, None)

    def _connect(self) -> _Line:
        line = _Line(socket.create_connection(self._address, _WAITS))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # For good: to say each time for what to wait, and no longer, would cost as much as the request.
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        return line

    def _hear(self, line: _Line) -> None:
        call = line.call
        if call is None:  # the other side has hung up on a line that nobody uses
            self._idle.remove(line)
            self._hang_up(line)
            return
        try:
            piece = line.socket.recv(65536)
            if not piece:
                raise WrongAnswer("the connection was closed")
            call.received += piece
            answer = read_answer(call.received)
        except (OSError, WrongAnswer):
            self._end(line, None)
            return
        if answer is not None:
            self._end(line, answer)

    def _end(self, line: _Line, answer: str | None) -> None:
        call, line.call = line.call, None
        if call is None:
            return
        self._open[call.kind] -= 1
        if answer is None:
            self.failures += 1
            self._hang_up(line)
        else:
            self.answered += 1
            self.answered_at = time.monotonic()
            self.slowest = max(self.slowest, self.answered_at - call.sent)
            self._idle.append(line)
        call.on_answer(answer)

    def _hang_up(self, line: _Line) -> None:
        self._selector.unregister(line.socket)
        with contextlib.suppress(OSError):
            line.socket.close()
