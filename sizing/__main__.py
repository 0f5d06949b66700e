"""``python -m sizing``: what rows and conversations take, and what follows for more people; writes ``docs/scaling.md``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg

from bench.failure import BenchFailed
from bench.machine import commit, describe_machine
from bot.embedded.errors import EmbeddedServerError
from sizing import measured, measuring, page
from sizing.inputs import Inputs, described
from sizing.tables import tables

_DEFAULT = measuring.Wanted()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def sizing() -> None:
    """What rows and conversations take, measured, and what that comes to for more people."""


def _with_inputs(command: Callable[..., None]) -> Callable[..., None]:
    for one in reversed(described()):
        words = f"{one.words}{f' ({one.unit})' if one.unit else ''}; {one.source}"
        option = click.option(
            one.option,
            one.name,
            type=click.FloatRange(0, min_open=True),
            default=one.default,
            show_default=True,
            help=words,
        )
        command = option(command)
    return command


@sizing.command()
@click.option("--workers", type=click.IntRange(500), default=_DEFAULT.workers, show_default=True, help="On the roster.")
@click.option("--registrations", type=click.IntRange(10), default=_DEFAULT.registrations, show_default=True)
@click.option("--stopped", type=click.IntRange(1), default=_DEFAULT.stopped, show_default=True, help="At each screen.")
def measure(workers: int, registrations: int, stopped: int) -> None:
    """Fill a database by a small campaign and measure; the result goes to VAR/bench/sizes.json (default var/bench)."""
    wanted = measuring.Wanted(workers, registrations, stopped)
    folder, machine, at = _folder(), describe_machine(), datetime.now(UTC)
    try:
        sizes = measuring.measure(wanted, folder, lambda line: click.echo(f"sizing: {line}", err=True))
    except (BenchFailed, EmbeddedServerError, OSError, psycopg.Error) as error:
        _fail(str(error))
    head = {"bench": "sizes", "at": at.isoformat(timespec="seconds"), "commit": commit(), "machine": machine}
    text = json.dumps({**head, **asdict(sizes)}, indent=2, ensure_ascii=False)
    (folder / "sizes.json").write_text(text + "\n", encoding="utf-8")
    click.echo(text)


@sizing.command()
@_with_inputs
def show(**put: Any) -> None:
    """The tables for other inputs, on the terminal; the page stays as it is."""
    click.echo(tables(page.kept_measures(), Inputs(**put)))


@sizing.command()
@click.option(
    "--benches",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the benches' results are (VAR/bench): what they measured is kept beside the page first.",
)
def write(benches: Path | None) -> None:
    """Write the tables into docs/scaling.md, for the inputs as they stand in the code."""
    try:
        if benches is not None:
            page.keep_measures(measured.keep(benches))
        text = page.written(page.PAGE.read_text(encoding="utf-8"), page.kept_measures(), Inputs())
    except (BenchFailed, OSError, ValueError, KeyError) as error:
        _fail(f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error))
    page.PAGE.write_text(text, encoding="utf-8")


def _folder() -> Path:
    return Path(os.environ.get("VAR", "").strip() or "var").absolute() / "bench"


def _fail(words: str) -> Any:
    click.echo(words, err=True)
    sys.exit(1)


if __name__ == "__main__":
    sizing()
