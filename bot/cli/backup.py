"""``backup``, ``restore`` and ``db restored``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

from bot.away import Away
from bot.backup import restoring
from bot.backup.dumping import back_up
from bot.backup.failure import BackupFailed
from bot.backup.manifest import Manifest
from bot.backup.noting import note
from bot.cli.bar import bar
from bot.cli.context import RELEASE, actor, fail, own_address, services
from bot.services import Services

_APART = (
    "DATA_KEY is not in it, and it is worthless without: keep a copy of the key apart (with embedded servers it is in "
    "VAR/secrets.json)."
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def backup(folder: Path) -> None:
    """Back up the database into FOLDER, a new one, while the service runs."""
    began = time.monotonic()
    try:
        with services(long_work=True) as parts, bar() as tell:
            url, now = own_address(parts), parts.clock.now()
            taken, wrong = back_up(url, parts.vault, folder.absolute(), now, RELEASE, tell or _silent)
            note(parts.database, taken, took=time.monotonic() - began)
    except (BackupFailed, psycopg.OperationalError) as error:
        fail(_told(error))
        return
    except Away:
        fail("The backup is whole, but PostgreSQL went away before that could be noted there.")
        return
    rows = sum(taken.rows.values())
    click.echo(f"{folder}: {rows:,} rows in {taken.size / 1e6:,.1f} MB, as of {_when(taken)}, {_seconds(began)}")
    click.echo(_APART)
    if wrong is not None:
        click.echo(f"The backup is whole, but this environment's {wrong}.", err=True)
        sys.exit(1)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--moved", is_flag=True, help="The service was stopped before the backup: what waits may still leave.")
@click.option("--any-key", is_flag=True, help="Restore even if DATA_KEY does not open it.")
def restore(folder: Path, yes: bool, moved: bool, any_key: bool) -> None:
    """Restore the backup in FOLDER into an empty database, before any process of the service is started."""
    try:
        with services(long_work=True) as parts:
            url = own_address(parts)
            with bar() as tell:
                found = restoring.look(folder, parts.vault, tell or _silent, any_key=any_key)
                restoring.check_empty(url)
            workers, bookings = found.rows.get("worker", 0), found.rows.get("booking", 0)
            click.echo(
                f"Backup of {_when(found)}, release {found.release}: {workers:,} workers, {bookings:,} bookings."
            )
            if not yes:
                click.confirm(f"Restore it into {_place(url)}?", abort=True, err=True)
            began = time.monotonic()
            with bar() as tell:
                done = restoring.restore(
                    url, parts.vault, folder, found, parts.clock.now(), actor(), tell or _silent, moved=moved
                )
            click.echo(f"Restored, {_seconds(began)}; figures are counted anew by the sweep's worker.")
            _tell_next(parts, done.unknown, done.wrong_key, moved=moved)
    except (BackupFailed, psycopg.OperationalError) as error:
        fail(_told(error))


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def restored(yes: bool) -> None:
    """Make the database fit to go on with after PostgreSQL's own tools have set it back in time."""
    with services(long_work=True) as parts:
        url = own_address(parts)
        if not yes:
            question = f"Has {_place(url)} been set back? What waits there is then not sent by itself."
            click.confirm(question, abort=True, err=True)
        unknown = restoring.make_fit(url, {"by": "PostgreSQL"}, parts.clock.now(), actor())
        _tell_next(parts, unknown, restoring.opens(url, parts.vault), moved=False)


def _tell_next(parts: Services, unknown: int, wrong_key: str | None, *, moved: bool) -> None:
    if not moved:
        click.echo(
            f"{unknown:,} messages that waited are of unknown fate now: they may have left after the backup. "
            "Reminders and blasts are stopped; look at them, then: python -m bot sending resume"
        )
        if _holds_conversations(parts):
            click.echo(
                "Redis holds conversations that know what the backup does not: empty it before you start (FLUSHALL)."
            )
    click.echo("Next: python -m bot doctor, then start the service.")
    if wrong_key is not None:
        click.echo(f"Attention: {wrong_key}. Do not start the service before that is put right.", err=True)
        sys.exit(1)


def _holds_conversations(parts: Services) -> bool:
    try:
        return next(iter(parts.conversations.scan_iter("conv:*", count=1000)), None) is not None
    except redis.RedisError:
        return False


def _told(error: Exception) -> str:
    if isinstance(error, BackupFailed):
        return str(error)
    return "PostgreSQL does not answer, or went away meanwhile; there is no backup, and nothing was restored."


def _when(found: Manifest) -> str:
    return f"{found.taken_at:%Y-%m-%d %H:%M:%S} UTC"


def _place(url: str) -> str:
    about = conninfo_to_dict(url)
    return f"the database {about.get('dbname', '')} at {about.get('host', 'localhost')}"


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"


def _silent(step: str, done: float | None) -> None:
    """Nobody looks."""
