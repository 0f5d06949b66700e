"""How long requests wait in front of this process, which answers one at a time and cannot look into its own queue.

So it sends itself a mark ten times a second, by connections that lead to itself, and notes when each comes through. What is
answered after a mark came after that mark was sent: so nobody waits longer than since the last mark that came through was
sent. That costs a hop one look at two numbers. Threads that wait behind a lock, so that each request could tell by itself
when it came, would each cost a hop the switches between them.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass

import structlog

from bot import listeners, readiness
from bot.metrics import QUEUE_WAIT

_log = structlog.get_logger(__name__)

_WHERE = "/.mark/"
#: Seconds between two marks, and how many may be under way: a queue that is longer is seen less exactly.
_EVERY, _CONNECTIONS = 0.1, 8
#: Connections that are tried at once until enough lead here: of several processes that share a port, any may take one.
_TRIES = 4
#: Names for "every address of this machine", and how this machine reaches itself then.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not listened on


@dataclass(slots=True)
class _Line:
    """A connection. ``proven``: it leads to this process; ``under_way``: a mark of it has not been answered."""

    socket: socket.socket
    proven: bool = False
    under_way: bool = True
    received: bytes = b""


class QueueMarks:
    """The marks of one process. Where they cannot be sent nothing is known, and nobody is said to have waited."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (_EVERYWHERE.get(host, host), port)
        # Nobody else can make marks, or find out whose a connection is.
        self.prefix = f"{_WHERE}{secrets.token_hex(16)}/"
        self._sent = self._seen = 0.0
        self._lines: list[_Line] = []
        self._is_found = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def waited(self) -> float:
        """Seconds that the request at hand has waited at most; 0 while no mark is under way."""
        seen = self._seen
        return time.monotonic() - seen if seen and self._sent > seen else 0.0

    def came_through(self, path: str) -> bool:
        """Take in a request's path: whether it is a mark of ours."""
        if not path.startswith(self.prefix):
            return False
        try:
            sent = float(path[len(self.prefix) :])
        except ValueError:
            return False
        self._seen = max(self._seen, sent)
        QUEUE_WAIT.observe(time.monotonic() - sent)
        return True

    def start(self) -> None:
        """Begin to send marks, from a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="queue-marks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        try:
            while not self._stop.wait(_EVERY):
                self._hear()
                self._send()
                self._connect()
        finally:
            self._seen = 0.0
            for line in self._lines:
                line.socket.close()

    def _send(self) -> None:
        """Send a mark by the first line that is free."""
        line = next((line for line in self._lines if line.proven and not line.under_way), None)
        if line is None:
            return
        now = time.monotonic()
        self._sent = now
        line.under_way = True
        try:
            line.socket.sendall(self._request(now))
        except OSError:
            self._lose(line)

    def _connect(self) -> None:
        """Try some lines, until there are enough that lead here."""
        for _ in range(min(_TRIES, _CONNECTIONS - len(self._lines))):
            try:
                made = socket.create_connection(self._address, timeout=0.5)
            except OSError:
                return
            self._lines.append(_Line(made))
            try:
                made.sendall(self._request(time.monotonic()))
                made.setblocking(False)
            except OSError:
                self._lose(self._lines[-1])

    def _request(self, now: float) -> bytes:
        return f"GET {self.prefix}{now!r} HTTP/1.1\r\nHost: marks.invalid\r\n\r\n".encode()

    def _hear(self) -> None:
        """Take in the answers that have come."""
        for line in [line for line in self._lines if line.under_way]:
            try:
                piece = line.socket.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            line.received += piece
            if not piece:
                self._lose(line)
            elif b"\r\n\r\n" in line.received:
                if not line.received.startswith(b"HTTP/1.1 204"):
                    self._drop(line)  # another process's
                    continue
                if not self._is_found:
                    self._is_found = True
                    readiness.tell(os.environ.get(listeners.NAME, ""))  # whoever asks the port may get here
                line.proven, line.under_way, line.received = True, False, b""

    def _lose(self, line: _Line) -> None:
        """A mark may be gone with its line: nothing is known until the next comes through."""
        if line.proven:
            self._seen = 0.0
        self._drop(line)

    def _drop(self, line: _Line) -> None:
        self._lines.remove(line)
        line.socket.close()
