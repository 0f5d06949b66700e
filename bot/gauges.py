"""What waits, as Prometheus is told: looked up when it asks, so that any process that answers tells the same."""

from __future__ import annotations

import redis
import structlog

from bot.away import Away
from bot.campaigns.waiting import waiting
from bot.messaging import receipt_stream
from bot.metrics import AWAY, IDENTITY_LOCKED, OLDEST_WAITING, RECEIPTS_WAITING, UNKNOWN, WRONG_PAIRS
from bot.registration.guards import guessing
from bot.services import Services

_log = structlog.get_logger(__name__)


def look(parts: Services) -> None:
    """Put what waits into the metrics; where PostgreSQL or Redis is away they keep what they were, and that is counted."""
    try:
        found = waiting(parts.database, parts.clock.now())
        for lane in found.lanes:
            OLDEST_WAITING.labels(lane.lane.value).set(lane.oldest)
        UNKNOWN.set(found.unknown)
        guesses = guessing(parts.database, parts.clock.now())
        for kind, count in guesses.locked.items():
            IDENTITY_LOCKED.labels(kind).set(count)
        WRONG_PAIRS.set(guesses.wrong_pairs)
        RECEIPTS_WAITING.set(receipt_stream.waiting(parts.queue))
    except (Away, redis.RedisError) as error:
        AWAY.labels("gauges").inc()
        _log.warning("gauges_stale", reason=type(error).__name__)
