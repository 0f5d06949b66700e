"""``python -m bench bookings``."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench, Growth
from bench.bookings import CONTESTED, SPREAD, BookingPair, BookingsResult, WantedBookings, measure
from bench.bookings_printing import show_bookings
from bench.measures import Figure, Measured, Work, by_part, peaks_by_part

_DEFAULT = WantedBookings()


def wanted(
    clerks: int = _DEFAULT.clerks,
    people: int = _DEFAULT.people,
    rounds: int = _DEFAULT.rounds,
    workers: int = _DEFAULT.workers,
) -> WantedBookings:
    """What to measure, of the options."""
    if people < 10 * clerks:
        raise click.UsageError("--people: at least ten for each process.")
    return WantedBookings(clerks, people, rounds, workers)


def measured(result: BookingsResult) -> Measured:
    """What came of it, in the common shape. Who books does the work of a web process."""
    both = ((SPREAD, result.spread), (CONTESTED, result.contested))
    return Measured(
        work=tuple(_work(name, pairs) for name, pairs in both),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=(),
        figures=(
            *(
                Figure(f"{name}: {words} of a confirmation", statistics.median(values), "ms")
                for name, pairs in both
                for words, values in (
                    ("p50", [pair.service.p50_ms for pair in pairs]),
                    ("p99", [pair.service.p99_ms for pair in pairs]),
                    ("the longest", [pair.service.longest_ms for pair in pairs]),
                )
            ),
            Figure(
                "asked again, since PostgreSQL did not answer in a hop's time",
                sum(pair.service.away for _, pairs in both for pair in pairs),
            ),
        ),
        wrong=result.wrong,
    )


def _work(name: str, pairs: Sequence[BookingPair]) -> Work:
    middle = statistics.median
    parts = pairs[0].service.cpu_us
    return Work(
        name=name,
        unit="booking",
        units=sum(pair.service.confirmed for pair in pairs),
        per_second=middle(pair.service.per_second for pair in pairs),
        floor_per_second=middle(pair.floor.per_second for pair in pairs),
        ratio=middle(pair.ratio for pair in pairs),
        cpu_us=by_part({part: middle(pair.service.cpu_us[part] for pair in pairs) for part in parts}),
        floor_cpu_us=middle(sum(pair.floor.cpu_us.values()) for pair in pairs),
    )


def _stored(result: BookingsResult) -> dict[str, Any]:
    return asdict(result)


BENCH = Bench(
    name="bookings",
    about="Places offered and taken by many at once, against one statement that counts a place and inserts a row.",
    options=(
        click.Option(["--clerks"], type=click.IntRange(1, 64), default=_DEFAULT.clerks, show_default=True),
        click.Option(
            ["--people"], type=click.IntRange(10), default=_DEFAULT.people, show_default=True, help="Of a round."
        ),
        click.Option(["--rounds"], type=click.IntRange(1, 90), default=_DEFAULT.rounds, show_default=True),
        click.Option(
            ["--workers"], type=click.IntRange(1), default=_DEFAULT.workers, show_default=True, help="On the roster."
        ),
    ),
    wanted=wanted,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_bookings,
    growth=Growth(
        "workers on the roster",
        (10_000, 100_000, 1_000_000),
        lambda size: WantedBookings(rounds=2, people=1500, workers=size, multiplied=True),
    ),
)
