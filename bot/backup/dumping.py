"""Taking a backup while the service runs: one snapshot, from which both the dump and the manifest's counts are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bot.backup import keys, manifest
from bot.backup.failure import BackupFailed
from bot.backup.manifest import DUMP, Manifest
from bot.backup.programs import Tell, program, run
from bot.crypto import Vault
from bot.db import migrate

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
#: As quick as the disk, and a third of the size: the harder levels keep a core busy that callers need.
_COMPRESSION = "gzip:1"


def back_up(
    url: str, vault: Vault, folder: Path, now: datetime, release: str, tell: Tell
) -> tuple[Manifest, str | None]:
    """Dump the database at ``url`` into ``folder``, which is made and must be empty; both readable by their owner alone.

    Nobody waits for it: an upgrade of the schema does. Returns the manifest, and what is wrong with ``vault``'s keys, if
    anything. Raises ``BackupFailed``; nothing is left then.
    """
    made = _make(folder)
    try:
        with snapshot(url) as (connection, name):
            schema = migrate.revision_of(connection)
            if schema is None:
                raise BackupFailed("The database has not been set up: there is nothing to back up.")
            rows = count_rows(connection, tell)
            used = keys.key_ids(connection)
            wrong = keys.wrong_in(vault, connection, used)
            major = connection.info.server_version // 10000
            file = folder / DUMP
            argv = [str(program("pg_dump", major)), "--format=custom", f"--compress={_COMPRESSION}", "--no-owner"]
            argv += ["--no-privileges", f"--snapshot={name}", f"--file={file}"]
            run(argv, url, rows, "Dumping", tell)
        sealed, hashed = keys.probe(vault)
        size = file.stat().st_size
        sha256 = manifest.checksum(file, lambda done: tell("Checksum", done))
        taken = Manifest(now, release, schema, major, size, sha256, rows, sealed, hashed, used)
        manifest.write(taken, folder)
    except BaseException:
        _unmake(folder, whole=made)
        raise
    return taken, wrong


def count_rows(connection: psycopg.Connection[Any], tell: Tell) -> dict[str, int]:
    """How many rows each table has, as the connection's transaction sees them."""
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    counts: dict[str, int] = {}
    for number, name in enumerate(tables):
        tell("Counting", number / len(tables))
        found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        counts[name] = int(found[0]) if found else 0
    return counts


@contextmanager
def snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A transaction that keeps one moment, and the name by which others see the same."""
    with psycopg.connect(url, autocommit=True, application_name="balas backup") as connection:
        # An upgrade waits here rather than for a table, where everybody would wait behind it.
        connection.execute("SELECT pg_advisory_lock_shared(%s)", (migrate.UPGRADE_LOCK,))
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        found = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield connection, str(found[0]) if found else ""


def _make(folder: Path) -> bool:
    """An empty folder of our own; whether it was not there before."""
    try:
        if folder.exists():
            if any(folder.iterdir()):
                raise BackupFailed(f"{folder} is not empty: name a new folder for each backup.")
            folder.chmod(0o700)
            return False
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise BackupFailed(f"{folder} cannot be written to: {error.strerror}.") from error
    return True


def _unmake(folder: Path, *, whole: bool) -> None:
    if whole:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        for file in folder.iterdir():
            file.unlink(missing_ok=True)
