"""The wires to the servers pass on what they are given, can be slow, and can be cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.wires import RunningWires


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[str]:
    """A server on a Unix socket that says back what it hears."""
    path = str(tmp_path / "echo.sock")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def serve() -> None:
        while True:
            try:
                there, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=say_back, args=(there,), daemon=True).start()

    def say_back(there: socket.socket) -> None:
        while heard := there.recv(1024):
            there.sendall(heard)

    threading.Thread(target=serve, daemon=True).start()
    yield path
    server.close()


@pytest.fixture
def wires(echo: str) -> Iterator[RunningWires]:
    with RunningWires({"echo": echo}) as running:
        yield running


def call(wires: RunningWires) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wires.ports["echo"]), timeout=10)


def says(line: socket.socket, words: bytes) -> bytes:
    line.sendall(words)
    return line.recv(1024)


def is_cut(wires: RunningWires) -> bool:
    try:
        with call(wires) as line:
            return says(line, b"hello") == b""
    except OSError:
        return True


def until(condition: bool, wires: RunningWires) -> None:
    end = time.monotonic() + 10
    while is_cut(wires) is not condition:
        assert time.monotonic() < end


def test_what_goes_in_comes_out(wires: RunningWires) -> None:
    with call(wires) as line:
        assert says(line, b"hello") == b"hello"


def test_a_cut_resets_every_call_and_takes_no_new_one_until_it_is_mended(wires: RunningWires) -> None:
    with call(wires) as line:
        assert says(line, b"hello") == b"hello"
        wires.set("echo", cut=True)
        with pytest.raises(ConnectionResetError):
            line.recv(1024)
    until(True, wires)
    wires.set("echo")
    until(False, wires)


def test_a_slow_one_takes_its_time_in_both_directions(wires: RunningWires) -> None:
    wires.set("echo", latency=0.2)
    until(False, wires)
    with call(wires) as line:
        began = time.monotonic()
        says(line, b"hello")
        assert time.monotonic() - began >= 0.4
