"""``python -m bench hops``."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench import hops
from bench.bench import Bench, Growth, Say
from bench.cpu import FLOOR
from bench.figures import Round, as_json
from bench.hops import Result, Wanted
from bench.measures import GENERATOR, Figure, Goal, Measured, Work, by_part, peaks_by_part
from bench.printing import show
from bench.profiling import find_py_spy

_DEFAULT = Wanted()
#: What is to be reached: hops a second over the floor's, and p99 of a hop with 32 subscribers, in milliseconds.
LEAST_RATIO, LEAST_WITHOUT_SQL, MOST_P99_MS = 0.6, 0.8, 150.0
#: And CPU of web, PostgreSQL and Valkey for a registration, over that of its five floor hops.
MOST_TO_FLOOR = 1.7


def _measure(wanted: Wanted, folder: Path, say: Say) -> Result:
    if wanted.profile:
        find_py_spy()
    return hops.measure(wanted, folder, say)


def measured(result: Result) -> Measured:
    """What came of it, in the common shape."""
    found = result.summary
    ratio, p99 = (found.quiet_ratio or found.ratio).median, (found.quiet_p99_ms or found.p99_ms).median
    without_sql = (found.quiet_without_sql_ratio or found.without_sql_ratio).median
    return Measured(
        work=(
            _work("registrations", result.floors, result.hops, ratio),
            _work("hops without SQL", result.without_sql_floors, result.without_sql, without_sql),
        ),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=(
            Goal("whole registrations: hops/s to the floor's", ratio, least=LEAST_RATIO),
            Goal("hops without SQL: hops/s to the floor's", without_sql, least=LEAST_WITHOUT_SQL),
            Goal(
                "CPU of a registration (web, PostgreSQL, Valkey) to that of its five floor hops",
                found.registration_to_floor.median,
                most=MOST_TO_FLOOR,
            ),
            Goal("p99 of a hop", p99, most=MOST_P99_MS, unit="ms"),
        ),
        figures=(
            Figure("p50 of a hop", found.p50_ms.median, "ms"),
            Figure("registrations/s", found.walks_per_second.median),
            Figure("CPU of a registration: web", found.registration_web_ms.median, "ms"),
            Figure("CPU of a registration: with PostgreSQL and Valkey", found.registration_answering_ms.median, "ms"),
            Figure("CPU of a registration: with its ticket SMS sent", found.registration_whole_ms.median, "ms"),
            Figure("rounds in which other programs left the machine to both", float(found.quiet_rounds)),
        ),
        wrong=(*(f"{count} times: {words}" for words, count in result.errors.items()), *result.broken),
    )


def _work(name: str, floors: Sequence[Round], hops: Sequence[Round], ratio: float) -> Work:
    each = [by_part(one.cpu_us) | {GENERATOR: one.generator_cpu / one.hops_per_second * 1e6} for one in hops]
    return Work(
        name=name,
        unit="hop",
        units=sum(one.hops for one in hops),
        per_second=statistics.median(one.hops_per_second for one in hops),
        floor_per_second=statistics.median(one.hops_per_second for one in floors),
        ratio=ratio,
        cpu_us={part: statistics.median(one[part] for one in each) for part in each[0]},
        floor_cpu_us=statistics.median(one.cpu_of(FLOOR) for one in floors),
    )


def _wanted(
    subscribers: int = _DEFAULT.subscribers,
    registrations: int = _DEFAULT.registrations,
    rounds: int = _DEFAULT.rounds,
    workers: int = _DEFAULT.workers,
    web_only: bool = False,
    profile: bool = False,
) -> Wanted:
    return Wanted(subscribers, registrations, rounds, workers, web_only, profile)


def _grown(workers: int) -> Wanted:
    return Wanted(registrations=600, rounds=4, workers=workers, multiplied=True)


def _stored(result: Result) -> dict[str, Any]:
    return {
        "versions": result.versions,
        "wanted": asdict(result.wanted),
        "world": result.world,
        "ceiling": as_json(result.ceiling),
        "floor": [as_json(one) for one in result.floors],
        "hops": [as_json(one) for one in result.hops],
        "floor_without_sql": [as_json(one) for one in result.without_sql_floors],
        "without_sql": [as_json(one) for one in result.without_sql],
        "registrations": [as_json(one) for one in result.registrations],
        "summary": as_json(result.summary),
        "errors": result.errors,
        "examples": list(result.examples),
        "broken": list(result.broken),
    }


BENCH = Bench(
    name="hops",
    about="Whole registrations through the Africa's Talking webhook, against the floor of two Redis round trips a hop.",
    options=(
        click.Option(["--subscribers"], type=click.IntRange(1, 2000), default=_DEFAULT.subscribers, show_default=True),
        click.Option(
            ["--registrations"],
            type=click.IntRange(1),
            default=_DEFAULT.registrations,
            show_default=True,
            help="A round.",
        ),
        click.Option(["--rounds"], type=click.IntRange(1, 100), default=_DEFAULT.rounds, show_default=True),
        click.Option(
            ["--workers"], type=click.IntRange(1), default=_DEFAULT.workers, show_default=True, help="On the roster."
        ),
        click.Option(["--web-only"], is_flag=True, help="Without workers and clock: nobody sends the tickets."),
        click.Option(
            ["--profile"], is_flag=True, help="One more round under py-spy; see VAR/bench/profile.txt and .svg."
        ),
    ),
    wanted=_wanted,
    measure=_measure,
    measured=measured,
    stored=_stored,
    shown=show,
    growth=Growth("workers on the roster", (10_000, 100_000, 1_000_000), _grown),
)
