"""One worker that finds something to do calls the next, and no more than one at a time."""

from __future__ import annotations

import redis
from rq import Queue

from bot.messaging.outbox import Lane
from bot.queues import call_colleague, enqueue_drain


def test_a_colleague_is_called_once(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        queue = Queue(Lane.BLAST.value, connection=client)
        call_colleague(client, Lane.BLAST)
        call_colleague(client, Lane.BLAST)
        assert queue.count == 1
        assert Queue(Lane.REPLY.value, connection=client).count == 0
        enqueue_drain(client, Lane.BLAST)
        assert queue.count == 2
