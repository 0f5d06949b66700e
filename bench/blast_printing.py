"""The figures of ``blast`` as tables on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.blast import BlastResult
from bench.blast_run import Sent
from bench.cpu import BLAST, POSTGRESQL, SENDERS, STUB, VALKEY, WEB

_PARTS = (BLAST, POSTGRESQL, VALKEY, SENDERS, WEB, STUB)


def show_blast(result: BlastResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"blast at {commit or 'no commit'}: {about}")
    table = Table(title="Campaigns", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", "messages", "written s", "first s", "sent s", "messages/s", "floor/s", "flat out/s", "MiB"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for one in result.measured:
        floors = (f"{one.floor.per_second:,.0f}", f"{one.flat_out.per_second:,.0f}")
        table.add_row(*_row(one.sent), *floors, f"{one.sent.worker_mib:.0f}")
    company = result.company
    if company is not None:
        table.add_row(*_row(company.sent), "", "", f"{company.sent.worker_mib:.0f}")
    console.print(table)
    cpu = Table(title="CPU, microseconds a message", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", *_PARTS, "floor"):
        cpu.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for one in result.measured:
        floor = one.floor.cpu_seconds / one.floor.messages * 1e6
        cpu.add_row(one.sent.name, *(f"{one.sent.cpu_us[part]:.1f}" for part in _PARTS), f"{floor:.1f}")
    if company is not None:
        cpu.add_row(company.sent.name, *(f"{company.sent.cpu_us[part]:.1f}" for part in _PARTS), "")
    console.print(cpu)
    if company is not None:
        console.print(
            f"In company: {company.hops} hops, p50 {company.hop_p50_ms:.0f} ms, p99 {company.hop_p99_ms:.0f} ms; "
            f"{company.tickets} tickets, p50 {company.ticket_p50_s:.2f} s; {company.receipts} receipts taken in."
        )
    if result.right:
        console.print("Nobody got a text twice, everybody is settled, and no invariant is broken.")


def _row(sent: Sent) -> tuple[str, ...]:
    seconds = (f"{sent.materialise_s:.1f}", f"{sent.first_s:.2f}", f"{sent.seconds:.1f}")
    return (sent.name, f"{sent.recipients:,}", *seconds, f"{sent.per_second:,.0f}")
