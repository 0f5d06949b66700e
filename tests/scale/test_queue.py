"""What needs one server, on a primary that sentinels name; it dies."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
import redis
from rq import Queue as RqQueue

from bot.breaker import Breaker
from bot.clockwork import Leadership
from bot.conversation.store import Record, Store, StoreAway
from bot.messaging.pacing import Pace, resting
from bot.messaging.receipt_stream import STREAM, put, with_copies
from bot.queues import Work, enqueue_office
from bot.redis_clients import connect
from gateway_adapters.base import Receipt, ReceiptStatus
from tests.scale.conftest import Queue
from tests.stopping import paused
from tests.world import MORNING


def _receipt(number: int) -> Receipt:
    return Receipt(f"ATXid_{number}", ReceiptStatus.DELIVERED)


def test_a_receipt_is_taken_once_a_replica_has_it(queue: Queue) -> None:
    """Else whoever took it would be its only holder, and a fail-over would lose what was acknowledged."""
    client, breaker = connect(queue.url), Breaker()
    put(with_copies(client), "africastalking", [_receipt(1)], MORNING, breaker)
    assert queue.second.client().xlen(STREAM) == 1
    with paused(queue.second.process and queue.second.process.pid), pytest.raises(redis.TimeoutError):
        put(with_copies(client), "africastalking", [_receipt(2)], MORNING, breaker)
    with pytest.raises(redis.TimeoutError, match="just kept waiting"):
        put(with_copies(client), "africastalking", [_receipt(3)], MORNING, _open())


def _open() -> Breaker:
    tripped = Breaker()
    tripped.trip()
    return tripped


class _Stop(Exception):
    """As RQ raises within whatever a signal interrupts."""


def test_an_answer_that_was_not_awaited_is_given_to_nobody(queue: Queue) -> None:
    """Not to the conversations' store, which speaks on its connection itself, and not to whoever a signal interrupted."""
    store = Store(connect(queue.url))
    assert store.save("+62811", 0, Record(at=1.0, answer="mine"))
    assert store.load("+62811")[1] == 1
    with paused(queue.first.process and queue.first.process.pid), pytest.raises(StoreAway):
        store.load("+62811")
    assert store.load("+62812") == (None, 0)
    waiting = connect(queue.url, timeout=None)

    def interrupt(_number: int, _frame: object) -> None:
        raise _Stop

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(_Stop):
            waiting.blpop(["nothing"], 30)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert waiting.echo("hello") == b"hello"


def test_everything_of_the_queue_goes_on_with_the_replica(queue: Queue) -> None:
    client = connect(queue.url, timeout=2.0)
    patient = connect(queue.url, timeout=None)
    enqueue_office(client)
    assert Leadership(client, "clock").held()
    assert Pace(client).take("africastalking", 1, 10.0).granted
    assert client.execute_command("WAIT", 1, 5000) == 1
    queue.first.kill()
    began = time.monotonic()
    while True:
        try:
            assert client.ping()
            break
        except redis.RedisError:
            assert time.monotonic() < began + 15, "no replica has taken over"
    assert queue.second.role() == "master"
    assert RqQueue(Work.OFFICE.value, connection=patient).count == 1
    assert Leadership(client, "clock").held()
    assert not Leadership(client, "another").held()
    assert Pace(client).take("africastalking", 1, 10.0).granted
    assert resting(client, ["africastalking"]) == {"africastalking": 0}
    # Nobody else could take over now: it is a server that stands alone, and keeps nobody waiting for another.
    way, before = with_copies(client), queue.second.client().xlen(STREAM)
    put(way, "africastalking", [_receipt(4)], MORNING, Breaker())
    waits = _waits(queue.second.client())
    put(way, "africastalking", [_receipt(5)], MORNING, Breaker())
    assert _waits(queue.second.client()) == waits
    assert queue.second.client().xlen(STREAM) == before + 2


def _waits(client: redis.Redis) -> int:
    """How often the server was asked to wait for replicas."""
    told: Any = client.info("commandstats")
    return int(told["cmdstat_wait"]["calls"])
