"""How costs grow: sizes laid beside each other, and one goal a work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.bench import Bench, Growth
from bench.entries.growth import growth_of
from bench.failure import BenchFailed
from bench.growth import WantedGrowth, measure
from bench.measures import Measured, Work


def a_bench(
    name: str, costs: dict[int, dict[str, float]], *, grows: bool = True, wrong: str = ""
) -> Bench[int, Measured]:
    """A bench that wants a size, and whose works cost what ``costs`` says of it, in microseconds."""

    def measured(size: int, _folder: Path, _say: object) -> Measured:
        works = tuple(
            Work(work, "row", 10, 1.0, 2.0, 0.5, {"web": cost / 2, "postgresql": cost / 2, "generator": 99.0}, 1.0)
            for work, cost in costs[size].items()
        )
        return Measured(works, {"web": float(size)}, (), wrong=(wrong,) if wrong else ())

    return Bench(
        name=name,
        about="",
        options=(),
        wanted=lambda: 0,
        measure=measured,
        measured=lambda found: found,
        stored=lambda _found: {},
        shown=lambda *_: None,
        growth=Growth("rows", (1, 10, 100), lambda size: size) if grows else None,
    )


def nothing_said(_line: str) -> None:
    """Nobody waits."""


def test_each_work_has_a_goal_of_its_own(tmp_path: Path) -> None:
    flat = a_bench("flat", {1: {"a": 100.0, "b": 300.0}, 10: {"a": 110.0, "b": 80.0}, 100: {"a": 125.0, "b": 101.0}})
    growth = growth_of([flat, a_bench("no sizes", {}, grows=False)])
    result = growth.measure(growth.wanted(), tmp_path, nothing_said)
    assert [(one.work, one.cost_us, one.growth) for one in result.grown] == [
        ("a", (100.0, 110.0, 125.0), 1.25),
        # What costs the same however much is done hides nothing.
        ("b", (300.0, 80.0, 101.0), 101 / 80),
    ]
    measured = growth.measured(result)
    assert [goal.reached for goal in measured.goals] == [True, False]
    assert [figure.value for figure in measured.figures] == [100.0, 110.0, 125.0, 300.0, 80.0, 101.0]
    assert measured.peak_mib == {"web": 100.0}
    assert measured.right


def test_only_those_that_are_asked_for(tmp_path: Path) -> None:
    costs = {size: {"a": 1.0} for size in (1, 10, 100)}
    benches = [a_bench("one", costs), a_bench("two", costs)]
    assert {one.bench for one in measure(benches, WantedGrowth(("two",)), tmp_path, nothing_said).grown} == {"two"}


def test_what_was_wrong_at_a_size_is_wrong(tmp_path: Path) -> None:
    wrong = a_bench("bad", {size: {"a": 1.0} for size in (1, 10, 100)}, wrong="a ticket too many")
    result = measure([wrong], WantedGrowth(), tmp_path, nothing_said)
    assert result.wrong[2] == "bad with 100 rows: a ticket too many"


def test_other_work_at_other_sizes_is_no_growth(tmp_path: Path) -> None:
    odd = a_bench("odd", {1: {"a": 1.0}, 10: {"a": 1.0}, 100: {"b": 1.0}})
    with pytest.raises(BenchFailed, match="other work"):
        measure([odd], WantedGrowth(), tmp_path, nothing_said)


def test_a_machine_that_becomes_slower_meanwhile_is_no_growth(tmp_path: Path) -> None:
    costs = {size: {"a": 0.0} for size in (1, 10, 100)}
    order: list[int] = []
    bench = a_bench("slower", costs)

    def measured(size: int, folder: Path, say: object) -> Measured:
        order.append(size)
        costs[size]["a"] = 100.0 + 10.0 * len(order)
        return bench.measure(size, folder, nothing_said)

    [grown] = measure([replace(bench, measure=measured)], WantedGrowth(), tmp_path, nothing_said).grown
    assert order == [1, 10, 100, 10, 1]
    assert grown.cost_us == (130.0, 130.0, 130.0)
