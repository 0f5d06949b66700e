"""What a command works with, and how it speaks."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bot import config, log
from bot.embedded.secrets import secrets_of
from bot.embedded.servers import using_servers
from bot.services import Services

#: The release, as ``--version`` tells it.
RELEASE = "0.1.0"


@contextmanager
def services(*, long_work: bool = False) -> Iterator[Services]:
    """The parts of this command, from the environment; embedded servers where no URL is set.

    ``long_work``: statements may take as long as they need (imports).
    """
    environ = dict(os.environ)
    environ.setdefault("SMS_GATEWAY", "none")
    limit = None if long_work else 10.0
    folder = Path(environ.get("VAR", "").strip() or "var").absolute()
    needs = {name: not environ.get(name, "").strip() for name in ("DATABASE_URL", "REDIS_URL")}
    if not any(needs.values()):
        if (folder / "secrets.json").exists():  # `make demo` on servers of one's own keeps its keys there
            environ |= secrets_of(folder, environ)
        yield from _opened(environ, limit)
        return
    with using_servers(folder, database=needs["DATABASE_URL"], redis=needs["REDIS_URL"]) as urls:
        if needs["DATABASE_URL"]:
            environ["DATABASE_URL"] = urls.database_url
            environ |= secrets_of(folder, environ)
        if needs["REDIS_URL"]:
            environ["REDIS_URL"] = urls.redis_url
        yield from _opened(environ, limit)


def _opened(environ: dict[str, str], limit: float | None) -> Iterator[Services]:
    settings = config.load(environ)
    log.configure(settings.log_level, service="cli")
    opened = Services(settings, statement_limit=limit)
    try:
        yield opened
    finally:
        opened.close()


def own_address(parts: Services) -> str:
    """PostgreSQL's address, for what a pooler cannot carry: locks and settings that outlast a transaction.

    Ends the command where ``DATABASE_URL`` names a pooler.
    """
    if parts.settings.database_pooler != "none":
        fail("DATABASE_URL names a pooler: give this command PostgreSQL's own address, and no DATABASE_POOLER.")
    return parts.settings.database_url


def print_json(value: Any) -> None:
    """Write ``value`` as JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def actor() -> str:
    """Who acts, as the audit log names them: the account of the operating system."""
    return f"cli:{getpass.getuser()}"


def fail(message: str) -> None:
    """End with one line on stderr and exit code 1."""
    click.echo(message, err=True)
    sys.exit(1)
