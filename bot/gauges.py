"""What waits, as Prometheus is told: looked up when it asks, so that any process that answers tells the same."""

from __future__ import annotations

from datetime import timedelta

import redis
import structlog

from bot.away import Away
from bot.campaigns.waiting import waiting
from bot.messaging import receipt_stream
from bot.metrics import (
    AWAY,
    IDENTITY_LOCKED,
    OLDEST_WAITING,
    RECEIPTS_WAITING,
    SPOOL_OLDEST,
    SPOOL_QUARANTINED,
    SPOOL_WAITING,
    UNKNOWN,
    WRONG_PAIRS,
)
from bot.registration.guards import guessing
from bot.services import Services

_log = structlog.get_logger(__name__)


def look(parts: Services) -> None:
    """Put what waits into the metrics; where PostgreSQL or Redis is away they keep what they were, and that is counted."""
    _look_at_spool(parts)
    try:
        found = waiting(parts.database, parts.clock.now())
        for lane in found.lanes:
            OLDEST_WAITING.labels(lane.lane.value).set(lane.oldest)
        UNKNOWN.set(found.unknown)
        guesses = guessing(parts.database, parts.clock.now())
        for kind, count in guesses.locked.items():
            IDENTITY_LOCKED.labels(kind).set(count)
        WRONG_PAIRS.set(guesses.wrong_pairs)
        RECEIPTS_WAITING.set(receipt_stream.waiting(parts.receipts_queue))
    except (Away, redis.RedisError) as error:
        AWAY.labels("gauges").inc()
        _log.warning("gauges_stale", reason=type(error).__name__)


def _look_at_spool(parts: Services) -> None:
    try:
        found = parts.spool.count()
    except OSError as error:
        _log.warning("gauges_stale", reason=type(error).__name__)
        return
    age = parts.clock.now() - found.oldest_at if found.oldest_at else timedelta()
    SPOOL_WAITING.set(found.waiting)
    SPOOL_OLDEST.set(max(0.0, age.total_seconds()))
    SPOOL_QUARANTINED.set(found.quarantined)
