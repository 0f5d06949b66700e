"""The clock process: enqueues what is due by time. Of several clocks one leads.

Leadership is a key in Redis that the leader renews; should two ever lead for a moment, nothing is harmed, since every
job looks at rows and is safe to run twice.
"""

from __future__ import annotations

import signal
import threading
import uuid

import redis
import structlog
from rq.cron import CronScheduler

from bot import config, log, readiness
from bot.checkups import ask_balances, count_gateways
from bot.evaluation import gateways
from bot.evaluation.figures import EVERY
from bot.followup import gathering
from bot.hop_jobs import copy_hops, drop_old_hops
from bot.jobs import ask_gateways, count_figures, gather_follow_up, remind, send_second_notices, sweep
from bot.lifeline import die_with_parent
from bot.messaging import balances
from bot.office import attend
from bot.privacy_jobs import retain
from bot.pulse import CLOCK_LEADER
from bot.queues import JOB_TIMEOUT, OFFICE_TIMEOUT, Work
from bot.redis_clients import connect

_log = structlog.get_logger(__name__)

SWEEP_SECONDS = 10
#: Reminders are written every minute; second notices look through whole blasts, and have time.
REMIND_SECONDS, SECOND_NOTICE_SECONDS = 60, 600
ASK_SECONDS = 60
FIGURES_SECONDS = int(EVERY.total_seconds())
FOLLOW_UP_SECONDS = int(gathering.EVERY.total_seconds())
GATEWAYS_SECONDS = int(gateways.EVERY.total_seconds())
#: Hops are copied while one may still ask for them, and old ones deleted in small portions.
HOPS_SECONDS, OLD_HOPS_SECONDS = 5, 3600
#: Personal data goes when its day has come; a job that is cut short is continued by the next.
RETAIN_SECONDS = 600
BALANCES_SECONDS = int(balances.EVERY.total_seconds())
_LEASE_SECONDS = 15
_TICK_SECONDS = 1.0

#: Renew the lease if it is ours, take it if it is nobody's.
_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] or not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  return 1
end
return 0
"""
_RESIGN = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Leadership:
    """Whether this process is the leading clock."""

    def __init__(self, client: redis.Redis, name: str | None = None) -> None:
        self._name = name or uuid.uuid4().hex
        self._lead = client.register_script(_LEAD)
        self._resign = client.register_script(_RESIGN)

    def held(self) -> bool:
        """Renew or take the lead; raises ``redis.RedisError``."""
        return bool(self._lead(keys=[CLOCK_LEADER], args=[self._name, _LEASE_SECONDS]))

    def resign(self) -> None:
        """Give the lead up at once, so that another clock need not wait for the lease to end."""
        self._resign(keys=[CLOCK_LEADER], args=[self._name])


def schedule(connection: redis.Redis) -> CronScheduler:
    """Everything that is due by time."""
    cron = CronScheduler(connection, logging_level="WARNING")
    # A sweep that nobody took up in time is not worth keeping: the next one does its work.
    cron.register(
        sweep, Work.SWEEP.value, interval=SWEEP_SECONDS, job_timeout=JOB_TIMEOUT, result_ttl=0, ttl=SWEEP_SECONDS
    )
    cron.register(
        *(count_figures, Work.SWEEP.value),
        interval=FIGURES_SECONDS,
        job_timeout=JOB_TIMEOUT,
        result_ttl=0,
        ttl=FIGURES_SECONDS,
    )
    # Whoever waits for an answer holds up no sweep.
    for asking, every in ((ask_gateways, ASK_SECONDS), (ask_balances, BALANCES_SECONDS)):
        cron.register(
            asking, Work.RECEIPTS.value, interval=every, job_timeout=JOB_TIMEOUT, result_ttl=0, ttl=ASK_SECONDS
        )
    for keep, seconds in ((copy_hops, HOPS_SECONDS), (drop_old_hops, OLD_HOPS_SECONDS)):
        cron.register(
            keep, Work.RECEIPTS.value, interval=seconds, job_timeout=JOB_TIMEOUT, result_ttl=0, ttl=min(3 * seconds, 60)
        )
    for job, seconds in (
        (remind, REMIND_SECONDS),
        (send_second_notices, SECOND_NOTICE_SECONDS),
        (count_gateways, GATEWAYS_SECONDS),
        (gather_follow_up, FOLLOW_UP_SECONDS),
    ):
        cron.register(
            job, Work.SWEEP.value, interval=seconds, job_timeout=JOB_TIMEOUT, result_ttl=0, ttl=REMIND_SECONDS
        )
    cron.register(
        attend, Work.OFFICE.value, interval=SWEEP_SECONDS, job_timeout=OFFICE_TIMEOUT, result_ttl=0, ttl=SWEEP_SECONDS
    )
    cron.register(
        retain, Work.OFFICE.value, interval=RETAIN_SECONDS, job_timeout=JOB_TIMEOUT, result_ttl=0, ttl=RETAIN_SECONDS
    )
    return cron


def run_clock(settings: config.Settings) -> None:
    """Tick until a signal asks to stop."""
    die_with_parent()
    log.configure(settings.log_level, service="clock")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    client = connect(settings.queue_redis_url, timeout=2.0)
    leadership, cron = Leadership(client), schedule(client)
    leading = False
    readiness.tell()
    while not stop.wait(_TICK_SECONDS):
        try:
            now_leading = leadership.held()
            if now_leading != leading:
                leading = now_leading
                _log.info("clock_leads" if leading else "clock_stands_by")
            if leading:
                cron.enqueue_jobs()
        except redis.RedisError as error:
            _log.warning("clock_waits", error=type(error).__name__)
    if leading:
        try:
            leadership.resign()
        except redis.RedisError:
            _log.warning("clock_could_not_resign")
