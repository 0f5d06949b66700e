"""The figures of ``receipts`` as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.cpu import FLOOR, POSTGRESQL, SENDERS, VALKEY, WEB
from bench.receipts import ReceiptsResult, Step

_PARTS = (WEB, FLOOR, SENDERS, POSTGRESQL, VALKEY)


def show_receipts(result: ReceiptsResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"receipts at {commit or 'no commit'}: {about}")
    table = Table(
        title="Reports a second, milliseconds of a request, microseconds of CPU a report", title_justify="left",
        box=SIMPLE_HEAD, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for heading in ("", "reports/s", "p50", "p99", *_PARTS, "caller"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for number, one in enumerate(result.rounds, 1):
        steps = {"the floor's view": one.view, "taken": one.taken, "applied": one.applied, "plain update": one.update}
        for name, step in steps.items():
            table.add_row(f"{number}: {name}", *_row(step))
    table.add_row("both at the same time", *_row(result.together))
    console.print(table)


def _row(step: Step) -> Sequence[str]:
    waits = (f"{step.p50_ms:.1f}", f"{step.p99_ms:.1f}") if step.p50_ms else ("", "")
    spent = (f"{step.cpu_us[part]:,.0f}" for part in _PARTS)
    return (f"{step.per_second:,.0f}", *waits, *spent, f"{step.caller_us:,.0f}")
