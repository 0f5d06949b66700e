"""The figures of ``blast`` as tables on a terminal, and what was wanted."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.blast import BlastResult
from bench.blast_run import Sent
from bench.cpu import BLAST, POSTGRESQL, SENDERS, STUB, VALKEY, WEB

#: What is to be reached: messages a second over the plain loop's, seconds, MiB, milliseconds.
LEAST_RATIO = {"africastalking": 0.3, "twilio": 0.5}
MOST_MATERIALISE_S, MOST_WORKER_MIB, MOST_HOP_P99_MS, MOST_TICKET_S = 20.0, 150.0, 250.0, 2.0
_PARTS = (BLAST, POSTGRESQL, VALKEY, SENDERS, WEB, STUB)


def goals(result: BlastResult) -> list[tuple[str, bool]]:
    """Each goal in words, with what was measured, and whether it is reached."""
    found: list[tuple[str, bool]] = []
    for one in result.measured:
        least = LEAST_RATIO[one.sent.gateway]
        found.append((f"{one.sent.gateway}: ratio {one.ratio:.2f}, wanted at least {least}", one.ratio >= least))
    sents = [one.sent for one in result.measured]
    slowest, memory = max(one.materialise_s for one in sents), max(one.worker_mib for one in sents)
    company = result.company
    found += [
        (f"materialised in {slowest:.1f} s, wanted at most {MOST_MATERIALISE_S:.0f}", slowest <= MOST_MATERIALISE_S),
        (f"a worker takes {memory:.0f} MiB, wanted at most {MOST_WORKER_MIB:.0f}", memory <= MOST_WORKER_MIB),
        (
            f"p99 of {company.hops} hops meanwhile {company.hop_p99_ms:.0f} ms, wanted under {MOST_HOP_P99_MS:.0f}",
            company.hops > 0 and company.hop_p99_ms < MOST_HOP_P99_MS,
        ),
        (
            f"the slowest of {company.tickets} tickets left after {company.ticket_longest_s:.2f} s, "
            f"wanted under {MOST_TICKET_S:.0f}",
            company.tickets > 0 and company.ticket_longest_s < MOST_TICKET_S,
        ),
    ]
    return found


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
    table.add_row(*_row(result.company.sent), "", "", f"{result.company.sent.worker_mib:.0f}")
    console.print(table)
    cpu = Table(title="CPU, microseconds a message", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", *_PARTS, "floor"):
        cpu.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for one in result.measured:
        floor = one.floor.cpu_seconds / one.floor.messages * 1e6
        cpu.add_row(one.sent.name, *(f"{one.sent.cpu_us[part]:.1f}" for part in _PARTS), f"{floor:.1f}")
    company = result.company
    cpu.add_row(company.sent.name, *(f"{company.sent.cpu_us[part]:.1f}" for part in _PARTS), "")
    console.print(cpu)
    console.print(
        f"In company: {company.hops} hops, p50 {company.hop_p50_ms:.0f} ms, p99 {company.hop_p99_ms:.0f} ms; "
        f"{company.tickets} tickets, p50 {company.ticket_p50_s:.2f} s; {company.receipts} receipts taken in."
    )
    for words, reached in goals(result):
        console.print(f"{'reached' if reached else 'NOT REACHED'}: {words}", markup=False)
    for line in result.wrong:
        console.print(f"WRONG: {line}", markup=False)
    if result.right:
        console.print("Nobody got a text twice, everybody is settled, and no invariant is broken.")


def _row(sent: Sent) -> tuple[str, ...]:
    seconds = (f"{sent.materialise_s:.1f}", f"{sent.first_s:.2f}", f"{sent.seconds:.1f}")
    return (sent.name, f"{sent.recipients:,}", *seconds, f"{sent.per_second:,.0f}")
