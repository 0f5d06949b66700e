"""The bench ``pages``: the crowd that it makes up, and its goals. The whole of it runs with ``make bench``."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from bench.crowd import Crowd, gather
from bench.entries.pages import measured
from bench.pages import Opened, Page, PagesResult, WantedPages, Watched
from bench.people import broken_invariants, describe_world
from tests.world import DATA_KEY


def test_the_crowd_breaks_no_invariant_and_is_as_large_as_wanted(database_url: str, tmp_path: Path) -> None:
    said: list[str] = []
    gather({"DATABASE_URL": database_url, "DATA_KEY": DATA_KEY}, Crowd(6000, 2000, 9000), said.append)
    world = describe_world(database_url)
    assert (world["worker"], world["booking"], world["message"]) == (6000, 2000, 9000)
    assert broken_invariants(database_url) == []
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM receipt").fetchone()
        states = connection.execute("SELECT DISTINCT state FROM message ORDER BY 1").fetchall()
    assert row is not None
    assert 0 < row[0] < 9000
    assert [state for (state,) in states] == ["accepted", "delivered", "rejected"]
    assert said


OPENED = Opened(
    600, 6.0, {"web": 3.0, "floor": 0.1, "postgresql": 1.2, "valkey": 0.3, "senders": 0.3, "generator": 0.6}
)
FLOOR = Opened(
    600, 1.5, {"web": 0.0, "floor": 0.3, "postgresql": 0.1, "valkey": 0.06, "senders": 0.3, "generator": 0.6}
)


def result(*, p95: float = 20.0, age: float = 5.0, watched: float = 30.0) -> PagesResult:
    page = Page("/admin/progress/", 200, 1000, 10.0, p95)
    alone, with_watchers = Watched(1000, 5.0, 30.0, ()), Watched(1000, 5.0, watched, ())
    return PagesResult(
        WantedPages(), {}, {}, (page,), OPENED, FLOOR, {"progress": (100, age)}, alone, with_watchers, {}, ()
    )


def test_goals_are_reached_or_not() -> None:
    found = measured(result())
    [work] = found.work
    assert (work.per_second, work.floor_per_second, work.ratio) == (100, 400, 0.25)
    assert work.cost_us == pytest.approx(8000)
    assert work.floor_cpu_us == pytest.approx(600)
    assert [goal.reached for goal in found.goals] == [True] * 3
    assert [goal.reached for goal in measured(result(p95=301, age=11, watched=38)).goals] == [False] * 3
