"""``bookings export``."""

from __future__ import annotations

import csv
import getpass
import io
import os
from datetime import datetime
from pathlib import Path

import click

from bot.cli.context import fail, print_json, services
from bot.registration import records
from bot.registration.importing.cells import FORMULA_STARTS


@click.group()
def bookings() -> None:
    """Bookings."""


@bookings.command()
@click.option("--facility", required=True, metavar="CODE")
@click.option("--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write CSV to this file.")
@click.option("--with-nik", is_flag=True, help="Whole NIKs; this is written to the audit log.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout (default: CSV).")
def export(facility: str, day: datetime, csv_file: Path | None, with_nik: bool, as_json: bool) -> None:
    """A facility's day list."""
    with services() as parts:
        try:
            rows = records.day_list(
                parts.database,
                parts.vault,
                facility,
                day.date(),
                with_nik=with_nik,
                now=parts.clock.now(),
                actor=f"cli:{getpass.getuser()}",
            )
        except records.NoSuchFacility:
            rows = []
            fail(f"There is no facility with the code {facility}.")
    if csv_file is not None:
        # People's data: readable by its owner alone.
        with os.fdopen(os.open(csv_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as file:
            file.write(_csv(rows))
        if not as_json:
            click.echo(f"{len(rows)} bookings written to {csv_file}")
    if as_json:
        print_json(rows)
    elif csv_file is None:
        click.echo(_csv(rows), nl=False)


def _csv(rows: list[dict[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(records.DAY_COLUMNS)
    for row in rows:
        writer.writerow([_harmless(row[column]) for column in records.DAY_COLUMNS])
    return out.getvalue()


def _harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; a phone's plus sign is meant."""
    text = str(value)
    formula = text.startswith(FORMULA_STARTS) and not (text[:1] == "+" and text[1:].isdecimal())
    return f"'{text}" if formula else value
