"""``python -m faults``: faults on purpose while a campaign runs; exits with 1 if a promise was broken."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from bench.folder import run_folder
from bench.machine import commit
from faults.kinds import KINDS
from faults.printing import show
from faults.run import Wanted, run
from faults.summary import DOCUMENT, summary, write

_RUNS = "faults.jsonl"


#: How many kinds a short run makes: with the seed, others each time.
_SHORT = 8


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", type=int, default=1, show_default=True, help="Orders faults and draws everything else.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs, each with the next seed.")
@click.option("--long", "is_long", is_flag=True, help=f"Every kind of fault, instead of {_SHORT} that the seed draws.")
@click.option("--workers", type=click.IntRange(500), default=5000, show_default=True, help="On the roster.")
@click.option("--subscribers", type=click.IntRange(1), default=300, show_default=True)
@click.option("--only", multiple=True, type=click.Choice([kind.name for kind in KINDS]), help="These faults alone.")
@click.option(
    "--untimed", is_flag=True, help="Times are told and not judged: for machines that have other things to do."
)
@click.option("--summary", "sums_up", is_flag=True, help="All runs so far as one table, and no run.")
@click.option("--write", "writes", is_flag=True, help="With --summary: the table goes into docs/faults.md.")
def faults(
    seed: int,
    seeds: int,
    is_long: bool,
    workers: int,
    subscribers: int,
    only: tuple[str, ...],
    untimed: bool,
    sums_up: bool,
    writes: bool,
) -> None:
    """Break what may break while subscribers register and a blast leaves; a table of what became of everybody."""
    parent = Path(os.environ.get("VAR", "").strip() or "var").absolute() / "faults"
    if sums_up:
        _sum_up(parent / _RUNS, writes=writes)
        return
    console = Console(soft_wrap=False, width=None if sys.stdout.isatty() else 140)
    wrong, of = [], commit()
    for number in range(seed, seed + seeds):
        kinds = [kind for kind in KINDS if not only or kind.name in only]
        if not is_long and not only:
            kinds = random.Random(number).sample(kinds, _SHORT)
        with run_folder(parent) as folder:
            result = run(Wanted(number, kinds, workers, subscribers), folder, lambda line: click.echo(line, err=True))
            if not (result.kept if untimed else result.right):
                wrong.append(number)
                _keep(folder, parent / f"seed-{number}")
        show(result, console)
        with (parent / _RUNS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"commit": of, **asdict(result)}, default=lambda _body: None) + "\n")
    if wrong:
        console.print(f"Promises were broken with seed {', '.join(map(str, wrong))}; logs are below {parent}.")
    sys.exit(1 if wrong else 0)


def _sum_up(file: Path, *, writes: bool) -> None:
    if not file.exists():
        click.echo(f"There has been no run: {file} is not there.", err=True)
        sys.exit(1)
    if writes:
        write(file, DOCUMENT)
    click.echo(summary(file), nl=False)


def _keep(folder: Path, to: Path) -> None:
    """The service's log of a run that went wrong; it names nobody."""
    to.mkdir(exist_ok=True)
    shutil.copy(folder / "service.log", to / "service.log")


if __name__ == "__main__":
    faults()
