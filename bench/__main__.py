"""``python -m bench``: runs the benches, a table on the terminal and ``var/bench/*.json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
from rich.console import Console

from bench import blast as blast_bench
from bench import hops as hops_bench
from bench import pages as pages_bench
from bench import rush as rush_bench
from bench.blast_printing import goals as blast_goals
from bench.blast_printing import show_blast
from bench.failure import BenchFailed
from bench.figures import as_json
from bench.machine import commit, describe_machine
from bench.pages_printing import goals as pages_goals
from bench.pages_printing import show_pages
from bench.printing import show
from bench.profiling import find_py_spy
from bench.rush_printing import goals as rush_goals
from bench.rush_printing import show_rush
from bot.embedded.errors import EmbeddedServerError

_DEFAULT = hops_bench.Wanted()
_DEFAULT_BLAST = blast_bench.WantedBlast()
_DEFAULT_PAGES = pages_bench.WantedPages()
_DEFAULT_RUSH = rush_bench.WantedRush()


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure the service; without a command, everything. Results go to VAR/bench (default var/bench)."""
    if context.invoked_subcommand is None:
        worked = [
            _run_hops(_DEFAULT, json_only=False),
            _run_blast(_DEFAULT_BLAST, json_only=False),
            _run_pages(_DEFAULT_PAGES, json_only=False),
            _run_rush(_DEFAULT_RUSH, json_only=False),
        ]
        sys.exit(0 if all(worked) else 1)


@bench.command()
@click.option("--subscribers", type=click.IntRange(1, 2000), default=_DEFAULT.subscribers, show_default=True)
@click.option(
    "--registrations", type=click.IntRange(1), default=_DEFAULT.registrations, show_default=True, help="A round."
)
@click.option("--rounds", type=click.IntRange(1, 100), default=_DEFAULT.rounds, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=_DEFAULT.workers, show_default=True, help="On the roster.")
@click.option("--web-only", is_flag=True, help="Without workers and clock: nobody sends the tickets.")
@click.option("--profile", is_flag=True, help="One more round under py-spy; see VAR/bench/profile.txt and .svg.")
@click.option("--json", "json_only", is_flag=True, help="JSON on stdout instead of tables.")
def hops(
    subscribers: int,
    registrations: int,
    rounds: int,
    workers: int,
    web_only: bool,
    profile: bool,
    json_only: bool,
) -> None:
    """Whole registrations through the Africa's Talking webhook, against the floor of two Redis round trips a hop."""
    wanted = hops_bench.Wanted(subscribers, registrations, rounds, workers, web_only, profile)
    sys.exit(0 if _run_hops(wanted, json_only=json_only) else 1)


@bench.command()
@click.option("--recipients", type=click.IntRange(1000), default=_DEFAULT_BLAST.recipients, show_default=True)
@click.option("--twilio", type=click.IntRange(0), default=_DEFAULT_BLAST.twilio, show_default=True, help="Of them.")
@click.option("--json", "json_only", is_flag=True, help="JSON on stdout instead of tables.")
def blast(recipients: int, twilio: int, json_only: bool) -> None:
    """Whole campaigns to a stub gateway, against the floor of a loop that sends the same and writes nothing."""
    if twilio > recipients // 2:
        raise click.UsageError("--twilio: at most half of the recipients.")
    wanted = blast_bench.WantedBlast(recipients, twilio)
    sys.exit(0 if _run_blast(wanted, json_only=json_only) else 1)


@bench.command()
@click.option("--workers", type=click.IntRange(10_000), default=_DEFAULT_PAGES.workers, show_default=True)
@click.option("--registered", type=click.IntRange(100), default=_DEFAULT_PAGES.registered, show_default=True)
@click.option("--messages", type=click.IntRange(1000), default=_DEFAULT_PAGES.messages, show_default=True)
@click.option("--times", type=click.IntRange(1), default=_DEFAULT_PAGES.times, show_default=True, help="Each page.")
@click.option("--json", "json_only", is_flag=True, help="JSON on stdout instead of tables.")
def pages(workers: int, registered: int, messages: int, times: int, json_only: bool) -> None:
    """The command room's pages over a country's worth of rows, and what subscribers notice of people who watch."""
    wanted = pages_bench.WantedPages(workers, registered, messages, times)
    sys.exit(0 if _run_pages(wanted, json_only=json_only) else 1)


@bench.command()
@click.option("--seconds", type=click.IntRange(5), default=int(_DEFAULT_RUSH.seconds), show_default=True)
@click.option("--json", "json_only", is_flag=True, help="JSON on stdout instead of tables.")
def rush(seconds: int, json_only: bool) -> None:
    """Twice as many subscribers as can be answered, and then as many as before."""
    sys.exit(0 if _run_rush(rush_bench.WantedRush(seconds=seconds), json_only=json_only) else 1)


def _folder() -> Path:
    return Path(os.environ.get("VAR", "").strip() or "var").absolute() / "bench"


def _say(line: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"bench: {line}", markup=False)


class _Result(Protocol):
    """What a bench found; ``right``: nothing broke."""

    @property
    def right(self) -> bool: ...


_R = TypeVar("_R", bound=_Result)


def _run(
    name: str,
    measure: Callable[[Path], _R],
    stored: Callable[[_R], dict[str, Any]],
    shown: Callable[[_R, dict[str, object], str, Console], None],
    *,
    json_only: bool,
) -> bool:
    """Measure, keep what came of it and show it; whether all of it was right."""
    folder, machine, at = _folder(), describe_machine(), datetime.now(UTC)
    try:
        result = measure(folder)
    except (BenchFailed, EmbeddedServerError, OSError) as error:
        click.echo(str(error), err=True)
        return False
    of = commit()
    head = {"bench": name, "at": at.isoformat(timespec="seconds"), "commit": of, "machine": machine}
    text = json.dumps({**head, **stored(result)}, indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    if json_only:
        click.echo(text)
    else:
        shown(result, machine, of, Console(soft_wrap=False))
    return result.right


def _run_hops(wanted: hops_bench.Wanted, *, json_only: bool) -> bool:
    def measure(folder: Path) -> hops_bench.Result:
        if wanted.profile:
            find_py_spy()
        return hops_bench.measure(wanted, folder, _say)

    def stored(result: hops_bench.Result) -> dict[str, Any]:
        return {
            "versions": result.versions,
            "wanted": asdict(wanted),
            "world": result.world,
            "ceiling": as_json(result.ceiling),
            "floor": [as_json(one) for one in result.floors],
            "hops": [as_json(one) for one in result.hops],
            "registrations": [as_json(one) for one in result.registrations],
            "summary": as_json(result.summary),
            "errors": result.errors,
            "examples": list(result.examples),
            "broken": list(result.broken),
        }

    return _run("hops", measure, stored, show, json_only=json_only)


def _run_blast(wanted: blast_bench.WantedBlast, *, json_only: bool) -> bool:
    def stored(result: blast_bench.BlastResult) -> dict[str, Any]:
        ratios = {one.sent.gateway: one.ratio for one in result.measured}
        return {**asdict(result), "ratios": ratios, "goals": _as_json(blast_goals(result))}

    return _run(
        "blast", lambda folder: blast_bench.measure(wanted, folder, _say), stored, show_blast, json_only=json_only
    )


def _run_pages(wanted: pages_bench.WantedPages, *, json_only: bool) -> bool:
    def stored(result: pages_bench.PagesResult) -> dict[str, Any]:
        return {**asdict(result), "goals": _as_json(pages_goals(result))}

    return _run(
        "pages", lambda folder: pages_bench.measure(wanted, folder, _say), stored, show_pages, json_only=json_only
    )


def _run_rush(wanted: rush_bench.WantedRush, *, json_only: bool) -> bool:
    def stored(result: rush_bench.RushResult) -> dict[str, Any]:
        return {**asdict(result), "goals": _as_json(rush_goals(result))}

    return _run("rush", lambda folder: rush_bench.measure(wanted, folder, _say), stored, show_rush, json_only=json_only)


def _as_json(goals: Iterable[tuple[str, bool]]) -> list[dict[str, Any]]:
    return [{"goal": words, "reached": reached} for words, reached in goals]


if __name__ == "__main__":
    bench()
