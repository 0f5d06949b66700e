"""The figures of ``pages`` as tables on a terminal, and what was wanted."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.pages import WATCHERS, PagesResult

#: What is to be reached: milliseconds of a page at p95, seconds of a figure's age, a hop's p99 over that without watchers.
MOST_PAGE_MS, MOST_AGE_S, MOST_SLOWDOWN = 300.0, 10.0, 1.25
#: The kinds of figures that are made by themselves, and are never to be old.
_LIVE = ("progress", "follow-up")


def goals(result: PagesResult) -> list[tuple[str, bool]]:
    """Each goal in words, with what was measured, and whether it is reached."""
    slowest = max(result.pages, key=lambda page: page.p95_ms)
    oldest = max((age for kind, (_, age) in result.figures.items() if kind in _LIVE), default=float("inf"))
    slowdown = result.watched.p99_ms / max(result.alone.p99_ms, 1e-9)
    return [
        (
            f"the slowest page, {slowest.address}, answers in {slowest.p95_ms:.0f} ms at p95, "
            f"wanted at most {MOST_PAGE_MS:.0f}",
            slowest.p95_ms <= MOST_PAGE_MS,
        ),
        (f"figures were {oldest:.0f} s old at the end, wanted at most {MOST_AGE_S:.0f}", oldest <= MOST_AGE_S),
        (
            f"p99 of a hop with {WATCHERS} people watching is {slowdown:.2f} times that without, "
            f"wanted at most {MOST_SLOWDOWN}",
            slowdown <= MOST_SLOWDOWN,
        ),
    ]


def show_pages(result: PagesResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"pages at {commit or 'no commit'}: {about}")
    console.print(", ".join(f"{many:,} {table}" for table, many in result.world.items()), markup=False)
    table = Table(title="Pages", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", "HTTP", "KiB", "p50 ms", "p95 ms"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for page in sorted(result.pages, key=lambda page: -page.p95_ms):
        figures = (f"{page.size / 1024:.0f}", f"{page.p50_ms:.1f}", f"{page.p95_ms:.1f}")
        table.add_row(page.address, str(page.status), *figures)
    console.print(table)
    for kind, (took, age) in sorted(result.figures.items()):
        console.print(f"figures {kind}: made in {took} ms, {age:.0f} s old at the end", markup=False)
    for name, watched in (("alone", result.alone), (f"with {WATCHERS} watchers", result.watched)):
        console.print(f"hops {name}: {watched.hops}, p50 {watched.p50_ms:.0f} ms, p99 {watched.p99_ms:.0f} ms")
    for words, reached in goals(result):
        console.print(f"{'reached' if reached else 'NOT REACHED'}: {words}", markup=False)
    for line in result.wrong:
        console.print(f"WRONG: {line}", markup=False)
