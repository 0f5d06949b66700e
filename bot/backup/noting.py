"""When the last backup was taken, kept in the database itself, so that somebody can be told that there is none."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from bot.backup.manifest import Manifest
from bot.db.database import Database

_KIND: Final = "backup"
_NOTE = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%s, %s, %s, %s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


def note(database: Database, taken: Manifest, *, took: float) -> None:
    """A backup is whole. ``took``: seconds. Raises ``DatabaseAway``."""
    body = {"size": taken.size, "rows": sum(taken.rows.values())}
    database.rows(_NOTE, (_KIND, taken.taken_at, round(took * 1000), Jsonb(body)))


def last_backup(database: Database) -> datetime | None:
    """As of when the last one is, None if there is none; raises ``DatabaseAway``."""
    found: datetime | None = database.value("SELECT as_of FROM figure_snapshot WHERE kind = %s", (_KIND,))
    return found
