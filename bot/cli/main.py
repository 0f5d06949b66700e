"""``python -m bot COMMAND``: the group of all commands, and how errors are told."""

from __future__ import annotations

import sys

import click
import psycopg

from bot.away import Away
from bot.cli.backup import backup, restore, restored
from bot.cli.bookings import bookings
from bot.cli.campaign import campaign
from bot.cli.campaign_cap import set_cap
from bot.cli.campaign_preview import preview
from bot.cli.campaign_report import report
from bot.cli.campaign_sending import send, status
from bot.cli.claims import claims
from bot.cli.context import RELEASE
from bot.cli.doctor import doctor
from bot.cli.flow import flow
from bot.cli.inbound import inbound
from bot.cli.keys import keys
from bot.cli.privacy import privacy
from bot.cli.progress import progress
from bot.cli.registration import registration
from bot.cli.registry import districts, facilities, roster, sample, sessions
from bot.cli.roster import show
from bot.cli.sending import sending
from bot.cli.serving import clock, database, demo, serve, web, worker
from bot.cli.spool import spool
from bot.cli.user import user
from bot.config import SettingError
from bot.db.migrate import TablesInUse
from bot.embedded.errors import EmbeddedServerError
from gateway_adapters.base import SettingMissing


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version=RELEASE, prog_name="balas")
def cli() -> None:
    """Balas: registers health workers for vaccination by SMS and USSD."""


roster.add_command(show)
inbound.add_command(spool)
database.add_command(restored)
for subcommand in (preview, report, send, status, set_cap):
    campaign.add_command(subcommand)
for command in (
    serve,
    demo,
    web,
    worker,
    clock,
    database,
    sample,
    districts,
    facilities,
    roster,
    sessions,
    bookings,
    campaign,
    sending,
    progress,
    privacy,
    keys,
    user,
    claims,
    inbound,
    registration,
    doctor,
    backup,
    restore,
    flow,
):
    cli.add_command(command)


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
