"""Waking the workers from a thread: once in a while, never in vain, and to the last."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from bot.messaging.wake import Waker, token
from tests.embedded.waiting import eventually

WORK = "reply"


class Jobs:
    """Counts what is enqueued; a worker that begins clears the token."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.enqueued = 0

    def enqueue(self) -> None:
        self.enqueued += 1

    def worker_begins(self) -> None:
        self.client.delete(token(WORK))


@pytest.fixture
def jobs(redis_url: str) -> Iterator[Jobs]:
    with redis.Redis.from_url(redis_url) as client:
        yield Jobs(client)


def test_while_a_job_is_on_its_way_there_is_no_other(jobs: Jobs) -> None:
    first, second = (Waker(jobs.client, jobs.enqueue, WORK) for _ in range(2))
    for waker in (first, second, first):
        waker.wake()
    for waker in (first, second):
        waker.close()
    assert jobs.enqueued == 1


def test_what_is_wanted_during_the_pause_is_enqueued_even_if_the_process_ends(jobs: Jobs) -> None:
    waker = Waker(jobs.client, jobs.enqueue, WORK)
    waker.wake()
    eventually(lambda: jobs.enqueued == 1)
    jobs.worker_begins()
    waker.wake()
    started = time.monotonic()
    waker.close()
    assert jobs.enqueued == 2
    assert time.monotonic() - started < 0.4  # nobody waits for the rest of the pause


def test_for_whom_somebody_waits_the_pause_is_cut_short(jobs: Jobs) -> None:
    waker = Waker(jobs.client, jobs.enqueue, WORK)
    waker.wake()
    eventually(lambda: jobs.enqueued == 1)
    jobs.worker_begins()
    waker.wake(at_once=True)
    started = time.monotonic()
    eventually(lambda: jobs.enqueued == 2)
    assert time.monotonic() - started < 0.4
    waker.close()


def test_one_that_was_never_asked_enqueues_nothing(jobs: Jobs) -> None:
    Waker(jobs.client, jobs.enqueue, WORK).close()
    assert jobs.enqueued == 0


def test_while_redis_is_away_it_is_tried_again(jobs: Jobs) -> None:
    """A fail-over takes seconds, and the sweep that would make it good comes up to ten later."""
    tries = []

    def enqueue() -> None:
        tries.append(1)
        jobs.client.delete(token(WORK))
        if len(tries) < 3:
            raise redis.ConnectionError

    waker = Waker(jobs.client, enqueue, WORK)
    waker.wake()
    eventually(lambda: len(tries) == 3)
    waker.close()
    assert len(tries) <= 4
