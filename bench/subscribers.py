"""The load generator: N subscribers at a time, each line dialling for one worker after the other.

A process of its own: ``python -m bench.subscribers`` reads a ``Script`` from stdin and writes an ``Account`` to stdout.
One thread, plain sockets and requests made by hand, since whatever it takes is taken from the service on the same
machine; what it took stands in the account.
"""

from __future__ import annotations

import gc
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict

from bench.script import Account, Script

_EXAMPLES = 5
_LENGTH = b"\r\ncontent-length:"


class WrongAnswer(ValueError):
    """The server answered what no gateway could use; the text says what, after a bar an example of it."""


def read_answer(received: bytes) -> str | None:
    """The body of an HTTP answer with status 200; None while it has not arrived wholly. Raises ``WrongAnswer``."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    if not head.startswith(b"http/1.1 200"):
        raise WrongAnswer(f"status {head[9:12].decode('latin-1')}")
    at = head.find(_LENGTH)
    if at < 0:
        raise WrongAnswer("no Content-Length")
    length = int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])
    body = received[end + 4 :]
    if len(body) > length:
        raise WrongAnswer("more than one answer")
    return body.decode() if len(body) == length else None


class Line:
    """A subscriber: one connection to the service, on which one worker after the other registers."""

    def __init__(self, script: Script, callers: Iterator[tuple[int, tuple[str, str]]], account: Account) -> None:
        self._script = script
        self._callers = callers
        self._account = account
        self._head = (
            f"POST {script.path} HTTP/1.1\r\nHost: {script.host}:{script.port}\r\nAccept: */*\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        ).encode()
        self._received = b""
        self._fields = b""
        self._phone = self._birth_date = ""
        self._screen = 0
        self._sent = 0.0
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        connected = socket.create_connection((self._script.host, self._script.port), self._script.patience)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def dial(self) -> bool:
        """Begin with the next worker; False if there is nobody left. Raises ``OSError``."""
        caller = next(self._callers, None)
        if caller is None:
            return False
        number, (self._phone, self._birth_date) = caller
        self._screen = self._script.begins
        self._fields = (
            f"sessionId={self._script.session}{number:07d}&phoneNumber=%2B{self._phone[1:]}&networkCode=51010"
            "&serviceCode=%2A384%2A119%23&text="
        ).encode()
        self._send()
        return True

    def redial(self) -> None:
        """Connect anew, after an error that may have left half an answer on the line. Raises ``OSError``."""
        self.socket.close()
        self.socket = self._connect()

    def hear(self) -> bool:
        """Take in what has arrived, and type what comes next; False at the last screen.

        Raises ``WrongAnswer`` or ``OSError``.
        """
        piece = self.socket.recv(65536)
        if not piece:
            raise WrongAnswer("the connection was closed")
        self._received += piece
        answer = read_answer(self._received)
        if answer is None:
            return True
        took = time.perf_counter() - self._sent
        last = self._screen == self._script.begins + self._script.hops - 1
        expected = "END " if last and self._script.to_ticket else "CON "
        if not answer.startswith(expected):
            raise WrongAnswer(f"screen {self._screen + 1} is no {expected}| {answer}")
        self._account.hop_us[self._screen - self._script.begins].append(round(took * 1e6))
        if last:
            self._account.walks += 1
            if self._script.to_ticket:
                self._account.endings.append((self._phone, answer))
            return False
        self._screen += 1
        self._send()
        return True

    def _send(self) -> None:
        body = self._fields + self._script.text(self._birth_date, self._screen).encode()
        request = b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
        self._received = b""
        self._sent = time.perf_counter()
        self.socket.sendall(request)


class Exchange:
    """All lines together, until everybody has registered."""

    def __init__(self, script: Script) -> None:
        """Connects the lines; raises ``OSError`` if nobody listens."""
        self.account = Account(hop_us=[[] for _ in range(script.hops)])
        self._script = script
        callers = enumerate(script.workers)
        self._lines = [Line(script, callers, self.account) for _ in range(script.subscribers)]
        self._selector = selectors.DefaultSelector()
        for line in self._lines:
            self._selector.register(line.socket, selectors.EVENT_READ, line)

    def run(self) -> Account:
        """Let everybody dial; returns when the last one has been answered or given up."""
        cpu, began = time.process_time(), time.perf_counter()
        busy = sum(self._dial(line) for line in self._lines)
        while busy:
            ready = self._selector.select(self._script.patience)
            if not ready:
                for _ in range(busy):
                    self._note(f"no answer within {self._script.patience:.0f} s")
                break
            for key, _events in ready:
                busy -= not self._go_on(key.data)
        self.account.seconds = time.perf_counter() - began
        self.account.cpu_seconds = time.process_time() - cpu
        for line in self._lines:
            line.socket.close()
        self._selector.close()
        return self.account

    def _go_on(self, line: Line) -> bool:
        """False when there is nobody left to dial on this line."""
        try:
            return line.hear() or self._dial(line)
        except (WrongAnswer, OSError) as error:
            self._note(_reason(error))
            return self._renew(line) and self._dial(line)

    def _dial(self, line: Line) -> bool:
        while True:
            try:
                return line.dial()
            except OSError as error:
                self._note(_reason(error))
                if not self._renew(line):
                    return False

    def _renew(self, line: Line) -> bool:
        self._selector.unregister(line.socket)
        try:
            line.redial()
        except OSError as error:
            self._note(f"cannot connect: {type(error).__name__}")
            return False
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        return True

    def _note(self, reason: str) -> None:
        kind = reason.partition("|")[0].strip()
        self.account.errors[kind] = self.account.errors.get(kind, 0) + 1
        if len(self.account.examples) < _EXAMPLES:
            self.account.examples.append(reason)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, WrongAnswer) else type(error).__name__


def main() -> None:
    """Play the script on stdin."""
    exchange = Exchange(Script.of(json.load(sys.stdin)))
    # Everything made here lives to the end: looking for garbage would only make some hops seem slow.
    gc.disable()
    json.dump(asdict(exchange.run()), sys.stdout)


if __name__ == "__main__":
    main()
