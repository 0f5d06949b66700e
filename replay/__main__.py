"""``python -m replay``: the night of 13 January 2021, compressed; exits with 1 if a figure was wrong or an invariant broken."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click
from rich.console import Console

from bench.failure import BenchFailed
from bench.folder import run_folder
from bot.embedded.errors import EmbeddedServerError
from replay.printing import show
from replay.report import DOCUMENT, last_alike, report, unfit, written
from replay.run import Wanted, replay
from replay.stage import ReplayFailed
from replay.storing import compared, store, stored

#: The night as it was, and a short one: workers, registrations by 18.30, times faster than real time at most, offices.
_WHOLE, _SHORT = (500_000, 71_000, 200.0, 20), (5_000, 710, 3_000.0, 6)
#: Registrations by 18.30 where only the number of workers is given: as many of them as in the whole night.
_SHARE = 71_000 / 500_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", type=int, default=2021, show_default=True, help="Draws people, arrivals and inputs.")
@click.option("--workers", type=click.IntRange(1_000, 900_000), help=f"On the roster. [default: {_WHOLE[0]:,}]")
@click.option("--registrations", type=click.IntRange(1), help=f"By 18.30. [default: {_SHARE:.1%} of the workers]")
@click.option(
    "--speed", type=click.FloatRange(1), help=f"Times faster than real time, at most. [default: {_WHOLE[2]:.0f}]"
)
@click.option("--short", is_flag=True, help=f"{_SHORT[0]:,} workers, as fast as it goes.")
@click.option("--compare", "compares", is_flag=True, help="Whether the last two of a kind came to the same books.")
@click.option("--write", "writes", is_flag=True, help="The last two stored ones go into docs/replay.md.")
def main(
    seed: int,
    workers: int | None,
    registrations: int | None,
    speed: float | None,
    short: bool,
    compares: bool,
    writes: bool,
) -> None:
    """Play the night through the real service, with books of its own that the dashboards must agree with."""
    folder = Path(os.environ.get("VAR", "").strip() or "var").absolute() / "replay"
    if compares:
        sys.exit(0 if _compare(folder) else 1)
    if writes:
        sys.exit(0 if _write(folder) else 1)
    default = _SHORT if short else _WHOLE
    many = workers or default[0]
    wanted = Wanted(seed, many, registrations or round(many * _SHARE), speed or default[2], default[3])
    console = Console(soft_wrap=False, width=None if sys.stdout.isatty() else 160)
    try:
        with run_folder(folder) as own:
            try:
                result = replay(wanted, own, lambda line: click.echo(line, err=True))
            except BaseException:
                _keep(own, folder)
                raise
            if not result.right:
                _keep(own, folder)
    except (BenchFailed, ReplayFailed, EmbeddedServerError, ValueError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    show(result, console)
    console.print(f"Kept: {store(result, folder)}")
    sys.exit(0 if result.right else 1)


def _compare(folder: Path) -> bool:
    """Print which stored replays came to the same books; whether all of one kind did."""
    found = compared(stored(folder))
    if not found:
        click.echo(f"There has been no replay: {folder} holds none.", err=True)
        return False
    for common, digests in found:
        if len(digests) == 1:
            click.echo(f"{common}: once, and nothing to compare with: {digests[0]}")
            continue
        same = "the same books" if len(set(digests)) == 1 else "OTHER BOOKS"
        click.echo(f"{common}: {len(digests)} times, {same}: {', '.join(sorted(set(digests)))}")
    again = [digests for _, digests in found if len(digests) > 1]
    return bool(again) and all(len(set(digests)) == 1 for digests in again)


def _write(folder: Path) -> bool:
    """Put the last replays into the document; whether there were any that it may tell of."""
    found = list(stored(folder))
    if not found:
        click.echo(f"There has been no replay: {folder} holds none.", err=True)
        return False
    replays = last_alike(found)
    if why := unfit(replays):
        click.echo(f"Nothing was written: {why}.", err=True)
        return False
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(written(text, report(replays)), encoding="utf-8")
    return True


def _keep(own: Path, folder: Path) -> None:
    """The service's log of a replay that went wrong; it names nobody."""
    log = own / "service.log"
    if log.exists():
        shutil.copy(log, folder / "service.log")


if __name__ == "__main__":
    main()
