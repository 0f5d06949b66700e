"""``python -m bench import``."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from bench.bench import Bench, Growth
from bench.cpu import POSTGRESQL
from bench.importing import Imported, ImportResult, ImportRound, WantedImport, measure
from bench.importing_printing import show_import
from bench.measures import WORKERS, Figure, Goal, Measured, Work, peaks_by_part

_DEFAULT = WantedImport()
#: What is to be reached: the time of an import over that of its floor, MiB.
MOST_TIMES_FLOOR, MOST_MIB = 3.0, 150.0
FIRST, AGAIN = "a roster into an empty registry", "the same file again"


def wanted(rows: int = _DEFAULT.rows, rounds: int = _DEFAULT.rounds) -> WantedImport:
    """What to measure, of the options."""
    return WantedImport(rows, rounds)


def measured(result: ImportResult) -> Measured:
    """What came of it, in the common shape. The command is a worker's work: by upload, the office's worker does it."""
    peak = max(imported.peak_mib for one in result.rounds for imported in (one.first, one.again))
    middle = statistics.median
    return Measured(
        work=(_work(result, FIRST, lambda one: one.first), _work(result, AGAIN, lambda one: one.again)),
        peak_mib={**peaks_by_part(result.peak_mib), WORKERS: peak},
        goals=(
            Goal(
                "seconds of an import to those of a plain COPY and the encryption",
                result.times_the_floor(lambda one: one.first).median,
                most=MOST_TIMES_FLOOR,
            ),
            Goal("memory of the command", peak, most=MOST_MIB, unit="MiB"),
        ),
        figures=(
            Figure("an import", middle(one.first.seconds for one in result.rounds), "s"),
            Figure("the same file again", middle(one.again.seconds for one in result.rounds), "s"),
            Figure("a plain COPY", middle(one.floor.parts.copy_s for one in result.rounds), "s"),
            Figure("the encryption", middle(one.floor.parts.encrypt_s for one in result.rounds), "s"),
            Figure(
                "the floor as a process, started and the values read",
                middle(one.floor.process_s for one in result.rounds),
                "s",
            ),
        ),
        wrong=result.wrong,
    )


def _work(result: ImportResult, name: str, taken: Callable[[ImportRound], Imported]) -> Work:
    rows, rounds = result.wanted.rows, result.rounds
    middle = statistics.median
    per_second = middle(rows / taken(one).seconds for one in rounds)
    return Work(
        name=name,
        unit="row",
        units=rows * len(rounds),
        per_second=per_second,
        floor_per_second=middle(rows / one.floor.seconds for one in rounds),
        ratio=middle(one.floor.seconds / taken(one).seconds for one in rounds),
        cpu_us={
            WORKERS: middle(taken(one).cpu_seconds for one in rounds) / rows * 1e6,
            POSTGRESQL: middle(taken(one).postgresql_seconds for one in rounds) / rows * 1e6,
        },
        floor_cpu_us=middle(one.floor.cpu_seconds + one.floor.postgresql_seconds for one in rounds) / rows * 1e6,
    )


def _stored(result: ImportResult) -> dict[str, Any]:
    return asdict(result)


BENCH = Bench(
    name="import",
    about="A roster by the command, against a plain COPY of the same bytes and the encryption of the same values.",
    options=(
        click.Option(["--rows"], type=click.IntRange(100, 900_000), default=_DEFAULT.rows, show_default=True),
        click.Option(["--rounds"], type=click.IntRange(1), default=_DEFAULT.rounds, show_default=True),
    ),
    wanted=wanted,
    measure=measure,
    measured=measured,
    stored=_stored,
    shown=show_import,
    growth=Growth("rows of the roster", (5_000, 50_000, 500_000), lambda size: WantedImport(size, rounds=1)),
)
