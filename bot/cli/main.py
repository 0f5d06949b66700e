"""``python -m bot COMMAND``: the group of all commands, and how errors are told."""

from __future__ import annotations

import sys

import click
import psycopg

from bot.away import Away
from bot.cli.context import RELEASE
from bot.cli.lazy import LazyGroup
from bot.config import SettingError
from bot.db.migrate import TablesInUse
from bot.embedded.errors import EmbeddedServerError
from gateway_adapters.base import SettingMissing

_COMMANDS = {
    "serve": "serving:serve",
    "demo": "serving:demo",
    "web": "serving:web",
    "worker": "serving:worker",
    "clock": "serving:clock",
    "db": "serving:database",
    "sample": "registry:sample",
    "districts": "registry:districts",
    "facilities": "registry:facilities",
    "roster": "registry:roster",
    "sessions": "registry:sessions",
    "bookings": "bookings:bookings",
    "campaign": "campaign:campaign",
    "sending": "sending:sending",
    "progress": "progress:progress",
    "privacy": "privacy:privacy",
    "keys": "keys:keys",
    "user": "user:user",
    "claims": "claims:claims",
    "inbound": "inbound:inbound",
    "registration": "registration:registration",
    "doctor": "doctor:doctor",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "flow": "flow:flow",
}


@click.group(
    cls=LazyGroup,
    lazy={name: f"bot.cli.{place}" for name, place in _COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name=None, version=RELEASE, prog_name="balas")
def cli() -> None:
    """Balas: registers health workers for vaccination by SMS and USSD."""


def main() -> None:
    """Run a command: exit code 0, 1 on a failure told in one line, 2 on wrong usage."""
    try:
        cli(standalone_mode=True)
    except (SettingError, SettingMissing, EmbeddedServerError) as error:
        click.echo(str(error), err=True)
    except TablesInUse:
        click.echo("A table that has to be changed was in use all the time: try again in a quieter minute.", err=True)
    except psycopg.errors.UndefinedTable:
        click.echo("The database has not been set up: run `python -m bot db upgrade` (or `make demo`).", err=True)
    except Away:
        click.echo("PostgreSQL or Redis does not answer; see `python -m bot doctor` and the addresses set.", err=True)
    else:
        return
    sys.exit(1)
