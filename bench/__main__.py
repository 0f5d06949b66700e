"""``python -m bench``: runs the benches of ``bench/registry.py``, tables on the terminal and JSON in VAR/bench."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench import report
from bench.bench import Bench
from bench.failure import BenchFailed
from bench.keeping import bench_folder, new_run
from bench.machine import commit
from bench.registry import BENCHES, GROWTH
from bench.running import run, say

#: Whole runs whose spread the tables show, unless told otherwise.
_RUNS = 3


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure the service; without a command, ``all``. Results go to VAR/bench (default var/bench)."""
    if context.invoked_subcommand is None:
        context.invoke(everything)


@bench.command("all")
@click.option("--runs", type=click.IntRange(1), default=_RUNS, show_default=True, help="One after another.")
@click.option("--growth/--no-growth", default=True, show_default=True, help="How costs grow, after the last.")
def everything(runs: int, growth: bool) -> None:
    """Whole runs of every bench, kept in VAR/bench/runs/<n>/<bench>.json; and how costs grow, after the last."""
    right = True
    if not report.is_commit(of := commit()):
        say(f"this is measured at {of or 'no commit'}: report will not take it")
    for number in range(1, runs + 1):
        kept = new_run(bench_folder())
        # How costs grow is a comparison by itself, and takes as long as all the others.
        for one in (*BENCHES, GROWTH) if growth and number == runs else BENCHES:
            say(f"run {number} of {runs}, kept in {kept}: {one.name}")
            right = run(one, one.wanted(), also_into=[kept]) and right
    sys.exit(0 if right else 1)


@bench.command("report")
@click.option(
    "--runs", type=click.IntRange(report.LEAST_RUNS), default=_RUNS, show_default=True, help="The last so many."
)
@click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=report.DOCUMENT,
    help="By default docs/performance.md.",
)
def write_report(runs: int, document: Path) -> None:
    """Write the tables of the last whole runs into docs/performance.md, and what they are made of beside it."""
    try:
        found = report.last_runs(bench_folder(), runs)
        report.check(found, [one.name for one in BENCHES])
        report.write(document, found, apart=[GROWTH.name])
    except (BenchFailed, OSError) as error:
        raise click.ClickException(str(error)) from error
    say(f"{document} has the tables of {runs} runs")


def _command(of: Bench[Any, Any]) -> click.Command:
    def carry_out(*, json_only: bool, **options: object) -> None:
        sys.exit(0 if run(of, of.wanted(**options), json_only=json_only) else 1)

    as_json = click.Option(["--json", "json_only"], is_flag=True, help="JSON on stdout instead of tables.")
    return click.Command(of.name, callback=carry_out, params=[*of.options, as_json], help=of.about)


for _each in (*BENCHES, GROWTH):
    bench.add_command(_command(_each))

if __name__ == "__main__":
    bench()
