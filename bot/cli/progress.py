"""``progress``."""

from __future__ import annotations

import click

from bot.campaigns import progress as figures
from bot.campaigns.progress import NoSuchDistrict, Progress
from bot.cli.context import fail, print_json, services


@click.command()
@click.option("--district", metavar="CODE", help="One district only.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def progress(district: str | None, as_json: bool) -> None:
    """Show how many are registered, against how many are to be, by district."""
    with services(long_work=True) as parts:
        try:
            found = figures.progress(parts.database, parts.clock.now(), district)
        except NoSuchDistrict:
            fail(f"There is no district with the code {district}.")
            return
        zone = parts.settings.time_zone
    if as_json:
        print_json(found.as_json())
    elif not found.districts:
        click.echo("There is no district yet: python -m bot districts import FILE")
    else:
        click.echo(f"As of {found.as_of.astimezone(zone):%Y-%m-%d %H:%M %Z}")
        _tell(found)


def _tell(found: Progress) -> None:
    widest = max(len("all"), *(len(district.name) for district in found.districts))
    columns = ("target", "invited", "delivered", "started", "registered", "places_left")
    click.echo(f"{'':4}  {'':{widest}}  " + "  ".join(f"{name.replace('_', ' '):>11}" for name in columns) + "      %")
    rows = [
        (district.code, district.name, [getattr(district, name) for name in columns]) for district in found.districts
    ]
    if len(rows) > 1:
        rows.append(("", "all", [sum(counts) for counts in zip(*(row[2] for row in rows), strict=True)]))
    for code, name, counts in rows:
        share = 100 * counts[4] / counts[0] if counts[0] else 0.0
        click.echo(f"{code:4}  {name:{widest}}  " + "  ".join(f"{count:>11,}" for count in counts) + f"  {share:5.1f}")
