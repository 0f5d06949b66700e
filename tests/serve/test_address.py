"""The address of the service."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from bot.serve.address import browsable, check_free, unready
from bot.serve.errors import CannotServe


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_told_in_one_line(taken: int) -> None:
    with pytest.raises(CannotServe, match=f"Port {taken} on 127.0.0.1 is taken"):
        check_free("127.0.0.1", taken)


def test_a_free_port_is_left_free() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    check_free("127.0.0.1", port)
    check_free("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_ours_is_told_in_one_line(host: str) -> None:
    with pytest.raises(CannotServe, match="HOST must be an address of this machine"):
        check_free(host, 8000)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("gateway.example", "http://gateway.example:8000"),
    ],
)
def test_the_address_can_be_opened_in_a_browser(host: str, url: str) -> None:
    assert browsable(host, 8000) == url


class _Unready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.server.ready else 503)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"PostgreSQL does not answer\n")

    def log_message(self, *_: object) -> None:
        """Tests stay quiet."""


def test_what_the_service_says_of_itself_is_believed() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Unready) as server:
        port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.ready = False  # type: ignore[attr-defined]
        assert unready("0.0.0.0", port) == "PostgreSQL does not answer"
        server.ready = True  # type: ignore[attr-defined]
        assert unready("0.0.0.0", port) is None
        server.shutdown()
        thread.join()
    assert unready("127.0.0.1", port) == "the web process does not answer yet"


def test_somebody_who_never_answers_is_not_waited_for(taken: int) -> None:
    assert unready("127.0.0.1", taken) is not None
