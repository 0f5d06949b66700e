"""RQ's jobs: each looks at rows and does what they call for. Safe to run twice, safe to lose."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache

import redis
import structlog

from bot import config, pulse
from bot.away import Away
from bot.campaigns import (
    campaigns,
    closing_reminders,
    kept,
    launching,
    materialise,
    reminder_calendar,
    reminders,
    second_notices,
)
from bot.campaigns.preview import Price
from bot.clock import pace_of
from bot.db.database import Database
from bot.evaluation import blast_report, figures
from bot.followup import gathering
from bot.messaging import inbound, leases, receipt_stream, receipts, reconciling, wake
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace
from bot.messaging.sending import Sender
from bot.metrics import AWAY, INBOUND, RECEIPTS, SENT
from bot.queues import Work, call_colleague, enqueue_drain, enqueue_receipts
from bot.registration import taking
from bot.services import Services

_log = structlog.get_logger(__name__)

#: A drain works for so long, in seconds, then gives way to others by enqueueing itself again.
DRAIN_SECONDS = 20.0
#: How often a drain looks again while it knows that something is due soon, in seconds.
AGAIN_SECONDS = 0.3
#: How long receipts gather between two batches that are not full, in seconds, and after how long that gives way to other work.
_GATHER_SECONDS, _GATHERS_FOR = 0.2, 2.0
#: Longest that counting figures may take, in seconds.
COUNT_SECONDS = 100.0

#: Set when the worker has been asked to stop: a drain then finishes what it has in hand.
stopping = threading.Event()


@cache
def services() -> Services:
    """This worker's parts, from its environment."""
    return Services(config.load(os.environ), statement_limit=10.0)


@cache
def sender(lane: Lane) -> Sender:
    """What sends a lane's messages in this process."""
    parts = services()
    planner = None if lane is Lane.REPLY else parts.planner
    return Sender(parts.database, parts.gateways, parts.clock, lane, pace=Pace(parts.queue), composer=planner)


def drain(lane_name: str) -> int:
    """Send what is due in a lane until nothing is, for 20 s at most; returns how many messages were accepted."""
    lane, parts = Lane(lane_name), services()
    stop = time.monotonic() + DRAIN_SECONDS

    def goes_on() -> bool:
        return time.monotonic() < stop and not stopping.is_set()

    def look() -> int:
        # Whoever writes after that enqueues a drain of its own; what was written before, the last look sees.
        return sender(lane).run(
            goes_on, lambda: parts.queue.delete(wake.token(lane)), lambda: call_colleague(parts.queue, lane)
        )

    def is_done() -> bool:
        # A reply that the gateway refused for now leaves when its time has come, not with the sweep after that.
        return lane is not Lane.REPLY or not leases.is_due_soon(parts.database, lane, parts.clock.now())

    accepted = 0
    try:
        while True:
            try:
                accepted += look()
                if is_done() or not goes_on():
                    break
            except Away:
                # PostgreSQL may be back in a moment, and then nobody else knows of what we claimed.
                AWAY.labels("drain").inc()
                if not goes_on():
                    raise
            stopping.wait(AGAIN_SECONDS)
        if not goes_on():
            enqueue_drain(parts.queue, lane)
    except (Away, redis.RedisError) as error:
        _log.warning("drain_stopped", lane=lane.value, reason=type(error).__name__)
    SENT.labels(lane.value).inc(accepted)
    return accepted


def take_receipts() -> int:
    """Apply the receipts that webhooks have taken in, until none waits; returns how many."""
    parts = services()
    stop, gives_way = time.monotonic() + DRAIN_SECONDS, time.monotonic() + _GATHERS_FOR
    taken, last_look = 0, False
    try:
        while time.monotonic() < stop and not stopping.is_set():
            count, matched = receipt_stream.take(parts.queue, parts.database)
            RECEIPTS.labels("true").inc(matched)
            RECEIPTS.labels("false").inc(count - matched)
            taken += count
            if count == 0 and last_look:
                return taken
            if count == 0:
                # Whoever puts one in from now on enqueues a job of its own; what was put in before, we still see.
                parts.queue.delete(wake.token(Work.RECEIPTS))
            last_look = count == 0
            if 0 < count < receipt_stream.BATCH:
                # In a moment there are more, and a batch costs nearly the same however few it has.
                if time.monotonic() > gives_way:
                    break
                stopping.wait(_GATHER_SECONDS)
        enqueue_receipts(parts.queue)
    except (Away, redis.RedisError) as error:
        AWAY.labels("receipts").inc()
        _log.warning("receipts_wait", reason=type(error).__name__)
    return taken


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
        found["holds"] = taking.sweep_expired(parts.database, now)
        found["requeued"], found["unknown"] = leases.sweep(parts.database, now, pace_of(parts.clock))
        found["receipts"] = receipts.rematch(parts.database, now)
        found["inbound"] = answer_waiting()
        found["started"] = len(
            launching.start_due(
                parts.database, parts.gateways, now, approval_above=parts.settings.campaign_approval_above
            )
        )
        found["finished"] = len(campaigns.finish_done(parts.database, now))
        lanes = set(leases.waiting(parts.database, now))
        if leases.is_due_soon(parts.database, Lane.REPLY, now):
            lanes.add(Lane.REPLY)  # its drain waits for it: the next sweep would come too late
        for lane in sorted(lanes):
            wake.enqueue_once(parts.queue, lane, functools.partial(enqueue_drain, parts.queue, lane))
        if receipt_stream.waiting(parts.queue):
            wake.enqueue_once(parts.queue, Work.RECEIPTS, functools.partial(enqueue_receipts, parts.queue))
        pulse.note_sweep(parts.queue, parts.clock.now())
    except (Away, redis.RedisError) as error:
        AWAY.labels("sweep").inc()
        _log.warning("sweep_stopped", error=type(error).__name__)
    if any(found.values()):
        _log.info("sweep", **found)
    return found


def start_campaigns(_number: int = 0) -> int:
    """Start the approved campaigns whose time has come, now rather than at the next sweep; returns how many."""
    parts = services()
    try:
        started = launching.start_due(
            *(parts.database, parts.gateways, parts.clock.now()),
            approval_above=parts.settings.campaign_approval_above,
        )
        if started:
            wake.enqueue_once(parts.queue, Lane.BLAST, functools.partial(enqueue_drain, parts.queue, Lane.BLAST))
    except (Away, redis.RedisError) as error:  # the sweep does it
        AWAY.labels("start").inc()
        _log.warning("start_waits", error=type(error).__name__)
        return 0
    return len(started)


def end_campaigns(_number: int = 0) -> int:
    """Complete what cancelling campaigns has left, now rather than at the next sweep; returns how many ended."""
    parts = services()
    try:
        return len(campaigns.finish_done(parts.database, parts.clock.now()))
    except Away as error:
        AWAY.labels("end").inc()
        _log.warning("end_waits", error=type(error).__name__)
        return 0


def count_campaign(number: int) -> None:
    """Count how far a campaign has come, for its page."""
    _for_a_page("count_campaign", number, lambda: kept.count(counting(), number, services().clock.now()))


def look_at_campaign(number: int) -> None:
    """Find out what a campaign would do, for its page."""
    settings = services().settings
    price = Price(settings.sms_price, settings.sms_currency)
    _for_a_page(
        *("look_at_campaign", number),
        lambda: kept.look(
            *(counting(), number, services().composer, services().clock.now()),
            window=settings.sending_window,
            price=price,
        ),
    )


def look_around(number: int = 0) -> None:
    """Measure the longest names, for whoever composes a text, and look on which days people are booked."""
    now, here = services().clock.now(), services().settings.time_zone

    def make() -> None:
        kept.measure_names(counting(), now)
        reminder_calendar.keep_days(counting(), here, now)

    _for_a_page("look_around", number, make)


def make_report(number: int) -> None:
    """Make the report of a blast, for the pages of its evaluation."""
    _for_a_page("make_report", number, lambda: blast_report.make(counting(), number, services().clock))


def _for_a_page(job: str, number: int, make: Callable[[], object]) -> None:
    """Make what a page waits for; it asks again if that fails."""
    try:
        make()
        services().queue.delete(wake.token(f"{job}:{number}"))
    except (Away, redis.RedisError) as error:
        AWAY.labels(job).inc()
        _log.warning("page_waits", job=job, error=type(error).__name__)


@cache
def counting() -> Database:
    """A connection on which counting may take its time: less than the job may."""
    return services().database.beside(size=1, limit=COUNT_SECONDS)


def count_figures() -> bool:
    """Bring the command room's figures up to date; False if it was not done."""
    try:
        return figures.make(counting(), services().clock)
    except Away as error:
        AWAY.labels("figures").inc()
        _log.warning("figures_wait", error=type(error).__name__)
        return False


def gather_follow_up() -> bool:
    """Bring the list of people to follow up up to date; False if it was not done."""
    try:
        return gathering.gather(counting(), services().clock)
    except Away as error:
        AWAY.labels("follow_up").inc()
        _log.warning("follow_up_waits", error=type(error).__name__)
        return False


def ask_gateways() -> int:
    """Ask gateways that can be asked what became of messages of unknown fate; returns of how many it is known now."""
    parts = services()
    try:
        return reconciling.reconcile(
            parts.database, parts.gateways, parts.clock.now(), functools.partial(parts.composer.recall, parts.database)
        )
    except Away as error:
        AWAY.labels("ask").inc()
        _log.warning("asking_stopped", error=type(error).__name__)
        return 0


def remind() -> dict[str, int]:
    """Write the reminders of appointments and of registration's end that are due; returns how many of each."""
    return _remind(
        {
            "appointments": lambda parts, post, now: reminders.remind_of_appointments(parts.database, post, now),
            "closing": lambda parts, post, now: closing_reminders.remind_of_closing(
                parts.database, post, closing_reminders.end_in(parts.database, parts.settings.time_zone.key), now
            ),
        }
    )


def send_second_notices() -> dict[str, int]:
    """Write to those whose number has been corrected what a blast could not deliver; returns how many."""
    return _remind(
        {
            "second_notices": lambda parts, post, now: second_notices.send_second_notices(
                parts.database, post, parts.settings.time_zone, now
            )
        }
    )


def _remind(kinds: dict[str, Callable[[Services, reminders.Post, datetime], int]]) -> dict[str, int]:
    parts = services()
    gateway = parts.settings.sms_gateway
    post = reminders.Post(gateway, materialise.batch_size(parts.gateways, gateway), parts.settings.sending_window)
    written: dict[str, int] = {}
    try:
        for kind, write in kinds.items():
            written[kind] = write(parts, post, parts.clock.now())
    except Away:
        AWAY.labels("remind").inc()
        _log.warning("reminders_wait")
    if any(written.values()):
        _log.info("reminders", **written)
        try:
            wake.enqueue_once(parts.queue, Lane.REMINDER, functools.partial(enqueue_drain, parts.queue, Lane.REMINDER))
        except redis.RedisError as error:  # the sweep wakes them
            _log.warning("wake_failed", error=type(error).__name__)
    return written
