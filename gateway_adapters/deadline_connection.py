"""Connections of urllib3 on which a whole call, and not each of its steps, has an end.

A socket's timeout starts anew with every piece that arrives, the resolver knows none at all, and urllib3 cannot pass a
deadline down. So the call under way is kept in a context variable, which its connection asks before every step.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

#: Seconds. A connection that rested longer is not used again: firewalls forget it without a word, and a request written
#: into it would be of unknown fate.
LONGEST_REST = 20.0


@dataclass(slots=True)
class Call:
    """A call under way in this thread: when it must be over, and whether its first byte has been handed over."""

    ends: float
    handed_over: bool = False

    def seconds_left(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time of the call is over")
        return left


#: What the connection of a pool must know of the call that uses it: urllib3 has no way to pass it down.
under_way: ContextVar[Call | None] = ContextVar("under_way", default=None)


def current_call() -> Call:
    call = under_way.get()
    if call is None:
        raise RuntimeError("a connection is used outside of a call")
    return call


class _Reader(io.RawIOBase):
    """What comes from a socket, within what is left of the call: a socket's own timeout starts anew with each piece."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # Closing a socket waits for its files; without one the body of a "Connection: close" answer would be lost.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(current_call().seconds_left())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Readable:
    """The one face of a socket that ``http.client`` reads answers through."""

    sock: socket.socket

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self.sock))


class _Response(http.client.HTTPResponse):
    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(_Readable(sock), debuglevel, method, url)  # type: ignore[arg-type]


class _Connection(HTTPConnection):
    response_class = _Response
    _used = 0.0
    #: The head of a request whose body follows: they leave in one piece, which saves a system call for each message.
    _head: bytes | None = None
    _body_follows = False

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._used < LONGEST_REST

    def request(self, method: str, url: str, body: Any = None, *rest: Any, **more: Any) -> None:
        self._head, self._body_follows = None, isinstance(body, bytes) and bool(body)
        super().request(method, url, body, *rest, **more)

    def send(self, data: Any) -> None:
        if self._body_follows:
            self._head, self._body_follows = bytes(data), False
            return
        if self._head is not None:
            data, self._head = self._head + bytes(data), None
        if self.sock is None:
            self.connect()
        call = current_call()
        self.sock.settimeout(call.seconds_left())
        call.handed_over = True
        self._used = time.monotonic()
        super().send(data)

    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class DeadlinePool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class TlsDeadlinePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers, leaving each of the others its share of the time."""
    addresses = _look_up(host, port)
    failure: OSError = OSError("the name has no address")
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(current_call().seconds_left() / (len(addresses) - place))
            sock.connect(address)
            sock.settimeout(current_call().seconds_left())
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


@dataclass(slots=True)
class _Lookup:
    """A name being resolved in a thread of its own: the resolver takes as long as it likes, and cannot be told."""

    host: str
    port: int
    found: SimpleQueue[list[Any] | OSError] = field(default_factory=SimpleQueue)

    def run(self) -> None:
        try:
            self.found.put(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            self.found.put(error if isinstance(error, OSError) else OSError("the name cannot be looked up"))


def _look_up(host: str, port: int) -> list[Any]:
    lookup = _Lookup(host, port)
    threading.Thread(target=lookup.run, daemon=True, name="look-up").start()
    try:
        found = lookup.found.get(timeout=current_call().seconds_left())
    except Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(found, OSError):
        raise found
    return found


def _not_ours(_record: logging.LogRecord) -> bool:
    return under_way.get() is None


# urllib3 writes whole URLs, phone numbers in their queries included, at DEBUG and with odd headers at WARNING.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_not_ours)
