"""``python -m bench receipts``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench, Growth
from bench.cpu import FLOOR, POSTGRESQL, VALKEY
from bench.measures import Figure, Measured, Work, by_part, peaks_by_part
from bench.receipts import ReceiptsResult, RoundOfReceipts, Step, WantedReceipts, measure
from bench.receipts_printing import show_receipts

_DEFAULT = WantedReceipts()


def wanted(
    reports: int = _DEFAULT.reports,
    rounds: int = _DEFAULT.rounds,
    lines: int = _DEFAULT.lines,
    messages: int = _DEFAULT.messages,
) -> WantedReceipts:
    """What to measure, of the options."""
    return WantedReceipts(reports, rounds, lines, messages)


def measured(result: ReceiptsResult) -> Measured:
    """What came of it, in the common shape."""
    return Measured(
        work=(
            _work("taken", result, lambda one: one.taken, lambda one: one.view, (FLOOR, VALKEY)),
            _work("applied", result, lambda one: one.applied, lambda one: one.update, (POSTGRESQL,)),
        ),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=(),
        figures=(
            Figure("taken: p50 of a report", _median([one.taken.p50_ms for one in result.rounds]), "ms"),
            Figure("taken: p99 of a report", _median([one.taken.p99_ms for one in result.rounds]), "ms"),
            Figure("taken: p99 of the floor's view", _median([one.view.p99_ms for one in result.rounds]), "ms"),
            Figure("taken and applied at the same time, reports/s", result.together.per_second),
        ),
        wrong=result.wrong,
    )


def _work(
    name: str,
    result: ReceiptsResult,
    ours: Callable[[RoundOfReceipts], Step],
    floor: Callable[[RoundOfReceipts], Step],
    floor_parts: Sequence[str],
) -> Work:
    """The floor's CPU is that of its parts, and of the loop that updates."""
    pairs = [(ours(one), floor(one)) for one in result.rounds]
    costs = [by_part(step.cpu_us) for step, _ in pairs]
    is_loop = FLOOR not in floor_parts
    return Work(
        name=name,
        unit="receipt",
        units=sum(step.reports for step, _ in pairs),
        per_second=_median([step.per_second for step, _ in pairs]),
        floor_per_second=_median([one.per_second for _, one in pairs]),
        ratio=_median([step.per_second / one.per_second for step, one in pairs]),
        cpu_us={part: _median([cost[part] for cost in costs]) for part in costs[0]},
        floor_cpu_us=_median(
            [sum(one.cpu_us[part] for part in floor_parts) + (one.caller_us if is_loop else 0.0) for _, one in pairs]
        ),
    )


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _stored(result: ReceiptsResult) -> dict[str, Any]:
    return asdict(result)


def _option(name: str, default: int, about: str | None = None) -> click.Option:
    return click.Option([f"--{name}"], type=click.IntRange(1), default=default, show_default=True, help=about)


BENCH = Bench(
    name="receipts",
    about="Delivery reports taken in and applied, against a bare view with one XADD and a plain batched UPDATE.",
    options=(
        _option("reports", _DEFAULT.reports, "A round."),
        _option("rounds", _DEFAULT.rounds),
        _option("lines", _DEFAULT.lines, "Connections of the gateway's."),
        _option("messages", _DEFAULT.messages, "That have arrived long ago."),
    ),
    wanted=wanted,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_receipts,
    # Applying a round takes 2 s, and every 5 s the service counts those who were touched: six rounds have their share of it.
    growth=Growth("messages", (20_000, 200_000, 2_000_000), lambda size: WantedReceipts(rounds=6, messages=size)),
)
