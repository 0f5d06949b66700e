"""The clock never passes what it is to run to, and gives way to those who are late."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.clock import FileClock, pace_of
from replay import timekeeper
from replay.curve import PRESS, at
from replay.timekeeper import LATE, Timekeeper, said


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Timekeeper:
    monkeypatch.setattr(timekeeper, "_LOOK", 0.0)
    return Timekeeper(tmp_path / "clock.json", 1e9)


def factor(tmp_path: Path) -> float:
    return float(json.loads((tmp_path / "clock.json").read_text())["factor"])


def test_it_runs_to_a_moment_and_stands_there(keeper: Timekeeper) -> None:
    assert keeper.now() == 0.0
    keeper.run_until(at(1))
    while keeper.now() < at(1):
        pass
    keeper.heed(lambda: 0.0)
    assert keeper.now() == at(1)


def test_it_never_goes_back(keeper: Timekeeper) -> None:
    keeper.run_until(at(1))
    keeper.stop_at(at(2))
    keeper.heed(lambda: LATE * 2)
    keeper.heed(lambda: 0.0)
    assert keeper.now() == at(2)
    keeper.run_until(at(1))
    assert keeper.now() == at(2)


def test_where_nothing_is_under_way_spans_are_as_long_as_by_the_machine(keeper: Timekeeper, tmp_path: Path) -> None:
    clock = FileClock(tmp_path / "clock.json")
    keeper.rest_at(at(1))
    assert (keeper.now(), pace_of(clock)) == (at(1), 1.0)
    keeper.run_until(at(1))
    assert pace_of(clock) == 1e9


def test_it_gives_way_to_who_is_late_and_catches_up(keeper: Timekeeper, tmp_path: Path) -> None:
    keeper.run_until(at(24), 100.0)
    keeper.heed(lambda: LATE)
    slowed = factor(tmp_path)
    assert slowed < 40.0
    keeper.heed(lambda: LATE * 10)
    assert timekeeper._LEAST < factor(tmp_path) < slowed
    keeper.heed(lambda: 0.0)
    assert slowed < factor(tmp_path) <= 100.0


def test_one_who_was_late_for_long_makes_it_run_slower_and_others_in_time_let_it_go_on_by_little(
    keeper: Timekeeper, tmp_path: Path
) -> None:
    keeper.run_until(at(24), 100.0)
    for _ in range(50):
        keeper.heed(lambda: LATE)
    keeper.heed(lambda: LATE * timekeeper._AIM)
    borne = factor(tmp_path)
    assert 50.0 < borne < 80.0
    keeper.heed(lambda: LATE * timekeeper._AIM)
    assert factor(tmp_path) == pytest.approx(borne)
    keeper.heed(lambda: 0.0)
    keeper.heed(lambda: LATE * timekeeper._AIM)
    assert borne < factor(tmp_path) < borne * 1.01


@pytest.mark.parametrize("bears", [40.0, 60.0, 100.0])
def test_it_finds_how_fast_it_may_run_and_stays_there(
    bears: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper, "_LOOK", 0.0)
    keeper = Timekeeper(tmp_path / "clock.json", 150.0)
    keeper.run_until(at(24))
    behind, ran = [0.0], []
    for _ in range(800):
        # Whoever runs faster than is borne has as much more to do, in a tenth of a second between two looks.
        behind.append(max(0.0, behind[-1] + 0.1 * (factor(tmp_path) - bears)))
        keeper.heed(lambda: behind[-1])
        ran.append(factor(tmp_path))
    assert ran[-200:] == pytest.approx([bears] * 200, rel=0.02)


def test_spans_are_as_long_as_it_ran_fast_of_late(keeper: Timekeeper, tmp_path: Path) -> None:
    clock = FileClock(tmp_path / "clock.json")
    keeper.run_until(at(24), 100.0)
    for _ in range(timekeeper._REMEMBERED - 1):
        keeper.heed(lambda: LATE / 2)
    assert pace_of(clock) == 1e9
    keeper.heed(lambda: LATE * 2)
    assert pace_of(clock) == 100.0
    for _ in range(2 * timekeeper._REMEMBERED):
        keeper.heed(lambda: LATE * 2)
    assert factor(tmp_path) < pace_of(clock) == timekeeper._LEAST_PACE


def test_while_it_stands_spans_become_short_and_nothing_is_learnt(keeper: Timekeeper, tmp_path: Path) -> None:
    clock = FileClock(tmp_path / "clock.json")
    keeper.run_until(at(24), 100.0)
    keeper.heed(lambda: LATE / 2)
    ran = factor(tmp_path)
    keeper.stop_at(at(1))
    for _ in range(2 * timekeeper._REMEMBERED):
        keeper.heed(lambda: 0.0)
    assert pace_of(clock) == timekeeper._LEAST_PACE
    keeper.run_until(at(24), 100.0)
    assert factor(tmp_path) == ran


def test_between_two_looks_nobody_is_asked_how_late_they_are(
    keeper: Timekeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def late() -> float:
        asked.append(keeper.now())
        return 0.0

    keeper.run_until(at(24), 1.0)
    keeper.heed(late)
    monkeypatch.setattr(timekeeper, "_LOOK", 3600.0)
    keeper.heed(late)
    assert len(asked) == 1


def test_moments_are_said_as_people_say_them() -> None:
    assert said(PRESS) == "18.30"
    assert said(at(24)) == "24.00"
