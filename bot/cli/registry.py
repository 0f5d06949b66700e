"""``districts import``, ``facilities import``, ``roster import``, ``sessions import`` and ``sample load``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bot.cli.bar import bar
from bot.cli.context import fail, print_json, services
from bot.cli.lazy import LazyGroup
from bot.registration.importing import (
    Caution,
    ImportFailed,
    ImportReport,
    Kind,
    Progress,
    Rejections,
    Tally,
    import_file,
)
from bot.registration.sample import SampleReport, has_workers, load_sample
from bot.registration.sample.loading import ALL_DISTRICTS, MOST_WORKERS, SEED


@click.group()
def districts() -> None:
    """Districts (kabupaten/kota)."""


@click.group()
def facilities() -> None:
    """Facilities where people are vaccinated."""


@click.group(cls=LazyGroup, lazy={"show": "bot.cli.roster:show"})
def roster() -> None:
    """The roster: everybody who is to be vaccinated."""


@click.group()
def sessions() -> None:
    """Vaccination sessions of the facilities."""


@click.group()
def sample() -> None:
    """A made-up registry to try things on."""


def _import_command(group: click.Group, kind: Kind, columns: str) -> None:
    @group.command("import", help=f"Import FILE, CSV (UTF-8) or XLSX with a header. Columns: {columns}.")
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Report what would happen, and change nothing.")
    @click.option(
        "--rejected",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Where rejected rows go (default: FILE.rejected.csv).",
    )
    @click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
    def command(file: Path, dry_run: bool, rejected: Path | None, as_json: bool) -> None:
        try:
            with services(long_work=True) as parts, _progress() as progress:
                report = import_file(
                    parts.database,
                    parts.vault,
                    parts.clock,
                    kind,
                    file,
                    dry_run=dry_run,
                    rejected_path=rejected,
                    progress=progress,
                )
        except ImportFailed as error:
            fail(str(error))
            return
        if as_json:
            print_json(report.as_json())
        else:
            _tell_import(report)


_import_command(districts, Kind.DISTRICTS, "code, name, province_code, province, time_zone")
_import_command(facilities, Kind.FACILITIES, "code, name, district_code; optional: address")
_import_command(
    roster, Kind.ROSTER, "nik, name, birth_date, district_code; optional: sex, phone, facility_code, profession"
)
_import_command(sessions, Kind.SESSIONS, "facility_code, date, start, end, capacity; optional: dose")


@sample.command()
@click.option("--workers", type=click.IntRange(1, MOST_WORKERS), required=True, help="How many people.")
@click.option("--districts", "district_count", type=click.IntRange(1, ALL_DISTRICTS), default=ALL_DISTRICTS)
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed makes up other people.")
@click.option("--if-empty", is_flag=True, help="Do nothing if anybody is on the roster.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def load(workers: int, district_count: int, seed: int, if_empty: bool, as_json: bool) -> None:
    """Load a made-up roster with facilities, and sessions over the coming 14 days."""
    with services(long_work=True) as parts, _progress() as progress:
        report = None
        if not (if_empty and has_workers(parts.database)):
            report = load_sample(
                parts.database, parts.vault, parts.clock, workers, district_count, seed, progress=progress
            )
    if as_json:
        print_json({"loaded": report is not None} | ({} if report is None else report.as_json()))
    elif report is None:
        click.echo("There are people on the roster already; nothing was loaded.")
    else:
        _tell_sample(report)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on stderr, None off a terminal."""
    with bar() as tell:
        yield None if tell is None else lambda step, done: tell(step.value, done)


def _tell_import(report: ImportReport) -> None:
    click.echo(f"{report.file}: {_counts(report.rows)}")
    for group in report.rejections:
        click.echo(f"  rejected  {_rejection(group)}")
    for caution in report.cautions:
        click.echo(f"  warning   {_caution(caution)}")
    if report.rejected_file is not None:
        click.echo(f"Rejected rows, with the reasons: {report.rejected_file}")
    if report.dry_run:
        click.echo("This was a dry run: nothing has been changed.")


def _tell_sample(report: SampleReport) -> None:
    for name, rows in (
        ("districts", report.districts),
        ("facilities", report.facilities),
        ("roster", report.roster),
        ("sessions", report.sessions),
    ):
        click.echo(f"{name}: {_counts(rows)}")


def _counts(rows: Tally) -> str:
    ends = (
        ("added", rows.added),
        ("updated", rows.updated),
        ("unchanged", rows.unchanged),
        ("rejected", rows.rejected),
    )
    return f"{rows.read:,} rows read: " + ", ".join(f"{count:,} {end}" for end, count in ends)


def _rejection(group: Rejections) -> str:
    what = f"{group.column} {group.reason}" if group.column else f"the row {group.reason}"
    where = f"line {group.first_line}" if group.rows == 1 else f"{group.rows:,} rows, first on line {group.first_line}"
    return f"{what} ({where})"


def _caution(caution: Caution) -> str:
    if not caution.rows:
        return caution.text
    lines = ", ".join(map(str, caution.lines))
    more = ", ..." if caution.rows > len(caution.lines) else ""
    return f"{caution.text} ({caution.rows:,} row{'s' if caution.rows > 1 else ''}: line {lines}{more})"
