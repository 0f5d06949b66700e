"""The jobs that keep turns of conversations: copied every few seconds; the numbers of what was copied are forgotten."""

from __future__ import annotations

import time

import redis
import structlog

from bot import jobs
from bot.away import Away
from bot.metrics import AWAY
from bot.registration import hops

_log = structlog.get_logger(__name__)

#: Seconds that one job takes at most: what is left, the next one does.
COPY_SECONDS, DROP_SECONDS = 10.0, 5.0


def copy_hops() -> int:
    """Copy the turns that web processes have noted, until none waits; returns how many."""
    parts = jobs.services()
    stop = time.monotonic() + COPY_SECONDS
    copied = 0
    try:
        while time.monotonic() < stop and not jobs.stopping.is_set():
            batches, written = hops.copy(parts.queue, parts.database, parts.clock.now())
            copied += written
            if not batches:
                break
    except (Away, redis.RedisError) as error:
        AWAY.labels("hops").inc()
        _log.warning("hops_wait", error=type(error).__name__)
    return copied


def drop_old_hops() -> int:
    """Forget the numbers of batches that cannot be read twice any more; returns how many."""
    parts = jobs.services()
    stop = time.monotonic() + DROP_SECONDS
    dropped = 0
    try:
        while time.monotonic() < stop and not jobs.stopping.is_set():
            gone = hops.drop_old(parts.database, parts.clock.now())
            dropped += gone
            if not gone:
                break
    except Away as error:
        AWAY.labels("hops").inc()
        _log.warning("hops_wait", error=type(error).__name__)
    return dropped
