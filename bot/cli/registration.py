"""Commands about the registration as a whole."""

from __future__ import annotations

import getpass

import click

from bot.cli.context import services
from bot.config import SettingError, parse_moment
from bot.registration import closing


@click.group()
def registration() -> None:
    """The registration as a whole."""


@registration.command(name="close-at")
@click.argument("moment", metavar="TIME")
def close_at(moment: str) -> None:
    """Move the end of registration to TIME (ISO 8601 with offset, or `none`)."""
    try:
        end = None if moment.strip().lower() == "none" else parse_moment(moment, "TIME")
    except SettingError as error:
        raise click.BadParameter(str(error), param_hint="TIME") from error
    with services() as parts:
        closing.close_at(parts.database, end, now=parts.clock.now(), actor=f"cli:{getpass.getuser()}")
        zone = parts.settings.time_zone
    click.echo(
        "Registration has no end." if end is None else f"Registration ends at {end.astimezone(zone):%Y-%m-%d %H:%M %Z}."
    )
