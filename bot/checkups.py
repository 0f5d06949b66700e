"""RQ's jobs that look the system over, so that no page has to: gateways' hour and balance, what must always hold."""

from __future__ import annotations

import time
from functools import cache

import redis
import structlog

from bot import invariants, pulse
from bot.away import Away
from bot.db.database import Database
from bot.evaluation import gateways
from bot.jobs import counting, services
from bot.messaging import balances
from bot.metrics import AWAY

_log = structlog.get_logger(__name__)

#: Seconds that one invariant may take to be checked: it reads whole tables.
_INVARIANT_SECONDS = 120.0


@cache
def _patient() -> Database:
    return services().database.beside(size=1, limit=_INVARIANT_SECONDS)


def count_gateways() -> bool:
    """Count what became of the last hour's messages, gateway by gateway, if that is due; returns whether it was."""
    try:
        return gateways.make(counting(), services().clock.now())
    except Away as error:
        AWAY.labels("gateways").inc()
        _log.warning("gateways_wait", error=type(error).__name__)
        return False


def ask_balances() -> int:
    """Ask gateways that can be asked what is left on our accounts, if that is due; returns how many told."""
    parts = services()
    try:
        return balances.ask(parts.database, parts.gateways, parts.clock.now()) or 0
    except Away as error:
        AWAY.labels("balances").inc()
        _log.warning("balances_wait", error=type(error).__name__)
        return 0


def check_invariants() -> int:
    """Check every invariant and keep the findings; returns how many are broken, -1 where that could not be found out."""
    parts = services()
    now, began = parts.clock.now(), time.monotonic()
    broken = -1
    try:
        findings = invariants.check(_patient(), now)
        invariants.keep(parts.database, findings, now, took=time.monotonic() - began)
        broken = sum(1 for finding in findings if finding.count)
    except Away as error:
        AWAY.labels("invariants").inc()
        _log.warning("invariants_unchecked", error=type(error).__name__)
    try:
        pulse.check_is_done(parts.queue)
    except redis.RedisError as error:  # then it ends by itself
        _log.warning("check_not_cleared", error=type(error).__name__)
    return broken
