"""``python -m bench``: runs the benches of ``bench/registry.py``, tables on the terminal and JSON in VAR/bench."""

from __future__ import annotations

import sys
from typing import Any

import click

from bench.bench import Bench
from bench.keeping import bench_folder, new_run
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
def everything(runs: int) -> None:
    """Whole runs of every bench, kept in VAR/bench/runs/<n>/<bench>.json."""
    right = True
    for number in range(1, runs + 1):
        kept = new_run(bench_folder())
        for one in (*BENCHES, GROWTH):
            say(f"run {number} of {runs}, kept in {kept}: {one.name}")
            right = run(one, one.wanted(), also_into=[kept]) and right
    sys.exit(0 if right else 1)


def _command(of: Bench[Any, Any]) -> click.Command:
    def carry_out(*, json_only: bool, **options: object) -> None:
        sys.exit(0 if run(of, of.wanted(**options), json_only=json_only) else 1)

    as_json = click.Option(["--json", "json_only"], is_flag=True, help="JSON on stdout instead of tables.")
    return click.Command(of.name, callback=carry_out, params=[*of.options, as_json], help=of.about)


for _each in (*BENCHES, GROWTH):
    bench.add_command(_command(_each))

if __name__ == "__main__":
    bench()
