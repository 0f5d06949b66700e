"""What a replay came to, on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from replay.admins import ANSWERED, FAILED
from replay.curve import CLOSES
from replay.run import Result
from replay.timekeeper import said

#: Differences that are shown of a checkpoint.
_EXAMPLES = 3
_SHOWN = ("delivered", "started", "verified", "registered")


def show(result: Result, console: Console) -> None:
    """The checkpoints, what the press is told, how fast it went, and the digest of the books."""
    table = Table(title="the dashboards against the books", title_justify="left")
    table.add_column("WIB")
    for name in _SHOWN:
        table.add_column(f"{name}, books", justify="right")
        table.add_column("dashboard", justify="right")
    table.add_column("compared", justify="right")
    table.add_column("agreed")
    for each in result.checkpoints:
        cells = [said(each.at)]
        for name in _SHOWN:
            cells += [f"{getattr(each.books, name):,}", f"{each.dashboard[name]:,}"]
        table.add_row(*cells, f"{each.compared:,}", "yes" if each.agrees else f"no: {len(each.differences)} differ")
    console.print(table)
    for each in result.checkpoints:
        for wrong in each.differences[:_EXAMPLES]:
            console.print(
                f"{said(each.at)}: {wrong.name} of {wrong.place} is {wrong.books:,} in the books and {wrong.dashboard:,} "
                f"by {wrong.where}"
            )
    books = result.books
    console.print(f"18.30, for the press: {result.sentence}")
    console.print(f"In English: {result.headline}")
    console.print(
        f"The day: {books['figures']['registered']:,} registered, {books['gave_up']:,} gave up on the way, "
        f"{books['deferred']:,} deferred, {books['cancelled']:,} gave their place back, {books['came_too_late']:,} came too "
        f"late, {books['enquiries']:,} were on no list, {books['locked']:,} locked themselves out for a while."
    )
    console.print("Messages: " + ", ".join(f"{many:,} {name}" for name, many in books["messages"].items()) + ".")
    console.print(
        f"{result.requests:,} requests of the gateway, the slowest answered after {result.slowest:.2f} s; "
        f"{result.looks.get(ANSWERED, 0):,} looks at the figures, {result.looks.get(FAILED, 0):,} more without an answer. "
        "Not meant: " + (", ".join(f"{many:,} {what}" for what, many in result.odd.items()) or "nothing") + "."
    )
    console.print(
        f"{CLOSES / 3600:.0f} hours in {_minutes(result.took)}, 18.5 hours in {_minutes(result.to_press)}: "
        f"{result.speed:.0f} times faster than real time."
    )
    for line in (*result.broken, *result.wrong[:_EXAMPLES]):
        console.print(f"broken: {line}")
    console.print(f"doctor: {'clean' if not result.broken else 'not clean'}. Digest of the books: {result.digest}")


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {seconds % 60:.0f} s"
