"""``campaign report``: what a blast has come to."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import click

from bot.cli.campaign import campaign_errors, json_option
from bot.cli.context import fail, print_json, services
from bot.evaluation import blast_rows
from bot.evaluation.blast_figures import STEPS
from bot.evaluation.blast_report import BlastReport, report_now
from bot.registration.importing.cells import FORMULA_STARTS

_SHOWN = (
    ("recipients", "recipients"),
    ("suppressed", "left out"),
    ("waiting", "not sent yet"),
    ("sent", "sent"),
    ("accepted", "accepted by the gateway"),
    ("delivered", "delivered"),
    ("failed", "failed"),
    ("unknown", "unknown"),
    ("booked_before", "had booked before"),
    ("answered", "answered"),
    ("within_1", "registered within 1 h"),
    ("within_6", "registered within 6 h"),
    ("within_24", "registered within 24 h"),
    ("within_48", "registered within 48 h"),
    ("registered", "registered until the end"),
    ("given_up", "of these, gave it up"),
    ("opted_out", "opted out"),
)


@click.command()
@click.argument("name")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures to this file."
)
@json_option
def report(name: str, csv_file: Path | None, as_json: bool) -> None:
    """Show what a campaign has come to: sent, delivered, answered, registered, cost, districts that fell behind.

    Registered counts who booked after the message was handed over to the gateway, before the next campaign's message to
    them and before registration closed. Who had booked before is not counted.
    """
    with services(long_work=True) as parts, campaign_errors():
        found = report_now(parts.database, name, parts.clock.now())
        price, currency, zone = parts.settings.sms_price, parts.settings.sms_currency, parts.settings.time_zone
    if csv_file is not None:
        try:
            _write(csv_file, found)
        except OSError as error:
            fail(f"{csv_file} cannot be written: {error.strerror}.")
        if not as_json:
            click.echo(f"Written to {csv_file}")
    if as_json:
        print_json(blast_rows.as_json(found, price, currency))
    elif csv_file is None:
        click.echo(f"{name!r} as of {found.as_of.astimezone(zone):%Y-%m-%d %H:%M %Z}")
        _tell(found)
        cost, each = blast_rows.cost_of(found, price)
        if cost is not None:
            told = "" if each is None else f", {each:,.2f} a registration"
            click.echo(f"  cost: {cost:,.2f} {currency}{told}")


def _tell(found: BlastReport) -> None:
    for column, label in _SHOWN:
        click.echo(f"  {label:<26} {getattr(found.whole.counts, column):>10,}")
    for title, counts in (
        ("Failed", found.whole.failed),
        ("Left out", found.whole.suppressed),
        ("Where those stand who answered", {step: found.whole.steps.get(step, 0) for step in STEPS}),
        (
            "Last screen of those of them who did not register, as far as it was noted",
            {screen or "not known": many for screen, many in found.whole.screens.items()},
        ),
    ):
        if counts:
            click.echo(f"{title}:")
        for label, many in counts.items():
            click.echo(f"  {label or 'no reason given':<26} {many:>10,}")
    for district in found.behind:
        behind = district.behind
        if behind is not None:
            click.echo(
                f"Behind: {district.name}, {behind.own:.1%} registered, its peers {behind.peers:.1%} ({behind.reason})"
            )


def _write(path: Path, found: BlastReport) -> None:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="", encoding="utf-8"
    ) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(blast_rows.COLUMNS)
        # A name that a spreadsheet would carry out gets an apostrophe.
        writer.writerows(
            [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell for cell in row]
            for row in blast_rows.rows(found)
        )
