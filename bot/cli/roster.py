"""``roster show``."""

from __future__ import annotations

import click

from bot.cli.context import fail, print_json, services
from bot.daytime import zone_name
from bot.phone import NotAPhone
from bot.registration import records


@click.command()
@click.argument("phone_or_nik")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def show(phone_or_nik: str, as_json: bool) -> None:
    """Show one worker's state; the NIK is masked."""
    with services() as parts:
        try:
            found = records.find_workers(parts.database, parts.vault, phone_or_nik)
        except NotAPhone as error:
            raise click.BadParameter(f"neither a NIK nor a phone: {error}", param_hint="PHONE_OR_NIK") from error
    if not found:
        fail("Nobody on the roster has this phone or NIK.")
    if as_json:
        print_json(found[0].as_json() if len(found) == 1 else [worker.as_json() for worker in found])
        return
    for worker in found:
        _tell(worker)


def _tell(worker: records.WorkerRecord) -> None:
    click.echo(f"{worker.name}  (NIK {worker.nik})")
    click.echo(f"  phone      {worker.phone or 'none'}{'  opted out' if worker.opted_out else ''}")
    click.echo(f"  district   {worker.district_code}")
    click.echo(f"  language   {worker.language}")
    click.echo(f"  state      {worker.state}")
    booking = worker.booking
    if booking is not None:
        hours = f"{booking.start}-{booking.end} {zone_name(booking.time_zone)}"
        click.echo(f"  booking    {booking.facility_code}, {booking.date} {hours}, dose {booking.dose}")
        click.echo(f"  ticket     {booking.ticket} ({booking.status})")
