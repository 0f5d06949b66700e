"""The brakes: one switch that stops all lanes but replies. Claims, submissions and renewals look at it (``leases``)."""

from __future__ import annotations

from datetime import datetime

from psycopg.types.json import Jsonb

from bot.db import audit
from bot.db.database import Database
from bot.messaging.leases import STOPPED

_KEY = "sending_stopped"


def stop(database: Database, now: datetime, actor: str) -> bool:
    """Stop reminders and blasts: nothing more of them is handed over. Returns False if that was so already."""
    return _set(database, True, now, actor)


def go_on(database: Database, now: datetime, actor: str) -> bool:
    """Let reminders and blasts leave again, where they were. Returns False if nothing was stopped."""
    return _set(database, False, now, actor)


def is_stopped(database: Database) -> bool:
    """Whether everything but replies is stopped."""
    return bool(database.value(f"SELECT {STOPPED}"))


def _set(database: Database, stopped: bool, now: datetime, actor: str) -> bool:
    with database.transaction() as connection:
        # That there is no row means that nothing has ever been stopped.
        changed = connection.execute(
            "INSERT INTO setting (key, value, changed_at) SELECT %(key)s, %(value)s, %(now)s "
            "WHERE %(stopped)s OR EXISTS (SELECT 1 FROM setting WHERE key = %(key)s) "
            "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, changed_at = EXCLUDED.changed_at "
            "WHERE setting.value IS DISTINCT FROM EXCLUDED.value RETURNING key",
            {"key": _KEY, "value": Jsonb(stopped), "now": now, "stopped": stopped},
        ).fetchone()
        if changed is not None:
            audit.record(connection, now, actor, "sending.stop" if stopped else "sending.resume", _KEY)
    return changed is not None
