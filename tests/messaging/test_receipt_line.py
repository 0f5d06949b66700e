"""A webhook keeps receipts on a connection of its own: one that is lost costs none, and one that hangs is given up."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import redis

from bot.breaker import Breaker
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.messaging import receipt_stream
from bot.redis_clients import REDIS_TIMEOUT, connect
from bot.redis_line import OwnLine
from gateway_adapters.base import Receipt, ReceiptStatus
from tests.conversation.wire import Wire
from tests.stopping import paused

_AT = datetime(2021, 1, 13, 1, 2, 3, tzinfo=UTC)


def _put(line: OwnLine, number: int, breaker: Breaker | None = None) -> None:
    receipt = Receipt(f"ATXid_{number}", ReceiptStatus.DELIVERED, "+6281200000001", reason="sampai di Añatuya")
    receipt_stream.put(receipt_stream.alone(line), "africastalking", [receipt], _AT, breaker)


def _kept(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT provider_id FROM receipt ORDER BY 1")]


def test_receipts_arrive_as_they_were_told(redis_client: redis.Redis, database: Database) -> None:
    line = OwnLine(redis_client)
    for number in range(3):
        _put(line, number)
    assert receipt_stream.take(redis_client, database) == (3, 0)
    assert database.rows("SELECT DISTINCT gateway, status, phone, reason, received_at FROM receipt") == [
        ("africastalking", "delivered", "+6281200000001", "sampai di Añatuya", _AT)
    ]
    assert _kept(database) == ["ATXid_0", "ATXid_1", "ATXid_2"]


def test_a_connection_that_the_server_has_closed_costs_none(redis_client: redis.Redis, database: Database) -> None:
    line = OwnLine(redis_client)
    _put(line, 1)
    redis_client.client_kill_filter(_id=line.ask("CLIENT", "ID"))
    _put(line, 2)
    receipt_stream.take(redis_client, database)
    assert _kept(database) == ["ATXid_1", "ATXid_2"]


def test_one_whose_answer_was_lost_is_kept_twice_and_applied_once(redis_url: str, database: Database) -> None:
    with Wire(redis_url) as wire, connect(wire.url) as client, connect(redis_url) as direct:
        line = OwnLine(client)
        _put(line, 1)
        wire.loses = b"ATXid_2"
        with pytest.raises(redis.ConnectionError):
            _put(line, 2)
        wire.loses = None
        _put(line, 2)
        assert receipt_stream.waiting(direct) > 2
        receipt_stream.take(direct, database)
    assert _kept(database) == ["ATXid_1", "ATXid_2"]


def test_a_server_that_hangs_costs_the_limit_once_and_nobody_else_waits(
    redis_client: redis.Redis, servers: EmbeddedServers
) -> None:
    line, breaker = OwnLine(redis_client), Breaker()
    _put(line, 1, breaker)
    with paused(servers.valkey.pid):
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            _put(line, 2, breaker)
        assert time.monotonic() - began >= REDIS_TIMEOUT * 0.9
        with pytest.raises(redis.TimeoutError, match="just kept waiting"):
            _put(line, 3, breaker)
