"""One bench carried out: measured, kept and shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.console import Console

from bench.bench import Bench
from bench.failure import BenchFailed
from bench.keeping import bench_folder, keep
from bench.machine import commit, describe_machine
from bench.measures import Measured
from bot.embedded.errors import EmbeddedServerError


def say(line: str) -> None:
    """Tell whoever waits."""
    Console(stderr=True, soft_wrap=True).print(f"bench: {line}", markup=False)


def run(bench: Bench[Any, Any], wanted: object, *, json_only: bool = False, also_into: Sequence[Path] = ()) -> bool:
    """Measure, keep what came of it in VAR/bench and ``also_into``, and show it; whether all of it was right."""
    folder, machine, at = bench_folder(), describe_machine(), datetime.now(UTC)
    try:
        result = bench.measure(wanted, folder, say)
    except (BenchFailed, EmbeddedServerError, OSError, psycopg.Error) as error:
        click.echo(f"{bench.name}: {error}", err=True)
        return False
    of, measured = commit(), bench.measured(result)
    head = {"bench": bench.name, "at": at.isoformat(timespec="seconds"), "commit": of, "machine": machine}
    told = {**head, "common": measured.as_json(), **bench.stored(result)}
    text = json.dumps(told, indent=2, ensure_ascii=False)
    keep(text, bench.name, folder, *also_into)
    if json_only:
        click.echo(text)
    else:
        console = Console(soft_wrap=False)
        bench.shown(result, machine, of, console)
        show_common(measured, console)
    return measured.right


def show_common(measured: Measured, console: Console) -> None:
    """Goals, and what was wrong."""
    for goal in measured.goals:
        console.print(goal.line, markup=False, soft_wrap=True)
    for line in measured.wrong:
        console.print(f"WRONG: {line}", markup=False, soft_wrap=True)
    if measured.right:
        console.print("Every answer was right, and no invariant is broken.")
