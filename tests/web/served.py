"""A web process of its own, as it runs in production, for what only real sockets show."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_WEB = ("-m", "bot", "web", "--processes", "1")
FORM = "application/x-www-form-urlencoded"


@contextmanager
def served(environ: Mapping[str, str], log: Path, python: Sequence[str] = _WEB) -> Iterator[int]:
    """Serve with one process; gives the port. What it says goes to ``log``. ``python``: the interpreter's arguments."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *python],
            cwd=ROOT,
            env={**os.environ, **environ, "PORT": str(free), "HOST": "127.0.0.1"},
            stdout=stderr,
            stderr=stderr,
        )
        try:
            until = time.monotonic() + 60
            while not is_alive(free, 20):
                assert time.monotonic() < until, "the web process does not answer"
                assert process.poll() is None, "the web process has ended"
            yield free
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def is_alive(port: int, patience: float) -> bool:
    """Whether it answers within so many seconds."""
    try:
        return asks(port, "GET", "/healthz", patience=patience)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def asks(
    port: int, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None, *, patience: float = 20
) -> tuple[int, str]:
    """Status and body of an answer; a body that is sent is a form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        sent = {**({"Content-Type": FORM} if body else {}), **(headers or {})}
        connection.request(method, path, body or None, sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
