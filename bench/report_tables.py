"""The Markdown tables of a bench over several runs, from the common shape alone."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial

from bench.failure import BenchFailed
from bench.measures import OURS, PARTS, Goal, Measured, Work, shown

_NAMES = {"web": "web", "workers": "workers", "postgresql": "PostgreSQL", "valkey": "Valkey", "generator": "generator"}


def lines_of(runs: Sequence[Measured]) -> list[str]:
    """The tables of one bench; raises ``BenchFailed`` where the runs have not measured the same."""
    shapes = [
        (
            [(one.name, one.unit) for one in run.work],
            [goal.words for goal in run.goals],
            [(figure.words, figure.unit) for figure in run.figures],
        )
        for run in runs
    ]
    if any(shape != shapes[0] for shape in shapes):
        raise BenchFailed("the runs have not measured the same things")
    tables = [_works(runs), _goals(runs), _memory(runs)]
    lines: list[str] = []
    for table in tables:
        if table:
            lines += ["", *table] if lines else table
    return lines


def spread(values: Sequence[float], unit: str = "") -> str:
    """Median, least and most."""
    middle, least, most = (shown(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} {unit}".rstrip() + f" ({least} to {most})"


def _works(runs: Sequence[Measured]) -> list[str]:
    works = list(zip(*(run.work for run in runs), strict=True))
    if not works:
        return []

    def row(title: str, value: Callable[[Work], float]) -> str:
        return _row(title, *(spread([value(one) for one in each]) for each in works))

    parts = [part for part in PARTS if any(part in one.cpu_us for each in works for one in each)]
    return [
        _row("", *(each[0].name for each in works)),
        _rule(len(works)),
        _row("unit", *(each[0].unit for each in works)),
        _row("measured in each run", *(shown_count([one.units for one in each]) for each in works)),
        row("units a second", lambda one: one.per_second),
        row("the floor's a second", lambda one: one.floor_per_second),
        row("to the floor", lambda one: one.ratio),
        *(row(f"CPU of a unit, us: {_NAMES[part]}", partial(_cpu_of, part)) for part in parts),
        row("the service's parts together", lambda one: one.cost_us),
        row("the floor's", lambda one: one.floor_cpu_us),
    ]


def _cpu_of(part: str, work: Work) -> float:
    return work.cpu_us.get(part, 0.0)


def shown_count(counts: Sequence[int]) -> str:
    """How many, of runs that have done about as many."""
    return f"{counts[0]:,}" if len(set(counts)) == 1 else f"{min(counts):,} to {max(counts):,}"


def _goals(runs: Sequence[Measured]) -> list[str]:
    if not (runs[0].goals or runs[0].figures):
        return []
    lines = [_row("", "wanted", "measured", "reached"), "| --- | --- | ---: | --- |"]
    for goals in zip(*(run.goals for run in runs), strict=True):
        reached = sum(goal.reached for goal in goals)
        values = [goal.value for goal in goals]
        lines.append(_row(goals[0].words, _wanted(goals), spread(values, goals[0].unit), f"{reached} of {len(goals)}"))
    for figures in zip(*(run.figures for run in runs), strict=True):
        values = [figure.value for figure in figures]
        lines.append(_row(figures[0].words, "", spread(values, figures[0].unit), ""))
    return lines


def _wanted(goals: Sequence[Goal]) -> str:
    return " or ".join(dict.fromkeys(goal.wanted for goal in goals))


def _memory(runs: Sequence[Measured]) -> list[str]:
    peaks = [
        f"{_NAMES[part]} {spread([run.peak_mib[part] for run in runs])}"
        for part in OURS
        if all(part in run.peak_mib for run in runs)
    ]
    return [f"The most memory that one process has ever had, MiB: {'; '.join(peaks)}."] if peaks else []


def _row(*cells: str) -> str:
    return "|" + "|".join(f" {cell.replace('|', '/')} " if cell else " " for cell in cells) + "|"


def _rule(columns: int) -> str:
    return "| --- |" + " ---: |" * columns
