"""Strangers who send slowly, or never end: nobody else waits for them. Real sockets, the real server, one process."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.web.slow_bodies import PATIENCE
from tests.phones import WEBHOOK_SECRET
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def port(environ: dict[str, str], world: World) -> Iterator[int]:
    """A web process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "web", "--processes", "1"],
        cwd=ROOT,
        env={**os.environ, **environ, "PORT": str(free), "HOST": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while not _is_alive(free):
            assert time.monotonic() < until, "the web process does not answer"
            assert process.poll() is None, "the web process has ended"
        yield free
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _is_alive(port: int) -> bool:
    try:
        return _asks(port, "GET", "/healthz")[0] == 200
    except OSError:
        return False


def _asks(port: int, method: str, path: str, body: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE + 5)
    try:
        connection.request(method, path, body or None, {"Content-Type": FORM} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _half(port: int, path: str, *headers: str) -> socket.socket:
    """A request whose body never comes to its end."""
    made = socket.create_connection(("127.0.0.1", port), timeout=20)
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: balas",
        f"Content-Type: {FORM}",
        "Content-Length: 500",
        *headers,
        "",
        "a=b",
    ]
    made.sendall("\r\n".join(lines).encode())
    return made


def test_who_does_not_know_the_secret_is_not_listened_to(port: int) -> None:
    dial = "sessionId=s1&phoneNumber=%2B6285700000001&serviceCode=*119%23&text="
    with ExitStack() as strangers:
        halves = [
            strangers.enter_context(_half(port, f"/webhooks/africastalking/{number}/ussd")) for number in range(50)
        ]
        halves += [strangers.enter_context(_half(port, "/webhooks/twilio/sms")) for _ in range(50)]
        halves += [
            strangers.enter_context(_half(port, "/api/v1/campaigns", "Authorization: Bearer x")) for _ in range(50)
        ]
        started = time.monotonic()
        status, screen = _asks(port, "POST", f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd", dial)
        assert (status, screen[:4]) == (200, "CON ")
        assert time.monotonic() - started < 5
        told = {each.recv(200).split(b"\r\n")[0] for each in halves}
        assert told == {b"HTTP/1.1 403 Forbidden", b"HTTP/1.1 401 Unauthorized"}


@pytest.mark.parametrize(
    ("path", "header"), [("/admin/sign-in", "X-Nothing: x"), ("/webhooks/twilio/sms", "X-Twilio-Signature: x")]
)
def test_a_form_that_never_ends_holds_up_the_process_for_seconds_not_for_ever(
    port: int, path: str, header: str
) -> None:
    with _half(port, path, header):
        started = time.monotonic()
        answers: list[bool] = []
        while not answers or not answers[-1]:
            assert time.monotonic() - started < PATIENCE + 30
            answers.append(_is_alive(port))


def test_a_form_that_comes_in_pieces_is_read(port: int) -> None:
    body = "name=nobody&password=guess&csrf_token=x"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as made:
        head = f"POST /admin/sign-in HTTP/1.1\r\nHost: balas\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        made.sendall(head.encode())
        for letter in body:
            made.sendall(letter.encode())
        assert made.recv(200).split(b"\r\n")[0] == b"HTTP/1.1 400 Bad Request"  # its token is wrong
