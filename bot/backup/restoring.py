"""Restoring a backup into an empty database, and making what is restored fit to go on with.

What the backup shows as waiting may have left after it was taken: it becomes ``unknown`` and is not sent again by itself
(DESIGN: never blindly twice), reminders and blasts are stopped until somebody lets them go on, and figures are counted anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from bot.backup import keys, manifest
from bot.backup.dumping import count_rows
from bot.backup.failure import BackupFailed
from bot.backup.manifest import Manifest
from bot.backup.programs import Tell, program, run
from bot.crypto import Vault
from bot.db import audit, migrate
from bot.db.database import Database
from bot.evaluation import figures
from bot.messaging import brakes

_MOST_JOBS: Final = 8
_REASON: Final = "restored from a backup"
_ANYTHING = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relkind <> 'v', c.relname
"""
_WAITING = """
WITH open AS (
    UPDATE attempt SET state = 'unknown', has_unknown = true, reason = %(reason)s, settled_at = %(now)s
    WHERE state IN ('queued', 'claimed', 'submitted') RETURNING id
)
UPDATE message SET state = 'unknown', reason = %(reason)s, settled_at = %(now)s
WHERE state = 'queued' AND attempt_id IN (SELECT id FROM open)
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """``unknown``: messages that waited. ``wrong_key``: what is wrong with the keys, if anything."""

    manifest: Manifest
    unknown: int
    wrong_key: str | None


def look(folder: Path, vault: Vault, tell: Tell, *, any_key: bool) -> Manifest:
    """What a backup is, if it is whole and the keys open it (or ``any_key``); raises ``BackupFailed``."""
    found = manifest.read(folder)
    if found.schema > migrate.newest():
        raise BackupFailed(f"The backup has the schema {found.schema} of a newer release: restore it with that one.")
    wrong = keys.wrong_with(vault, found)
    if wrong is not None and not any_key:
        raise BackupFailed(
            f"{wrong}. Put the key that was in use into DATA_KEY; it is kept apart from backups. "
            "(--any-key restores all the same.)"
        )
    manifest.check_dump(folder, found, lambda done: tell("Checksum", done))
    return found


def check_empty(url: str) -> None:
    """Raises ``BackupFailed`` if there is anything in the database."""
    with psycopg.connect(url) as connection:
        if connection.execute(_ANYTHING.encode()).fetchone() is not None:
            raise BackupFailed(
                "The database is not empty, and nothing in it is overwritten: make a new one (createdb; with embedded "
                "servers another VAR), and name it in DATABASE_URL."
            )


def restore(
    url: str, vault: Vault, folder: Path, found: Manifest, now: datetime, actor: str, tell: Tell, *, moved: bool
) -> Restored:
    """Restore a backup that ``look`` has found good into the empty database at ``url``, and bring it to this release.

    ``moved``: the service had been stopped before the backup was taken, so what waits has not left and may still leave.
    Raises ``BackupFailed``; the database is empty again then.
    """
    check_empty(url)
    argv = [str(program("pg_restore", found.postgres)), "--exit-on-error", "--no-owner", "--no-privileges"]
    argv += [f"--jobs={min(_MOST_JOBS, os.cpu_count() or 1)}", str(folder / manifest.DUMP)]
    try:
        run(argv, url, found.rows, "Restoring", tell)
        with psycopg.connect(url) as connection:
            rows = count_rows(connection, tell)
            different = sorted(
                name for name in rows.keys() | found.rows.keys() if rows.get(name) != found.rows.get(name)
            )
            if different:
                raise BackupFailed(f"Not all rows came back: {', '.join(different)} differ from the manifest.")
        wrong = opens(url, vault)
        migrate.upgrade(url)
        tell("Statistics", None)
        with psycopg.connect(url, autocommit=True) as connection:
            # Without them every plan is a guess, and plans are kept.
            connection.execute("ANALYZE")
        about = {"taken_at": found.taken_at.isoformat(), "schema": found.schema}
        unknown = make_fit(url, about, now, actor, moved=moved)
    except BaseException:
        _empty(url)
        raise
    return Restored(found, unknown, wrong)


def make_fit(url: str, about: Mapping[str, object], now: datetime, actor: str, *, moved: bool = False) -> int:
    """Make a database that was set back in time fit to go on with; how many messages are of unknown fate for that.

    ``about`` goes to the audit log.
    """
    with psycopg.connect(url) as connection:
        figures.forget(connection)
        unknown = 0 if moved else connection.execute(_WAITING, {"reason": _REASON, "now": now}).rowcount
        audit.record(
            connection, now, actor, "backup.restore", "database", {**about, "unknown": unknown, "moved": moved}
        )
    if not moved:
        database = Database(url)
        brakes.stop(database, now, actor)
        database.close()
    return unknown


def opens(url: str, vault: Vault) -> str | None:
    """Why the vault's keys do not open what is in the database, None if they do."""
    with psycopg.connect(url) as connection:
        return keys.wrong_in(vault, connection, keys.key_ids(connection))


def _empty(url: str) -> None:
    """Take away what a restore that failed has left, so that the next one finds an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        left: list[Any] = connection.execute(_ANYTHING.encode()).fetchall()
        for (name,) in left:
            kind = connection.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(quote_ident(%s))", (name,))
            row = kind.fetchone()
            if row is not None:
                what = {"v": "VIEW", "m": "MATERIALIZED VIEW", "S": "SEQUENCE"}.get(row[0], "TABLE")
                connection.execute(sql.SQL(f"DROP {what} IF EXISTS {{}} CASCADE").format(sql.Identifier(name)))
