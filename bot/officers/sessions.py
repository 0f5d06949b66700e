"""Sessions that were ended by signing out: what a cookie that was copied before must not open any more.

A cookie says itself until when it lasts, so only those that were ended early are kept, by the hash of their id, and only for
as long as they would have lasted.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from bot.db.database import Database

#: A session is over after so long without a request, and after so long in all.
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)

_END: Final = """
WITH over AS (DELETE FROM ended_session WHERE at < %(old)s)
INSERT INTO ended_session (id, at) VALUES (%(id)s, %(now)s) ON CONFLICT DO NOTHING
"""


def new_id() -> str:
    """An id that nobody guesses: 192 bits."""
    return secrets.token_urlsafe(24)


def end(database: Database, session: str, now: datetime) -> None:
    """End a session for good. Idempotent."""
    database.rows(_END, {"id": _hash(session), "now": now, "old": now - LONGEST})


def is_ended(database: Database, session: str) -> bool:
    """Whether a session was ended."""
    return database.row("SELECT 1 FROM ended_session WHERE id = %s", (_hash(session),)) is not None


def _hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()
