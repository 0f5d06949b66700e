"""A drain waits for what is due soon: a reply that a gateway refused for the moment does not wait for the next sweep."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue

from bot import jobs
from bot.clock import set_file_clock
from bot.db.database import Database
from bot.messaging.outbox import Draft, Lane, write
from bot.messaging.wake import token
from tests.jobs_here import jobs_in_this_process
from tests.journeys.conftest import MovableClock, clock, environ
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.behaviour import Behaviour
from tests.wired import PostgresByWire
from tests.world import MORNING

__all__ = ["MovableClock", "clock", "environ"]


@pytest.fixture
def stub() -> Iterator[AfricasTalkingStub]:
    with AfricasTalkingStub() as running:
        yield running


@pytest.fixture
def database(environ: dict[str, str], database_url: str, stub: AfricasTalkingStub) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    with jobs_in_this_process({**environ, "AT_API_URL": stub.url}):
        yield made
    made.close()


def reply(database: Database) -> None:
    draft = Draft("test:1", "reply", Lane.REPLY, "africastalking", "+6281200000001", "id", "halo")
    with database.transaction() as connection:
        write(connection, draft, MORNING)


def test_a_reply_that_was_refused_for_now_leaves_within_the_same_drain(
    database: Database, stub: AfricasTalkingStub, environ: dict[str, str]
) -> None:
    set_file_clock(Path(environ["CLOCK_FILE"]), MORNING, 20.0)
    reply(database)
    stub.behaves(Behaviour.THROTTLED, times=1)
    assert jobs.drain("reply") == 1
    assert [taken.body for taken in stub.taken] == ["halo"]
    assert database.value("SELECT number FROM attempt WHERE state = 'settled' ORDER BY id DESC LIMIT 1") == 2


def test_what_is_due_much_later_is_not_waited_for(database: Database, stub: AfricasTalkingStub) -> None:
    reply(database)
    database.rows("UPDATE attempt SET due_at = due_at + interval '1 minute'")
    assert jobs.drain("reply") == 0
    assert stub.taken == []


def test_a_sweep_wakes_the_lane_of_what_is_due_before_the_next_one(database: Database, environ: dict[str, str]) -> None:
    queue = Queue(Lane.REPLY.value, connection=jobs.services().queue)
    queue.empty()
    jobs.services().queue.delete(token(Lane.REPLY.value))
    reply(database)
    database.rows("UPDATE attempt SET due_at = due_at + interval '1 minute'")
    jobs.sweep()
    assert queue.count == 0
    database.rows("UPDATE attempt SET due_at = due_at - interval '55 seconds'")
    jobs.sweep()
    assert queue.count == 1


def test_a_drain_goes_on_when_postgresql_is_back_in_a_moment(
    database: Database, stub: AfricasTalkingStub, environ: dict[str, str], database_url: str
) -> None:
    """Its connections are cut off in the first second and a half, and the reply leaves all the same, by the same drain."""
    reply(database)
    with (
        PostgresByWire(database_url) as wired,
        jobs_in_this_process({**environ, "AT_API_URL": stub.url, "DATABASE_URL": wired.url}),
    ):
        assert jobs.services().database.value("SELECT 1") == 1
        wired.cut()
        threading.Timer(1.5, wired.mend).start()
        began = time.monotonic()
        assert jobs.drain("reply") == 1
        assert time.monotonic() - began > 1.0  # it was away
    assert [taken.body for taken in stub.taken] == ["halo"]
