"""Strangers who send slowly, or never end: nobody else waits for them. Real sockets, the real server, one process."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.web.slow_bodies import PATIENCE
from tests.phones import WEBHOOK_SECRET
from tests.web.served import FORM, asks, is_alive, served
from tests.world import World


@pytest.fixture
def port(environ: dict[str, str], world: World, tmp_path: Path) -> Iterator[int]:
    with served(environ, tmp_path / "web.log") as found:
        yield found


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
        status, screen = asks(port, "POST", f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd", dial)
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
            answers.append(is_alive(port, PATIENCE + 5))


def test_a_form_that_comes_in_pieces_is_read(port: int) -> None:
    body = "name=nobody&password=guess&csrf_token=x"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as made:
        head = f"POST /admin/sign-in HTTP/1.1\r\nHost: balas\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        made.sendall(head.encode())
        for letter in body:
            made.sendall(letter.encode())
        assert made.recv(200).split(b"\r\n")[0] == b"HTTP/1.1 400 Bad Request"  # its token is wrong
