"""Commands that run the service or a part of it."""

from __future__ import annotations

import importlib
import os
import resource
from pathlib import Path

import click

from bot import config, listeners
from bot.cli import own_metrics
from bot.cli.context import fail, own_address, services
from bot.cli.lazy import LazyGroup
from bot.db import migrate
from bot.queues import Work
from bot.services import Services

#: Milliseconds that a connection may be idle, and that the head of a request may take. Longer than proxies keep one (nginx and
#: ingress-nginx 60 s): one that is closed just as a request comes on it costs that request, which nobody may send twice.
KEPT_IDLE_MS = 75_000
#: Files that a web process may have open: its connections, and some more.
_MOST_FILES = 65_536


@click.command()
def serve() -> None:
    """Run web, workers and clock, with embedded servers where no URL is set."""
    from bot.serve import run_service

    raise SystemExit(run_service(os.environ, sample_workers=None, simulator=False, demo=False))


@click.command(hidden=True)
def demo() -> None:
    """Run the service with a made-up roster and the phone simulator (``make demo``)."""
    from bot.serve import run_service

    wanted = os.environ.get("WORKERS_SAMPLE", "").strip() or "5000"
    if not wanted.isdecimal():
        fail(f"WORKERS_SAMPLE must be a whole number, not {wanted!r}")
    raise SystemExit(run_service(os.environ, sample_workers=int(wanted), simulator=True, demo=True))


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), default=None, help="Default: WEB_PROCESSES, else 2.")
def web(processes: int | None) -> None:
    """Serve HTTP at HOST:PORT."""
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from bot.web.processes import Server

    settings = config.load(os.environ)
    Services(settings).check_sending()
    given = listeners.inherited(os.environ)
    count = len(given) or processes or settings.web_processes
    os.environ["BALAS_PARENT"] = str(os.getpid())
    _allow_connections()
    # Loaded once, and there for every process that is forked: also for the successor of one that was killed.
    importlib.import_module("bot.web.app")
    server = Server(
        "wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=count,
        # A second thread would take its turns from the first: measured, a hop then costs 40 % more. Processes, not threads.
        blocking_threads=1,
        backlog=2048,
        # Whoever waits is to wait where it is seen how long (bot/web/queue_marks.py), not unaccepted.
        backpressure=4096,
        http1_settings=HTTP1Settings(header_read_timeout=KEPT_IDLE_MS),
        log_level=LogLevels.warning,
        log_access=False,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=8,
        working_dir=Path(__file__).resolve().parents[2],
        listeners=given,
    )
    try:
        server.serve()
    finally:
        own_metrics.remove()


def _allow_connections() -> None:
    """Have as many files open, of which a connection is one, as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(_MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@click.command()
@click.option("--lane", type=click.Choice([work.value for work in Work]), required=True, help="What it serves.")
def worker(lane: str) -> None:
    """Work off one lane's queue."""
    from bot.worker import run_worker

    run_worker(Work(lane), config.load(os.environ))


@click.command()
def clock() -> None:
    """Run what is due by time: one clock of all leads, the others stand by."""
    from bot.clockwork import run_clock

    run_clock(config.load(os.environ))


@click.group(name="db", cls=LazyGroup, lazy={"restored": "bot.cli.backup:restored"})
def database() -> None:
    """The database."""


@database.command()
def upgrade() -> None:
    """Bring the database to this release's schema."""
    from bot.registration import closing

    with services(long_work=True) as parts:
        migrate.upgrade(own_address(parts))
        closing.set_first_value(parts.database, parts.settings.registration_closes_at, now=parts.clock.now())
    click.echo(f"The database is at {migrate.newest()}.")
