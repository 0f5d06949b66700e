"""The figures of ``bookings`` as a table on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.bookings import CONTESTED, SPREAD, BookingRound, BookingsResult


def show_bookings(result: BookingsResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"bookings at {commit or 'no commit'}: {about}")
    console.print(f"{result.wanted.clerks} processes; " + ", ".join(f"{n:,} {t}" for t, n in result.world.items()))
    for title, pairs in ((SPREAD, result.spread), (CONTESTED, result.contested)):
        table = Table(title=f"Bookings, {title}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for heading in ("", "booked/s", "ratio", "p50 ms", "p99 ms", "longest", "CPU us", "booked", "refused"):
            table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
        for number, pair in enumerate(pairs, 1):
            table.add_row(f"{number}: floor", *_row(pair.floor, 1.0))
            table.add_row(f"{number}: service", *_row(pair.service, pair.ratio))
        console.print(table)


def _row(one: BookingRound, ratio: float) -> tuple[str, ...]:
    return (
        f"{one.per_second:,.0f}",
        f"{ratio:.2f}",
        f"{one.p50_ms:.1f}",
        f"{one.p99_ms:.1f}",
        f"{one.longest_ms:.0f}",
        f"{sum(one.cpu_us.values()):,.0f}",
        f"{one.confirmed:,}",
        f"{one.refused:,}",
    )
