"""Commands about this machine's spool: what came in while PostgreSQL was away, and is not in it yet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from bot.cli.context import actor, fail, print_json, services
from bot.messaging import replaying
from bot.messaging.letters import Letter, Unreadable
from bot.messaging.spool import Entry, Spool
from bot.phone import mask_phone

#: Seconds that a command waits for the web process that is replaying just then.
_PATIENCE = 30.0


@click.group()
def spool() -> None:
    """What was acknowledged while PostgreSQL was away and waits on this machine's disk (SPOOL)."""


@spool.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def waiting(as_json: bool) -> None:
    """List what waits."""
    with services() as parts:
        _tell(parts.spool, parts.spool.entries(), "Nothing waits.", as_json=as_json)


@spool.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def quarantined(as_json: bool) -> None:
    """List what was put aside: it could not be read, or PostgreSQL refused it."""
    with services() as parts:
        _tell(parts.spool, parts.spool.quarantined(), "Nothing was put aside.", as_json=as_json)


@spool.command()
@click.option("--quarantined", "again", is_flag=True, help="Also what was put aside.")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The spool of another machine, which is not running: its folder, or a copy of it.",
)
def replay(again: bool, folder: Path | None) -> None:
    """Replay what waits now, not within a second as the web processes do by themselves."""
    with services() as parts:
        chosen = parts.spool if folder is None else Spool(folder, parts.vault, parts.settings.spool_most)
        if not chosen.folder.is_dir():
            click.echo("Nothing waits.")
            return
        try:
            with chosen.replaying(_PATIENCE) as is_ours:
                if not is_ours:
                    fail("A web process is replaying; try again in a while.")
                if again:
                    replaying.release(chosen, parts.database, actor(), parts.clock.now())
                done, came_through = replaying.replay(chosen, parts.database, parts.vault)
        except OSError as error:
            fail(f"{chosen.folder} cannot be used: {error.strerror}.")
    told = f"{done.taken} replayed, {done.quarantined} put aside, {done.stuck} left for the next time."
    if not came_through:
        fail(f"PostgreSQL does not answer; {told}")
    click.echo(told)


def _tell(chosen: Spool, entries: Iterable[Entry], nothing: str, *, as_json: bool) -> None:
    found = [(entry, _read(chosen, entry)) for entry in entries]
    found.sort(key=lambda each: each[0].at)
    if as_json:
        print_json([_values(entry, read) for entry, read in found])
        return
    if not found:
        click.echo(nothing)
    for entry, read in found:
        when = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
        said = read if isinstance(read, str) else f"{read.kind}, {read.gateway}, {_masked(read) or 'no number'}"
        click.echo(f"{entry.path.parent.name}/{entry.path.name}  {when}: {said}")


def _read(chosen: Spool, entry: Entry) -> Letter | str:
    """The letter, or why it cannot be read."""
    try:
        return chosen.read(entry)
    except FileNotFoundError:
        return "replayed meanwhile"
    except Unreadable as error:
        return str(error)


def _values(entry: Entry, read: Letter | str) -> dict[str, object]:
    letter = None if isinstance(read, str) else read
    return {
        "file": f"{entry.path.parent.name}/{entry.path.name}",
        "received_at": entry.at.isoformat(),
        "kind": letter.kind if letter else None,
        "gateway": letter.gateway if letter else None,
        "phone": _masked(letter) if letter else None,
        "problem": read if isinstance(read, str) else None,
    }


def _masked(letter: Letter) -> str | None:
    return mask_phone(letter.event.phone) if letter.event.phone else None
