"""Commands about inbound SMS that were given up."""

from __future__ import annotations

import getpass

import click

from bot.cli.context import fail, print_json, services
from bot.cli.lazy import LazyGroup
from bot.messaging import inbound as letters
from bot.phone import mask_phone


@click.group(cls=LazyGroup, lazy={"spool": "bot.cli.spool:spool"})
def inbound() -> None:
    """Inbound SMS that failed too often: see them, try them again."""


@inbound.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def dead(as_json: bool) -> None:
    """List what was given up."""
    with services() as parts:
        found = letters.dead(parts.database)
    if as_json:
        print_json(
            [
                {
                    "id": letter.id,
                    "gateway": letter.gateway,
                    "phone": mask_phone(letter.phone),
                    "received_at": letter.received_at.isoformat(),
                    "reason": letter.reason,
                }
                for letter in found
            ]
        )
        return
    if not found:
        click.echo("No inbound SMS was given up.")
    for letter in found:
        when = f"{letter.received_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{letter.id}  {letter.gateway}, {mask_phone(letter.phone)}, {when}: {letter.reason}")


@inbound.command()
@click.argument("number", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="Everything that was given up.")
def replay(number: int | None, every: bool) -> None:
    """Try the SMS NUMBER, or --all, again; the sweep takes it up within seconds."""
    if every == (number is not None):
        raise click.UsageError("Name one NUMBER, or --all.")
    with services() as parts:
        actor = f"cli:{getpass.getuser()}"
        count = letters.replay(parts.database, number, parts.clock.now(), actor=actor)
    if not count and number is not None:
        fail(f"The inbound SMS {number} was not given up; see `python -m bot inbound dead`.")
    click.echo(f"{count} inbound SMS will be tried again.")
