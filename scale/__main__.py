"""``python -m scale``: the service on several hosts; exits with 1 if anything durable was lost."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.failure import BenchFailed
from bench.folder import run_folder
from bench.machine import commit, describe_machine
from bench.people import choose_callers, roster_for
from bench.stage import ended_by_sigterm
from scale.carrying import warm_up
from scale.failing import fail_over
from scale.hosts import NoHosts
from scale.page import Result, tables, write
from scale.postgres import NoPooler
from scale.stage import STRAIGHT, Stage, staged
from scale.throughput import Row, measure

_PROJECT = Path(__file__).resolve().parents[1]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--registrations", type=click.IntRange(20), default=400, show_default=True, help="For each measurement.")
@click.option("--subscribers", type=click.IntRange(10), default=150, show_default=True, help="While servers fail.")
@click.option(
    "--short", is_flag=True, help="Fewer of both, one measurement, two failures: what has to hold for a change."
)
@click.option("--write", "writes", is_flag=True, help="Write the tables into docs/scaling.md.")
def scale(registrations: int, subscribers: int, short: bool, writes: bool) -> None:
    """Measure the service on hosts of their own, and make servers fail over while people register. Needs root."""
    if short:
        registrations, subscribers = 40, 40
    parent = Path(os.environ.get("VAR", "").strip() or "var").absolute() / "scale"
    try:
        with ended_by_sigterm(), run_folder(parent) as folder:
            try:
                result = _run(folder, registrations, subscribers, short=short)
            except (BenchFailed, TimeoutError, RuntimeError):
                _keep(folder, parent / "wrong")
                raise
            if not result.outcome.right:
                _keep(folder, parent / "wrong")
    except (NoHosts, NoPooler, BenchFailed, TimeoutError, RuntimeError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(tables(result))
    for name in (
        "lost_tickets",
        "lost_texts",
        "doubled_messages",
        "doubled_bookings",
        "overbooked",
        "broken",
        "unserved",
    ):
        for line in getattr(result.outcome.verdict, name)[:5]:
            click.echo(f"WRONG: {name.replace('_', ' ')}: {line}", err=True)
    if writes:
        write(result, _PROJECT / "docs" / "scaling.md")
    sys.exit(0 if result.outcome.right else 1)


def _run(folder: Path, registrations: int, subscribers: int, *, short: bool) -> Result:
    machine = describe_machine()
    webs = (2,) if short else (1, 2, 4)
    wanted = (len(webs) + (not short)) * registrations + subscribers
    with staged(folder, roster_for(wanted), _say) as stage:
        callers = choose_callers(stage.primary.url, wanted)
        warm_up(stage)
        rows = []
        if not short:
            mine, callers = callers[:registrations], callers[registrations:]
            rows.append(_measured(stage, "1, PostgreSQL without pooler", [stage.straight], mine, STRAIGHT))
        for many in webs:
            mine, callers = callers[:registrations], callers[registrations:]
            rows.append(_measured(stage, str(many), stage.webs[:many], mine, f"web{many}x"))
        outcome = fail_over(stage, callers, short, _say)
    return Result(machine, commit(), f"{datetime.now(UTC):%Y-%m-%d}", tuple(rows), outcome)


def _measured(
    stage: Stage, words: str, places: Sequence[tuple[str, int]], callers: list[tuple[str, str]], session: str
) -> Row:
    _say(f"{len(callers)} register by {words}")
    return measure(stage, words, places, callers, session)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _keep(folder: Path, to: Path) -> None:
    """The logs of a run that went wrong; they name nobody."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for log in folder.glob("*.log"):
        if log.name != "messages.log":
            shutil.copy(log, to)


if __name__ == "__main__":
    scale()
