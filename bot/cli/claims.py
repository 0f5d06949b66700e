"""Commands about strange numbers that claim to be a worker's."""

from __future__ import annotations

import getpass
from dataclasses import asdict

import click

from bot.cli.context import fail, print_json, services
from bot.phone import mask_phone
from bot.registration import claims as register


@click.group()
def claims() -> None:
    """Numbers that proved NIK and birth date, but are not the roster's: they wait for an officer or for 24 hours."""


@claims.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def list_open(as_json: bool) -> None:
    """List the claims that wait."""
    with services() as parts:
        waiting = register.open_claims(parts.database)
    if as_json:
        print_json([{**asdict(claim), "opened_at": claim.opened_at.isoformat()} for claim in waiting])
        return
    if not waiting:
        click.echo("No claim waits for a decision.")
    for claim in waiting:
        old = "none on the roster" if claim.roster_phone is None else mask_phone(claim.roster_phone)
        click.echo(
            f"{claim.id}  {claim.worker}, district {claim.district_code}: {mask_phone(claim.phone)} instead of {old}, "
            f"since {claim.opened_at:%Y-%m-%d %H:%M} UTC"
        )


@claims.command()
@click.argument("number", type=int)
def approve(number: int) -> None:
    """Make the number of claim NUMBER the worker's own."""
    _decide(number, approve=True)
    click.echo("Approved: the number is the worker's now.")


@claims.command()
@click.argument("number", type=int)
def reject(number: int) -> None:
    """Shut the number of claim NUMBER out for good."""
    _decide(number, approve=False)
    click.echo("Rejected: the number cannot act for this worker any more.")


def _decide(number: int, *, approve: bool) -> None:
    with services() as parts:
        actor = f"cli:{getpass.getuser()}"
        if not register.decide(parts.database, number, approve=approve, now=parts.clock.now(), actor=actor):
            fail(f"There is no open claim {number}; see `python -m bot claims list`.")
