"""The HTTP side of a stub gateway: threads, kept connections, and every way to answer badly."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.stub_gateways.behaviour import Behaviour, Received, StubAnswer

if TYPE_CHECKING:
    from tests.stub_gateways.stub_server import StubGateway

#: Below it the stub itself is talked to, not the provider.
CONTROL = "/_stub/"


class StubHttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], stub: StubGateway, tls: ssl.SSLContext | None) -> None:
        self.stub = stub
        self._tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # The base class looks up the machine's name, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._tls:
            # The handshake is left to the connection's own thread.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every connection that is still open."""
        for connection in self._open.copy():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up in the middle are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubHttpServer

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle_one_request(self) -> None:
        if self._is_to_be_dropped():
            dropped = Behaviour.DROP_BEFORE_READING
            self.server.stub.note(Received(time.time(), self.client_address[1], "", "", {}, {}, "", dropped))
            self._reset()
        else:
            super().handle_one_request()

    def _is_to_be_dropped(self) -> bool:
        if isinstance(self.connection, ssl.SSLSocket):
            return False  # TLS cannot be peeked into
        start = self.connection.recv(64, socket.MSG_PEEK)
        return bool(start) and f" {CONTROL}".encode() not in start and self.server.stub.drops_next()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._serve(dict(parse_qsl(body.decode(), keep_blank_values=True)))

    def do_GET(self) -> None:
        self._serve({})

    def _serve(self, form: dict[str, str]) -> None:
        stub = self.server.stub
        parts = urlsplit(self.path)
        if parts.path.startswith(CONTROL):
            self._write(stub.control(parts.path, form))
            return
        received = Received(
            at=time.time(),
            connection=self.client_address[1],
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            form=form,
            credentials=self.headers.get(stub.credentials_header, ""),
            behaviour=stub.next_behaviour(),
        )
        answer = stub.shaped(received)
        match received.behaviour:
            case Behaviour.DROP_AFTER_READING:
                self._reset()
            case Behaviour.SLOW:
                if stub.pause(stub.delay):
                    self._write(answer)
            case Behaviour.DRIP_BODY:
                self.wfile.write(answer.head())
                self._drip(answer.body)
            case Behaviour.DRIP_HEADERS:
                self._drip(answer.head() + answer.body)
            case Behaviour.CLOSE:
                self.close_connection = True
                self.wfile.write(answer.head(close=True) + answer.body)
            case _:
                self._write(answer)

    def _write(self, answer: StubAnswer) -> None:
        # In one piece: two would wait for the caller's acknowledgement of the first.
        self.wfile.write(answer.head() + answer.body)

    def _drip(self, content: bytes) -> None:
        for byte in content:
            self.wfile.write(bytes([byte]))
            if not self.server.stub.pause(self.server.stub.drip):
                break

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """The log of requests says more."""
