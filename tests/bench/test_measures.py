"""The common shape of results."""

from __future__ import annotations

import json

import pytest

from bench.measures import Figure, Goal, Measured, Work, by_part, peaks_by_part, shown

WORK = Work(
    name="registrations",
    unit="hop",
    units=5000,
    per_second=900.0,
    floor_per_second=1500.0,
    ratio=0.6,
    cpu_us={"web": 400.0, "workers": 60.0, "postgresql": 200.0, "valkey": 40.0, "generator": 999.0},
    floor_cpu_us=350.0,
)


def test_what_the_world_outside_takes_is_no_cost_of_ours() -> None:
    assert WORK.cost_us == 700.0


def test_it_is_the_same_after_its_way_through_json() -> None:
    measured = Measured(
        (WORK,), {"web": 90.0}, (Goal("p99", 20.0, most=150.0, unit="ms"),), (Figure("p50", 3.0),), ("x",)
    )
    stored = json.loads(json.dumps(measured.as_json()))
    assert Measured.of(stored) == measured
    assert (stored["right"], stored["goals"][0]["reached"], stored["work"][0]["cost_us"]) == (False, True, 700.0)


@pytest.mark.parametrize(
    ("goal", "line"),
    [
        (Goal("ratio", 0.6, least=0.6), "reached: ratio: 0.600, wanted at least 0.6"),
        (Goal("p99", 150.4, most=150.0, unit="ms"), "NOT REACHED: p99: 150 ms, wanted at most 150 ms"),
        (Goal("p99", float("nan"), most=150.0, unit="ms"), "NOT REACHED: p99: none ms, wanted at most 150 ms"),
    ],
)
def test_a_goal_tells_all_of_it_in_a_line(goal: Goal, line: str) -> None:
    assert goal.line == line


def test_meters_are_put_together_by_part() -> None:
    metered = {"web": 1.0, "floor": 50.0, "blast": 2.0, "senders": 3.0, "stub": 4.0}
    assert by_part(metered) == {"web": 1.0, "workers": 5.0, "generator": 4.0}
    assert peaks_by_part(metered) == {"web": 1.0, "workers": 3.0, "generator": 4.0}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.4567, "0.457"),
        (0.00891, "0.00891"),
        (0.01, "0.0100"),
        (1e-9, "0.000000"),
        (1.5, "1.50"),
        (12.34, "12.3"),
        (512.4, "512"),
        (123456.7, "123,457"),
        (-3.0, "-3.00"),
    ],
)
def test_figures_have_the_digits_that_count(value: float, text: str) -> None:
    assert shown(value) == text
