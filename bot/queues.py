"""RQ's queues: one for each lane of messages, for receipts, the clock's sweeps and the office. Jobs carry ids at most."""

from __future__ import annotations

import enum

import redis
from rq import Queue

from bot.messaging.outbox import Lane

#: Seconds after which RQ ends a job that hangs: well above a drain's 20 s.
JOB_TIMEOUT = 120
#: The same for the office's work: a roster of a million takes some minutes.
OFFICE_TIMEOUT = 3600
#: Seconds that a job's result and failure are kept: they tell us nothing, the rows do.
_KEEP = 60


class Work(enum.StrEnum):
    """What a worker serves: one queue each, so that a killed worker's job is not lost between two."""

    REPLY = "reply"
    REMINDER = "reminder"
    BLAST = "blast"
    RECEIPTS = "receipts"
    SWEEP = "sweep"
    OFFICE = "office"


def enqueue_drain(client: redis.Redis, lane: Lane) -> None:
    """Tell the lane's workers to look at the outbox."""
    Queue(lane.value, connection=client).enqueue(
        "bot.jobs.drain", lane.value, job_timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=_KEEP
    )


def call_colleague(client: redis.Redis, lane: Lane) -> None:
    """Tell one more of the lane's workers to look, unless a job waits for one already.

    Each that finds something to do calls the next, until all are at it.
    """
    if Queue(lane.value, connection=client).count == 0:
        enqueue_drain(client, lane)


def enqueue_receipts(client: redis.Redis) -> None:
    """Tell the receipts' workers to look at their stream."""
    Queue(Work.RECEIPTS.value, connection=client).enqueue(
        "bot.jobs.take_receipts", job_timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=_KEEP
    )


def enqueue_about(client: redis.Redis, job: str, *ids: int) -> None:
    """Have a job of ``bot.jobs`` done by who sweeps, e.g. one that counts a campaign."""
    Queue(Work.SWEEP.value, connection=client).enqueue(
        f"bot.jobs.{job}",
        *ids,
        job_timeout=JOB_TIMEOUT,
        result_ttl=0,
        failure_ttl=_KEEP,
        ttl=_KEEP,  # the page asks again: where nobody takes jobs up, they do not pile up
    )


def enqueue_office(client: redis.Redis) -> None:
    """Tell the office's worker to look what waits: uploads, people of cancelled sessions."""
    Queue(Work.OFFICE.value, connection=client).enqueue(
        "bot.office.attend", job_timeout=OFFICE_TIMEOUT, result_ttl=0, failure_ttl=_KEEP
    )


def enqueue_report(client: redis.Redis, campaign: int) -> None:
    """Have the report of a blast made by the office's worker: half a million messages would hold up the sweep."""
    Queue(Work.OFFICE.value, connection=client).enqueue(
        "bot.jobs.make_report", campaign, job_timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=_KEEP
    )
