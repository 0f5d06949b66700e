"""``python -m bench replies``."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench, Growth
from bench.measures import Figure, Goal, Measured, Work, by_part, peaks_by_part
from bench.replies import Gateway, RepliesResult, Texted, WantedReplies, measure
from bench.replies_printing import show_replies

_DEFAULT = WantedReplies()
#: How long somebody who takes their time waits at most for an answer, at p99, in milliseconds.
MOST_CALM_P99_MS = 1000.0


def wanted(
    lines: int = _DEFAULT.lines,
    registrations: int = _DEFAULT.registrations,
    rounds: int = _DEFAULT.rounds,
    calm: int = _DEFAULT.calm,
    workers: int = _DEFAULT.workers,
) -> WantedReplies:
    """What to measure, of the options."""
    return WantedReplies(lines, registrations, rounds, calm, workers=workers)


def measured(result: RepliesResult) -> Measured:
    """What came of it, in the common shape."""
    return Measured(
        work=tuple(map(_work, result.gateways)),
        peak_mib=peaks_by_part(result.peak_mib),
        goals=tuple(
            Goal(
                f"{one.name}: p99 of an answer, of people who take their time",
                one.calm.reply_ms[2],
                most=MOST_CALM_P99_MS,
                unit="ms",
            )
            for one in result.gateways
        ),
        figures=tuple(figure for one in result.gateways for figure in _figures(one)),
        wrong=result.wrong,
    )


def _work(one: Gateway) -> Work:
    return Work(
        name=one.name,
        unit="reply",
        units=sum(each.replies for each in one.rounds),
        per_second=_median([each.per_second for each in one.rounds]),
        floor_per_second=_median([floor.per_second for floor in one.floors]),
        ratio=_median([each.per_second / floor.per_second for floor, each in zip(one.floors, one.rounds, strict=True)]),
        cpu_us={
            part: _median([by_part(each.cpu_us)[part] for each in one.rounds]) for part in by_part(one.rounds[0].cpu_us)
        },
        floor_cpu_us=_median([floor.cpu_us for floor in one.floors]),
    )


def _figures(one: Gateway) -> Sequence[Figure]:
    def of(words: str, rounds: Sequence[Texted], place: int) -> Figure:
        return Figure(f"{one.name}: {words}", _median([each.reply_ms[place] for each in rounds]), "ms")

    return (
        of("p50 of an answer", one.rounds, 0),
        of("p99 of an answer", one.rounds, 2),
        Figure(f"{one.name}: p99 until an SMS is taken", _median([each.taken_ms[2] for each in one.rounds]), "ms"),
        of("p50 of an answer, of people who take their time", (one.calm,), 0),
        Figure(f"{one.name}: p99 of the floor's view", _median([floor.taken_ms[2] for floor in one.floors]), "ms"),
        *(
            (Figure(f"{one.name}: a text of the floor's loop", _median([f.loop_ms for f in one.floors]), "ms"),)
            if any(f.loop_ms for f in one.floors)
            else ()
        ),
    )


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _stored(result: RepliesResult) -> dict[str, Any]:
    return asdict(result)


def _option(name: str, default: int, about: str | None = None) -> click.Option:
    return click.Option([f"--{name}"], type=click.IntRange(1), default=default, show_default=True, help=about)


BENCH = Bench(
    name="replies",
    about="Registrations by SMS, each answer handed to the gateway, against a bare view and a plain loop that sends.",
    options=(
        _option("lines", _DEFAULT.lines, "Texters at a time."),
        _option("registrations", _DEFAULT.registrations, "A round of one gateway."),
        _option("rounds", _DEFAULT.rounds),
        _option("calm", _DEFAULT.calm, "Registrations of people who take their time."),
        _option("workers", _DEFAULT.workers, "On the roster."),
    ),
    wanted=wanted,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_replies,
    growth=Growth(
        "workers on the roster",
        (10_000, 100_000, 1_000_000),
        lambda size: WantedReplies(registrations=300, rounds=2, calm=20, workers=size),
    ),
)
