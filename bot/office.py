"""The office's work: lists that were uploaded are read, people of cancelled sessions moved.

It has a queue and a worker of its own, since a long import must not hold up the sweep. A job says only "look"; everything
is found by rows, and safe to do twice.
"""

from __future__ import annotations

import functools
from functools import cache

import redis
import structlog

from bot import jobs
from bot.away import Away
from bot.db.database import Database
from bot.messaging import wake
from bot.messaging.outbox import Lane
from bot.metrics import AWAY
from bot.queues import Work, enqueue_drain
from bot.registration import moving, uploads
from bot.services import Services
from flows.memory import Campaign
from flows.moved_sms import MovedSms

_log = structlog.get_logger(__name__)


@cache
def _unlimited() -> Database:
    """Connections on which an import may take its time."""
    return jobs.services().database.beside(size=4, limit=None)


def attend() -> dict[str, int]:
    """Do what waits, until nothing does or the worker is asked to stop; returns how much of what was done."""
    parts = jobs.services()
    try:
        # Whoever uploads from now on enqueues a job of their own; what was uploaded before, we still see.
        parts.queue.delete(wake.token(Work.OFFICE))
        return work_off(parts, _unlimited())
    except (Away, redis.RedisError) as error:
        AWAY.labels("office").inc()
        _log.warning("office_waits", error=type(error).__name__)
        return {}


def work_off(parts: Services, database: Database) -> dict[str, int]:
    """What ``attend`` does. ``database``: without a limit on its statements."""
    done = {"moved": _move(parts, database), "read": 0}
    while not jobs.stopping.is_set():
        number = uploads.read_next(database, parts.vault, parts.clock)
        if number is None:
            break
        done["read"] += 1
        done["moved"] += _move(parts, database)
    if any(done.values()):
        _log.info("office", **done)
    return done


def _move(parts: Services, database: Database) -> int:
    """Move the people of cancelled sessions, and have the SMS to them sent."""
    settings = parts.settings
    sms = MovedSms(Campaign(settings.ussd_code, settings.call_centre, settings.age_limits))
    texts = moving.Texts(sms.moved, sms.no_place)
    moved = moving.move_waiting(database, parts.terms, texts, parts.clock.now, lambda: not jobs.stopping.is_set())
    if moved:
        wake.enqueue_once(parts.queue, Lane.REPLY, functools.partial(enqueue_drain, parts.queue, Lane.REPLY))
    return moved
