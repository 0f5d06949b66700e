"""``python -m bench growth``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.bench import Bench
from bench.growth import Grown, GrowthResult, WantedGrowth, measure
from bench.measures import Figure, Goal, Measured, shown

NAME = "growth"
#: What a unit may cost at x100 of what it costs at the cheaper of x1 and x10.
MOST_GROWTH = 1.25


def growth_of(benches: Sequence[Bench[Any, Any]]) -> Bench[WantedGrowth, GrowthResult]:
    """The bench that looks at how those of ``benches`` grow that say how."""
    names = [bench.name for bench in benches if bench.growth is not None]
    return Bench(
        name=NAME,
        about="What a unit costs at three sizes of the roster or of messages: x1, x10 and x100.",
        options=(
            click.Option(["--only"], type=click.Choice(names), multiple=True, help="Of these benches; else of all."),
        ),
        wanted=_wanted,
        measure=partial(measure, benches),
        measured=measured,
        stored=_stored,
        shown=_show,
    )


def _wanted(only: Sequence[str] = ()) -> WantedGrowth:
    return WantedGrowth(tuple(only))


def measured(result: GrowthResult) -> Measured:
    """What came of it, in the common shape: no works, for those are the benches'."""
    return Measured(
        work=(),
        peak_mib=result.peak_mib,
        goals=tuple(
            Goal(
                f"{one.bench}, {one.work}: a {one.unit} at x100 {one.of} to one at x1 or x10",
                one.growth,
                most=MOST_GROWTH,
            )
            for one in result.grown
        ),
        figures=tuple(
            Figure(f"{one.bench}, {one.work}: CPU of a {one.unit} at {size:,} {one.of}", cost, "us")
            for one in result.grown
            for size, cost in zip(one.sizes, one.cost_us, strict=True)
        ),
        wrong=result.wrong,
    )


def _stored(result: GrowthResult) -> dict[str, Any]:
    return {"grown": [asdict(one) | {"growth": one.growth} for one in result.grown]}


def _show(result: GrowthResult, machine: dict[str, object], commit: str, console: Console) -> None:
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"growth at {commit or 'no commit'}: {about}")
    table = Table(
        title="CPU of a unit, microseconds, the service's parts together",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in ("", "unit", "of", "x1", "x10", "x100", "growth"):
        table.add_column(heading, justify="left" if heading in ("", "unit", "of") else "right", no_wrap=True)
    for one in result.grown:
        table.add_row(*_row(one))
    console.print(table)


def _row(one: Grown) -> tuple[str, ...]:
    sizes = f"{one.sizes[0]:,} to {one.sizes[-1]:,} {one.of}"
    return (f"{one.bench}, {one.work}", one.unit, sizes, *map(shown, one.cost_us), shown(one.growth))
