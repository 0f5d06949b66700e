"""``python -m bench rush``."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench
from bench.measures import GENERATOR, Figure, Goal, Measured, Work, by_part, peaks_by_part
from bench.rush import AFTERWARDS, BEFORE, BEGINS, RECOVERS, RUSH, TIMES, RushResult, WantedRush, measure
from bench.rush_printing import show_rush

_DEFAULT = WantedRush()
#: What is to be reached: the rate in the rush against the best, and how many times as long a hop may take afterwards at p99,
#: or by how many milliseconds more.
LEAST_SHARE, MOST_AFTER, AFTER_MS = 0.85, 1.5, 50.0


def measured(result: RushResult) -> Measured:
    """What came of it, in the common shape."""
    before, rush, after = (result.span(name) for name in (BEFORE, RUSH, AFTERWARDS))
    longest = max(rush.answered_longest_ms, rush.shed_longest_ms)
    # As before: half as long again, or by so many milliseconds longer.
    bound = max(MOST_AFTER * before.answered_p99_ms, before.answered_p99_ms + AFTER_MS)
    floor = statistics.median(result.floors)
    later = f"{RECOVERS:.0f} s after the rush"
    return Measured(
        work=(
            Work(
                name="answered in the rush",
                unit="hop",
                units=round(rush.answered_per_second * (result.wanted.seconds - BEGINS)),
                per_second=rush.answered_per_second,
                floor_per_second=floor,
                ratio=rush.answered_per_second / max(floor, 1e-9),
                cpu_us=by_part(rush.cpu_us)
                | {GENERATOR: rush.generator_cpu / max(rush.answered_per_second, 1e-9) * 1e6},
                floor_cpu_us=result.floor_cpu_us,
            ),
        ),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=(
            Goal(
                f"answered of the best rate, with {TIMES:.0f} times as many coming",
                rush.answered_per_second / max(result.best, 1e-9),
                least=LEAST_SHARE,
            ),
            Goal("p99 of an answered hop in the rush", rush.answered_p99_ms, most=result.deadline_ms, unit="ms"),
            Goal("the slowest answer of all in the rush", longest, most=result.deadline_ms, unit="ms"),
            Goal("calls in the rush without a valid answer", sum(rush.errors.values()), most=0),
            Goal(f"turned away a second, {later}", after.shed_per_second, most=0),
            Goal(
                f"p99 of a hop, {later}, to the most that it may be",
                after.answered_p99_ms / bound,
                most=1,
            ),
        ),
        figures=(
            Figure("the best rate, hops/s", result.best),
            Figure("hops/s that came in the rush", rush.asked_per_second),
            Figure("turned away a second in the rush", rush.shed_per_second),
        ),
        wrong=(
            *(f"{span.name}, {many} times: {words}" for span in result.spans for words, many in span.errors.items()),
            *result.broken,
        ),
    )


def wanted(seconds: int = int(_DEFAULT.seconds)) -> WantedRush:
    """What to measure, of the options."""
    return WantedRush(seconds=float(seconds))


def _stored(result: RushResult) -> dict[str, Any]:
    return asdict(result)


BENCH = Bench(
    name="rush",
    about="Twice as many subscribers as can be answered, and then as many as before.",
    options=(click.Option(["--seconds"], type=click.IntRange(5), default=int(_DEFAULT.seconds), show_default=True),),
    wanted=wanted,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_rush,
)
