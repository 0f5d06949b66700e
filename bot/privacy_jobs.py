"""The job that deletes what is kept no longer: by the office's worker, whom no conversation waits for."""

from __future__ import annotations

import time

import structlog

from bot import jobs
from bot.away import Away
from bot.metrics import AWAY
from bot.privacy import retention

_log = structlog.get_logger(__name__)

#: Seconds that one job deletes at most: what is left, the next one does.
RETAIN_SECONDS = 60.0


def retain() -> dict[str, int]:
    """Delete what is due, for a minute at most, and count what is left for the page; returns how many rows of what."""
    parts = jobs.services()
    stop = time.monotonic() + RETAIN_SECONDS
    kept, now = parts.settings.kept_for, parts.clock.now()
    try:
        went = retention.run(
            *(parts.database, kept, now), lambda: time.monotonic() < stop and not jobs.stopping.is_set()
        )
        retention.keep_for_page(parts.database, retention.due(jobs.counting(), kept, now), now)
    except Away as error:
        AWAY.labels("retention").inc()
        _log.warning("retention_waits", error=type(error).__name__)
        return {}
    gone = {what.value: count for what, count in went.items() if count}
    if gone:
        _log.info("retention", rows=sum(gone.values()))
    return gone
