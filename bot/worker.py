"""A worker process: RQ's simple worker on one queue, which stops between two batches when asked to."""

from __future__ import annotations

import contextlib
from types import FrameType

import redis
from rq import Queue, SimpleWorker

from bot import config, garbage, jobs, log, readiness
from bot.away import Away
from bot.clock import pace_of
from bot.lifeline import die_with_parent
from bot.messaging import leases
from bot.messaging.outbox import Lane
from bot.queues import Work, enqueue_drain, enqueue_receipts
from bot.redis_clients import connect

#: Seconds after which RQ takes an unheard-of worker for dead, and looks for what it left.
_WORKER_TTL = 25
_MAINTENANCE_INTERVAL = 10


class _Worker(SimpleWorker):
    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        jobs.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def run_worker(work: Work, settings: config.Settings) -> None:
    """Work off one queue until a signal asks to stop: the batch in hand is finished first."""
    die_with_parent()
    log.configure(settings.log_level, service=f"worker-{work.value}")
    jobs.services().check_sending()
    garbage.settle_down()
    connection = connect(settings.queue_redis_url, timeout=None)
    worker = _Worker(
        [Queue(work.value, connection=connection)],
        connection=connection,
        worker_ttl=_WORKER_TTL,
        maintenance_interval=_MAINTENANCE_INTERVAL,
    )
    _look_first(work, connection)
    readiness.tell()
    worker.work(logging_level="WARNING", with_scheduler=False)


def _look_first(work: Work, connection: redis.Redis) -> None:
    """Ask for a first look: the job of a predecessor that was killed is gone, and the next sweep is seconds away."""
    with contextlib.suppress(Away):  # else the sweep does it
        if work.value == Lane.REPLY.value:
            clock = jobs.services().clock
            leases.take_over(jobs.services().database, clock.now(), pace_of(clock))
    with contextlib.suppress(redis.RedisError):
        if work.value in set(Lane):
            enqueue_drain(connection, Lane(work.value))
        elif work is Work.RECEIPTS:
            enqueue_receipts(connection)
