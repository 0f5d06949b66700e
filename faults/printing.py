"""The table of faults, and what is wrong, on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from faults.journal import FINE, REFUSED, SILENCE, SORRY
from faults.run import RECOVERS_WITHIN, Result, harm


def show(result: Result, console: Console) -> None:
    """Write everything that a reader needs to judge the run, and to make it again."""
    wanted, verdict = result.wanted, result.verdict
    console.print(
        f"seed {wanted.seed}: {wanted.subscribers} subscribers, a blast to {wanted.workers:,}, {result.requests:,} requests, "
        f"{result.took:.0f} s"
    )
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("fault")
    for heading in (FINE, SORRY, REFUSED, SILENCE, "slowest s", "recovered s"):
        table.add_column(heading, justify="right")
    for fault in result.faults:
        recovered = "not" if fault.recovered is None else f"{fault.recovered:.1f}"
        seen = [str(fault.saw.get(kind, 0)) for kind in (FINE, SORRY, REFUSED, SILENCE)]
        table.add_row(fault.kind.words, *seen, f"{fault.slowest:.2f}", recovered)
    console.print(table)
    console.print(
        f"lost: {len(verdict.lost_tickets)} tickets, {len(verdict.lost_texts)} acknowledged texts; doubled: "
        f"{len(verdict.doubled_messages)} messages, {len(verdict.doubled_bookings)} bookings; overbooked: "
        f"{len(verdict.overbooked)}; unserved: {len(verdict.unserved)}; of unknown fate: {verdict.unknown}; slowest answer "
        f"{result.slowest:.2f} s, {result.late} after the deadline"
    )
    for name in (
        "lost_tickets",
        "lost_texts",
        "doubled_messages",
        "doubled_bookings",
        "overbooked",
        "broken",
        "unserved",
    ):
        for line in getattr(verdict, name)[:5]:
            console.print(f"WRONG: {name.replace('_', ' ')}: {line}", markup=False)
    for fault in result.faults:
        if fault.recovered is None or fault.recovered > RECOVERS_WITHIN:
            console.print(f"LATE: not recovered within {RECOVERS_WITHIN:.0f} s: {fault.kind.name}", markup=False)
        if harmed := harm(fault, SORRY, REFUSED, SILENCE):
            console.print(f"WRONG: {harmed} requests failed, and none may: {fault.kind.name}", markup=False)
    if result.late:
        console.print(f"LATE: {result.late} answers came after the deadline", markup=False)
