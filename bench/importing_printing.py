"""The figures of ``import`` as a table on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.importing import Imported, ImportResult


def show_import(result: ImportResult, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"import at {commit or 'no commit'}: {about}")
    console.print(f"{result.wanted.rows:,} rows, {result.file_mib:.0f} MiB of CSV", markup=False)
    table = Table(title="Imports, seconds", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    headings = ("", "took", "to floor", "rows/s", "CPU", "PostgreSQL", "MiB")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "" else "right", no_wrap=True)
    for number, one in enumerate(result.rounds, 1):
        floor = one.floor
        table.add_row(
            f"{number}: floor, of it COPY {floor.parts.copy_s:.2f}",
            f"{floor.seconds:.2f}",
            "1",
            f"{floor.parts.rows / floor.seconds:,.0f}",
            f"{floor.cpu_seconds:.2f}",
            f"{floor.postgresql_seconds:.2f}",
            "",
        )
        for name, imported in (("import", one.first), ("the same again", one.again)):
            table.add_row(f"{number}: {name}", *_row(imported, floor.seconds, result.wanted.rows))
    console.print(table)


def _row(imported: Imported, floor: float, rows: int) -> tuple[str, ...]:
    return (
        f"{imported.seconds:.2f}",
        f"{imported.seconds / floor:.2f}",
        f"{rows / imported.seconds:,.0f}",
        f"{imported.cpu_seconds:.2f}",
        f"{imported.postgresql_seconds:.2f}",
        f"{imported.peak_mib:.0f}",
    )
