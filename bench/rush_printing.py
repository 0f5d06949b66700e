"""The figures of ``rush`` as a table on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.rush import RushResult


def show_rush(result: RushResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"rush at {commit or 'no commit'}: {about}")
    rounds = ", ".join(f"{one:,.0f}" for one in result.rounds)
    console.print(
        f"best rate with 32 lines that are never idle: {result.best:,.0f} hops/s (before and after: {rounds})"
    )
    table = Table(title="Hops a second, latencies in ms", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    headings = ("", "came", "served", "shed", "p50", "p99", "most", "shed p99", "most", "tickets", "gen.")
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for span in result.spans:
        rates = (span.asked_per_second, span.answered_per_second, span.shed_per_second)
        took = (span.answered_p50_ms, span.answered_p99_ms, span.answered_longest_ms)
        shed = (span.shed_p99_ms, span.shed_longest_ms)
        figures = [f"{value:,.0f}" for value in (*rates, *took, *shed)]
        table.add_row(span.name, *figures, f"{span.tickets:,}", f"{span.generator_cpu:.2f}")
    console.print(table)
