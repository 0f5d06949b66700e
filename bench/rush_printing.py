"""The figures of ``rush`` as a table on a terminal, and what was wanted."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.rush import AFTERWARDS, BEFORE, RECOVERS, RUSH, TIMES, RushResult

#: What is to be reached: the rate in the rush against the best, and how many times as long a hop may take afterwards at p99,
#: and at least by how many milliseconds more.
LEAST_SHARE, MOST_AFTER, AFTER_MS = 0.85, 1.5, 50.0


def goals(result: RushResult) -> list[tuple[str, bool]]:
    """Each goal in words, with what was measured, and whether it is reached."""
    before, rush, after = (result.span(name) for name in (BEFORE, RUSH, AFTERWARDS))
    share = rush.answered_per_second / max(result.best, 1e-9)
    bound = max(MOST_AFTER * before.answered_p99_ms, before.answered_p99_ms + AFTER_MS)
    longest = max(rush.answered_longest_ms, rush.shed_longest_ms)
    return [
        (
            f"with {TIMES:.0f} times the best rate coming, {share:.0%} of it was answered, wanted at least {LEAST_SHARE:.0%}",
            share >= LEAST_SHARE,
        ),
        (
            f"p99 of an answered hop in the rush is {rush.answered_p99_ms:,.0f} ms, wanted at most {result.deadline_ms:,.0f}",
            rush.answered_p99_ms <= result.deadline_ms,
        ),
        (
            f"the slowest answer of all in the rush took {longest:,.0f} ms, wanted at most {result.deadline_ms:,.0f}",
            longest <= result.deadline_ms,
        ),
        (
            f"{sum(rush.errors.values())} calls in the rush got no valid answer, wanted none",
            not rush.errors,
        ),
        (
            f"{RECOVERS:.0f} s after the rush {after.shed_per_second:.1f} hops a second are turned away and p99 is "
            f"{after.answered_p99_ms:.0f} ms (before: {before.answered_p99_ms:.0f}), wanted none and at most {bound:.0f}",
            after.shed_per_second == 0 and not after.errors and after.answered_p99_ms <= bound,
        ),
    ]


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
    for words, reached in goals(result):
        console.print(f"{'reached' if reached else 'NOT REACHED'}: {words}", markup=False)
    for span in result.spans:
        for words, many in span.errors.items():
            console.print(f"ERROR in {span.name}, {many} times: {words}", markup=False)
    for line in result.broken:
        console.print(f"BROKEN: {line}", markup=False)
