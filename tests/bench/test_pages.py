"""The bench ``pages``: the crowd that it makes up, and its goals. The whole of it runs with ``make bench``."""

from __future__ import annotations

from pathlib import Path

import psycopg

from bench.crowd import Crowd, gather
from bench.entries.pages import measured
from bench.pages import Page, PagesResult, WantedPages, Watched
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


def result(*, p95: float = 20.0, age: float = 5.0, watched: float = 30.0) -> PagesResult:
    page = Page("/admin/progress/", 200, 1000, 10.0, p95)
    alone, with_watchers = Watched(1000, 5.0, 30.0), Watched(1000, 5.0, watched)
    return PagesResult(WantedPages(), {}, {}, (page,), {"progress": (100, age)}, alone, with_watchers, {}, ())


def test_goals_are_reached_or_not() -> None:
    assert [goal.reached for goal in measured(result()).goals] == [True] * 3
    assert [goal.reached for goal in measured(result(p95=301, age=11, watched=38)).goals] == [False] * 3
