"""The figures of ``replies`` as tables on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.cpu import POSTGRESQL, SENDERS, STUB, VALKEY, WEB
from bench.replies import RepliesResult, Texted

_PARTS = (WEB, SENDERS, POSTGRESQL, VALKEY, STUB)


def show_replies(result: RepliesResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"replies at {commit or 'no commit'}: {about}")
    table = Table(
        title="SMS and their answers; milliseconds from the POST",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in (
        "",
        "replies/s",
        "floor/s",
        "ratio",
        "p50",
        "p95",
        "p99",
        "most",
        "taken p50",
        "p99",
        "floor's",
        "p99",
    ):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for gateway in result.gateways:
        for number, (floor, one) in enumerate(zip(gateway.floors, gateway.rounds, strict=True), 1):
            ratio = f"{one.per_second / floor.per_second:.2f}"
            table.add_row(
                *(f"{gateway.name} {number}", f"{one.per_second:,.0f}", f"{floor.per_second:,.0f}", ratio),
                *_latencies(one),
                *(f"{floor.taken_ms[0]:.1f}", f"{floor.taken_ms[2]:.1f}"),
            )
        table.add_row(
            f"{gateway.name}, calm", f"{gateway.calm.per_second:,.0f}", "", "", *_latencies(gateway.calm), "", ""
        )
    console.print(table)
    cpu = Table(title="CPU, microseconds a reply", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", *_PARTS, "floor, in all"):
        cpu.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for gateway in result.gateways:
        for number, (floor, one) in enumerate(zip(gateway.floors, gateway.rounds, strict=True), 1):
            spent = (f"{one.cpu_us[part]:,.0f}" for part in _PARTS)
            cpu.add_row(f"{gateway.name} {number}", *spent, f"{floor.cpu_us:,.0f}")
    console.print(cpu)


def _latencies(one: Texted) -> tuple[str, ...]:
    return tuple(f"{ms:,.0f}" for ms in (*one.reply_ms, one.taken_ms[0], one.taken_ms[2]))
