"""``python -m bench pages``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench, Growth
from bench.cpu import FLOOR, VALKEY
from bench.measures import Figure, Goal, Measured, Work, by_part, peaks_by_part
from bench.pages import WATCHERS, PagesResult, WantedPages, measure
from bench.pages_printing import show_pages

_DEFAULT = WantedPages()
#: What is to be reached: milliseconds of a page at p95, seconds of a figure's age, a hop's p99 over that without watchers.
MOST_PAGE_MS, MOST_AGE_S, MOST_SLOWDOWN = 300.0, 10.0, 1.25
#: The kinds of figures that are made by themselves, and are never to be old.
_LIVE = ("progress", "follow-up")


def measured(result: PagesResult) -> Measured:
    """What came of it, in the common shape."""
    oldest = max((age for kind, (_, age) in result.figures.items() if kind in _LIVE), default=float("inf"))
    figures = sorted((kind, took) for kind, (took, _) in result.figures.items() if kind in _LIVE)
    return Measured(
        work=(
            Work(
                name="pages",
                unit="page",
                units=result.opened.pages,
                per_second=result.opened.per_second,
                floor_per_second=result.floor.per_second,
                ratio=result.opened.per_second / max(result.floor.per_second, 1e-9),
                cpu_us={part: taken / result.opened.pages * 1e6 for part, taken in by_part(result.opened.cpu).items()},
                floor_cpu_us=(result.floor.cpu[FLOOR] + result.floor.cpu[VALKEY]) / result.floor.pages * 1e6,
            ),
        ),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=(
            Goal("the slowest page at p95", max(page.p95_ms for page in result.pages), most=MOST_PAGE_MS, unit="ms"),
            Goal("the age of figures at the end", oldest, most=MOST_AGE_S, unit="s"),
            Goal(
                f"p99 of a hop with {WATCHERS} people watching to that without",
                result.watched.p99_ms / max(result.alone.p99_ms, 1e-9),
                most=MOST_SLOWDOWN,
            ),
        ),
        figures=(
            Figure("a hop's p50, alone", result.alone.p50_ms, "ms"),
            Figure("a hop's p99, alone", result.alone.p99_ms, "ms"),
            Figure(f"a hop's p99 with {WATCHERS} people watching", result.watched.p99_ms, "ms"),
            *(Figure(f"making the figures of {kind}", float(took), "ms") for kind, took in figures),
        ),
        wrong=result.wrong,
    )


def _stored(result: PagesResult) -> dict[str, Any]:
    return asdict(result)


BENCH = Bench(
    name="pages",
    about="The command room's pages over a country's worth of rows, and what subscribers notice of people who watch.",
    options=(
        click.Option(["--workers"], type=click.IntRange(10_000), default=_DEFAULT.workers, show_default=True),
        click.Option(["--registered"], type=click.IntRange(100), default=_DEFAULT.registered, show_default=True),
        click.Option(["--messages"], type=click.IntRange(1000), default=_DEFAULT.messages, show_default=True),
        click.Option(["--times"], type=click.IntRange(1), default=_DEFAULT.times, show_default=True, help="Each page."),
    ),
    wanted=WantedPages,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_pages,
    # A country of each size that has come as far, and pages opened often enough to be a steady figure.
    growth=Growth(
        "workers on the roster",
        (14_000, 140_000, 1_400_000),
        lambda size: WantedPages(size, size * 5 // 14, size * 15 // 7, times=10, calling=2.0),
    ),
)
