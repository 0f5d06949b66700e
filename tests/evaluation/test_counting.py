"""Figures are counted when the clock says so, by a worker of the sweep's queue."""

from __future__ import annotations

import pytest
import redis
from rq import Queue

from bot import jobs
from bot.clockwork import FIGURES_SECONDS, schedule
from bot.queues import Work
from tests.journeys.conftest import MovableClock, app, clock, environ, in_this_process, services, world
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "environ", "in_this_process", "services", "world"]


def test_the_clock_asks_for_them_often_enough_for_figures_of_ten_seconds(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        schedule(client).enqueue_jobs()
        asked = [job.func_name for job in Queue(Work.SWEEP.value, connection=client).jobs]
    assert "bot.jobs.count_figures" in asked
    assert 2 * FIGURES_SECONDS <= 10


@pytest.mark.usefixtures("in_this_process")
def test_the_job_makes_what_is_due(world: World, clock: MovableClock) -> None:
    for _ in range(2):
        assert jobs.count_figures()
        assert world.database.rows("SELECT kind, as_of FROM figure_snapshot") == [("progress", clock.now)]
        clock.passes(seconds=FIGURES_SECONDS)
