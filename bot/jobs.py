"""RQ's jobs: each looks at rows and does what they call for. Safe to run twice, safe to lose."""

from __future__ import annotations

import os
import threading
import time
from functools import cache

import redis
import structlog

from bot import config
from bot.away import Away
from bot.messaging import dispatch, inbound, wake
from bot.messaging.outbox import Lane
from bot.metrics import AWAY, INBOUND, SENT
from bot.queues import enqueue_drain
from bot.registration import slots
from bot.services import Services

_log = structlog.get_logger(__name__)

#: A drain works for so long, in seconds, then gives way to others by enqueueing itself again.
DRAIN_SECONDS = 20.0
#: Messages claimed at a time: few, so that little is in flight when a process dies.
BATCH = {Lane.REPLY: 64, Lane.REMINDER: 50, Lane.BLAST: 100}


#: Set when the worker has been asked to stop: a drain then ends after the batch in hand.
stopping = threading.Event()


@cache
def services() -> Services:
    """This worker's parts, from its environment."""
    return Services(config.load(os.environ), statement_limit=10.0)


def drain(lane_name: str) -> int:
    """Send what is due in a lane until nothing is, for 20 s at most; returns how many messages were accepted."""
    lane, parts = Lane(lane_name), services()
    stop = time.monotonic() + DRAIN_SECONDS
    accepted, last_look = 0, False
    try:
        while time.monotonic() < stop and not stopping.is_set():
            batch = dispatch.claim_batch(parts.database, lane, parts.clock.now(), BATCH[lane])
            if batch:
                accepted += dispatch.send_batch(parts.database, parts.gateways, batch, parts.clock)
                last_look = False
            elif last_look:
                break
            else:
                # Whoever writes from now on enqueues a drain of its own; what was written before, we still see.
                parts.queue.delete(wake.token(lane))
                last_look = True
        else:
            enqueue_drain(parts.queue, lane)
    except Away:
        AWAY.labels("drain").inc()
        _log.warning("drain_stopped", lane=lane.value, reason="away")
    SENT.labels(lane.value).inc(accepted)
    return accepted


def answer_waiting() -> int:
    """Handle inbound SMS that could not be handled when they came; returns how many."""
    parts = services()
    handled = 0
    try:
        while waiting := inbound.claim_waiting(parts.database, parts.vault, parts.clock.now()):
            for message in waiting:
                handled += _answer(parts, message)
    except Away:
        AWAY.labels("answer_waiting").inc()
    if handled:
        parts.waker.wake()
    return handled


def _answer(parts: Services, message: inbound.Waiting) -> bool:
    try:
        inbound.handle(parts.database, message, parts.driver.sms, parts.clock.now(), inline=False)
    except Away:
        inbound.let_go(parts.database, message.id)
        raise
    except Exception:  # noqa: BLE001 - whatever one message does, the others are handled
        # The message stays claimed until its lease is over and is tried again, a limited number of times.
        _log.exception("inbound_failed", inbound=message.id)
        return False
    INBOUND.labels(message.gateway, "later").inc()
    return True


def sweep() -> dict[str, int]:
    """Do what lost jobs and dead processes have left undone; returns what was found."""
    parts = services()
    found: dict[str, int] = {}
    try:
        now = parts.clock.now()
        found["holds"] = slots.sweep_expired(parts.database, now)
        found["requeued"], found["unknown"] = dispatch.sweep_leases(parts.database, now)
        found["inbound"] = answer_waiting()
        for lane in dispatch.waiting(parts.database, now):
            wake.enqueue_once(parts.queue, lane, lambda due: enqueue_drain(parts.queue, due))
    except (Away, redis.RedisError) as error:
        AWAY.labels("sweep").inc()
        _log.warning("sweep_stopped", error=type(error).__name__)
    if any(found.values()):
        _log.info("sweep", **found)
    return found
