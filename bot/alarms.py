"""What alert rules (docs/alerts.yml) look at, beside what waits: who answers, who is missing, what is late or broken.

Looked up when Prometheus asks, and not again within some seconds: several may ask, and the process has callers to serve.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta
from typing import Final

import redis
import structlog

from bot import invariants, pulse
from bot.away import Away
from bot.backup.noting import last_backup
from bot.db.database import Database
from bot.deadline import within
from bot.evaluation import gateways
from bot.evaluation.figures import KIND
from bot.metrics import (
    AWAY,
    BACKUP_AGE,
    BROKEN,
    CLOCK_LEADS,
    FIGURES_AGE,
    FULL_DISTRICTS,
    GATEWAY_HOUR,
    INBOUND_DEAD,
    INBOUND_OLDEST,
    JOBS_WAITING,
    REACHABLE,
    SWEEP_AGE,
    WORKERS,
)
from bot.registration.closing import CLOSES_AT
from bot.services import Services

_log = structlog.get_logger(__name__)

#: Seconds for which what was looked up counts.
KEPT: Final = 5.0
#: Seconds that PostgreSQL has for all of it.
_PATIENCE: Final = 1.0
#: What was counted of gateways longer ago says nothing of now.
_STALE: Final = timedelta(minutes=10)

_INBOUND = """
SELECT (SELECT count(*) FROM inbound WHERE state = 'dead'), (SELECT min(received_at) FROM inbound WHERE state = 'received')
"""
_FIGURES = "SELECT as_of FROM figure_snapshot WHERE kind = %s"
# Districts that never had a place are not exhausted: their sessions have yet to be imported.
_FULL = f"""
SELECT count(*) FROM (
    SELECT home FROM place_count GROUP BY home
    HAVING sum(places_left) = 0 AND sum(registered) > 0 AND sum(target) > sum(registered)
) AS exhausted WHERE coalesce({CLOSES_AT} > %s, true)
"""


class Alarms:
    """Puts everything into the metrics; what cannot be looked up keeps what it was."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._looked_at = -math.inf

    def look_again(self) -> None:
        """Look, unless that was done just now."""
        if time.monotonic() - self._looked_at >= KEPT:
            self.look()
            self._looked_at = time.monotonic()

    def look(self) -> None:
        """Look at everything."""
        now = self._parts.clock.now()
        try:
            with within(_PATIENCE, hasty=True):
                _look_at_database(self._parts.database, now)
            REACHABLE.labels("postgresql").set(1)
        except Away as error:
            REACHABLE.labels("postgresql").set(0)
            _stale(error)
        try:
            self._parts.conversations.ping()
            REACHABLE.labels("redis").set(1)
        except redis.RedisError as error:
            REACHABLE.labels("redis").set(0)
            _stale(error)
        try:
            _feel(self._parts.receipts_queue, now)
            REACHABLE.labels("queue").set(1)
        except redis.RedisError as error:
            REACHABLE.labels("queue").set(0)
            _stale(error)


def _stale(error: Exception) -> None:
    AWAY.labels("alarms").inc()
    _log.warning("alarms_stale", reason=type(error).__name__)


def _look_at_database(database: Database, now: datetime) -> None:
    dead, oldest = database.rows(_INBOUND)[0]
    INBOUND_DEAD.set(dead)
    INBOUND_OLDEST.set(_age(oldest, now) if oldest else 0.0)
    FIGURES_AGE.set(_age(database.value(_FIGURES, (KIND,)), now))
    BACKUP_AGE.set(_age(last_backup(database), now))
    FULL_DISTRICTS.set(database.value(_FULL, (now,)))
    checked = invariants.kept(database)
    BROKEN.set(checked.broken if checked is not None else 0)
    counted = gateways.kept(database)
    if counted is not None:
        fresh = now - counted.as_of < _STALE
        for name, hour in counted.by_gateway.items():
            outcomes = {"accepted": hour.accepted, "refused": hour.refused, "unknown": hour.unknown}
            for outcome, count in outcomes.items():
                GATEWAY_HOUR.labels(name, outcome).set(count if fresh else 0)


def _feel(client: redis.Redis, now: datetime) -> None:
    felt = pulse.feel(client)
    for work, count in felt.workers.items():
        WORKERS.labels(work.value).set(count)
    for work, count in felt.queued.items():
        JOBS_WAITING.labels(work.value).set(count)
    SWEEP_AGE.set(_age(felt.swept_at, now))
    CLOCK_LEADS.set(felt.clock_leads)


def _age(moment: datetime | None, now: datetime) -> float:
    """Seconds since then; for ever where it never was."""
    return math.inf if moment is None else max(0.0, (now - moment).total_seconds())
