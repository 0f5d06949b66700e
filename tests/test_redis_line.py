"""What a connection is asked directly comes to what redis-py would make of it."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

import hiredis
import pytest
import redis

from bot.embedded.servers import EmbeddedServers
from bot.redis_clients import REDIS_TIMEOUT, connect
from bot.redis_line import ask
from tests.conversation.wire import Wire
from tests.stopping import paused


@pytest.fixture
def connection(redis_client: redis.Redis) -> Any:
    return redis_client.connection_pool.get_connection()


def _ask(connection: Any, *command: str | int | bytes) -> Any:
    return ask(connection, hiredis.pack_command(command))  # type: ignore[arg-type]


def test_answers_of_every_kind_arrive_whole(connection: Any) -> None:
    large = b"x" * 5_000_000
    assert _ask(connection, "SET", "k", large) == b"OK"
    assert _ask(connection, "GET", "k") == large
    assert _ask(connection, "GET", "nothing") is None
    assert _ask(connection, "STRLEN", "k") == len(large)
    assert _ask(connection, "MGET", "k", "nothing") == [large, None]


def test_an_error_that_is_answered_is_redis_pys_and_the_next_answer_is_the_next(connection: Any) -> None:
    line = connection._sock
    with pytest.raises(redis.exceptions.NoScriptError):
        _ask(connection, "EVALSHA", "0" * 40, 0)
    with pytest.raises(redis.ResponseError):
        _ask(connection, "NOSUCH")
    assert _ask(connection, "ECHO", "next") == b"next"
    assert connection._sock is line


def test_a_connection_is_made_where_there_is_none(connection: Any) -> None:
    connection.disconnect()
    assert _ask(connection, "ECHO", "here") == b"here"
    assert _ask(connection, "ECHO", "again") == b"again"


def test_a_paused_server_costs_the_limit_and_leaves_no_answer(connection: Any, servers: EmbeddedServers) -> None:
    with paused(servers.valkey.pid):
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            _ask(connection, "ECHO", "late")
        assert REDIS_TIMEOUT * 0.9 < time.monotonic() - began < REDIS_TIMEOUT + 0.5
        assert not connection.is_connected
    assert _ask(connection, "ECHO", "next") == b"next"


def test_a_connection_that_is_lost_is_an_error_and_is_made_anew(redis_url: str) -> None:
    with Wire(redis_url) as wire, connect(wire.url) as client:
        connection: Any = client.connection_pool.get_connection()
        assert _ask(connection, "ECHO", "one") == b"one"
        wire.loses = b"two"
        with pytest.raises(redis.ConnectionError):
            _ask(connection, "ECHO", "two")
        assert not connection.is_connected
        wire.loses = None
        assert _ask(connection, "ECHO", "three") == b"three"


def test_who_is_interrupted_leaves_no_answer_for_the_next(connection: Any) -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise InterruptedError

    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises((InterruptedError, redis.ConnectionError)):
            _ask(connection, "BLPOP", "never", 5)
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert not connection.is_connected
    assert _ask(connection, "ECHO", "next") == b"next"


def test_what_nobody_asked_for_is_passed_over(redis_url: str, redis_client: redis.Redis) -> None:
    separator = "&" if "?" in redis_url else "?"
    with connect(f"{redis_url}{separator}protocol=3") as telling:
        connection: Any = telling.connection_pool.get_connection()
        redis_client.set("watched", "1")
        assert _ask(connection, "CLIENT", "TRACKING", "ON") == b"OK"
        assert _ask(connection, "GET", "watched") == b"1"
        redis_client.set("watched", "2")  # of which the connection is told
        assert _ask(connection, "ECHO", "asked") == b"asked"
        assert _ask(connection, "GET", "watched") == b"2"
