"""What was measured, and where: without this a figure says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import redis

_PROJECT = Path(__file__).resolve().parents[1]
_PACKAGES = ("flask", "werkzeug", "granian", "redis", "hiredis", "rq", "psycopg", "psycopg-binary")


def describe_machine() -> dict[str, object]:
    """Processor, memory, kernel, and how busy the machine was with other things when we came."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // 2**20,
        "system": f"{platform.system()} {_kernel()} {platform.machine()}",
        "load_average_before": [round(load, 2) for load in os.getloadavg()],
    }


def describe_versions(database_url: str, redis_url: str) -> dict[str, str]:
    """The versions of everything that a hop passes through."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    client = redis.Redis.from_url(redis_url)
    found = client.info("server")
    client.close()
    return {
        "python": platform.python_version(),
        "postgresql": str(row[0]) if row else "?",
        "valkey": str(found.get("valkey_version") or found.get("redis_version")),
        **{package: metadata.version(package) for package in _PACKAGES},
    }


def commit() -> str:
    """The commit that was measured, marked where the checkout has changes of its own; "" outside a checkout."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{head} with changes" if changed else head


def _git(*arguments: str) -> str:
    return subprocess.run(("git", *arguments), cwd=_PROJECT, capture_output=True, text=True, check=True).stdout.strip()


def _kernel() -> str:
    """Its version as two numbers: what follows says who built it."""
    return ".".join(platform.release().split(".")[:2])


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
