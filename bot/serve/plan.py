"""What the service consists of: which children it runs, with which commands."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot import listeners
from bot.serve.supervisor import Child

#: Each lane has a worker of its own, so that a blast never delays a reply.
LANES = ("reply", "reminder", "blast", "receipts", "sweep", "office")
#: Districts over which sample data are spread: those of the campaign of January 2021.
SAMPLE_DISTRICTS = 91


def _command(name: str, env: Mapping[str, str], *arguments: str) -> Child:
    # Unbuffered, or a child's lines would come in bursts.
    return Child(name, (sys.executable, "-m", "bot", *arguments), {**env, "PYTHONUNBUFFERED": "1"})


def metrics_folder(env: Mapping[str, str]) -> dict[str, str]:
    """Where web, workers and clock count together, so that ``/metrics`` tells of all; emptied at each start."""
    folder = Path(env["VAR"]) / "run" / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}


def migration(env: Mapping[str, str]) -> Child:
    """Brings the database to this release's schema."""
    return _command("database", env, "db", "upgrade")


def sample(env: Mapping[str, str], workers: int) -> Child:
    """Fills an empty roster with made-up workers, facilities and sessions."""
    districts = str(SAMPLE_DISTRICTS)
    return _command("sample", env, "sample", "load", "--workers", str(workers), "--districts", districts, "--if-empty")


def first_admin(env: Mapping[str, str], file: Path) -> Child:
    """Makes the demo's admin if nobody can sign in yet, and keeps their password in ``file``."""
    return _command("admin", env, "user", "first", "--keep-in", str(file))


def children(env: Mapping[str, str]) -> tuple[Child, ...]:
    """The children of a running service; its web server listens on the sockets that ``env`` names."""
    web = replace(_command("web", env, "web"), listeners=listeners.inherited(env))
    workers = tuple(_command(lane, env, "worker", "--lane", lane) for lane in LANES)
    return (web, *workers, _command("clock", env, "clock"))
