"""The figures of ``pages`` as tables on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.pages import WATCHERS, PagesResult


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
