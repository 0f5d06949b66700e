"""Sockets that outlive those who listen on them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.listeners import bound, inherited, make_deaf, silence, told


@contextmanager
def _closing(*descriptors: int) -> Iterator[None]:
    try:
        yield
    finally:
        for each in descriptors:
            os.close(each)


def _port(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as made:
        port: int = made.getsockname()[1]
        return port


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port: int = made.getsockname()[1]
        return port


def test_several_have_one_address_and_nobody_listens_there_yet() -> None:
    port = _free_port()
    descriptors = bound("127.0.0.1", port, 3)
    with _closing(*descriptors):
        assert [_port(each) for each in descriptors] == [port] * 3
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_an_address_that_is_taken_is_told_of() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
    ):
        bound("127.0.0.1", taken.getsockname()[1], 2)


def test_who_is_told_of_them_finds_them() -> None:
    assert inherited(told((5, 17))) == (5, 17)
    assert inherited({}) == inherited({"BALAS_LISTENERS": ""}) == ()


def test_who_waits_in_front_of_one_that_went_deaf_is_let_in_by_the_other() -> None:
    [mine] = bound("127.0.0.1", _free_port(), 1)
    with socket.socket(fileno=mine) as old, socket.socket(fileno=os.dup(mine)) as new:
        old.listen()
        with socket.create_connection(old.getsockname(), timeout=5) as early:
            make_deaf(old.fileno())
            with socket.create_connection(new.getsockname(), timeout=5) as late:
                with pytest.raises(BlockingIOError):
                    old.accept()
                new.settimeout(5)
                for each in (early, late):
                    accepted, who = new.accept()
                    accepted.close()
                    assert who == each.getsockname()


def test_who_comes_where_nobody_listens_any_more_is_refused() -> None:
    [mine] = bound("127.0.0.1", _free_port(), 1)
    with socket.socket(fileno=mine) as held, socket.socket(fileno=os.dup(mine)) as elsewhere:
        silence((held.fileno(),))  # nobody listened yet
        elsewhere.listen()
        socket.create_connection(elsewhere.getsockname(), timeout=5).close()
        silence((held.fileno(),))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(held.getsockname(), timeout=5)
