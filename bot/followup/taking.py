"""Somebody is taken on by one officer, given back, or done with: one conditional statement each, so that two never call."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.followup.listing import TAKEN_FOR
from bot.followup.reasons import REGISTERED
from bot.registration.officer import Officer, lock_in_reach, subject

_NOTE: Final = "follow-up.note"
LONGEST_NOTE: Final = 300

_TAKE = f"""
INSERT INTO follow_up AS u (worker_id, taken_by, taken_at)
SELECT w.id, %(me)s, %(now)s FROM worker w WHERE w.id = %(worker)s AND NOT {REGISTERED}
ON CONFLICT (worker_id) DO UPDATE SET taken_by = EXCLUDED.taken_by, taken_at = EXCLUDED.taken_at
WHERE u.taken_by IS NULL OR u.taken_at <= %(taken_since)s
RETURNING worker_id
"""
_MINE = "worker_id = %(worker)s AND taken_by = %(me)s AND taken_at > %(taken_since)s RETURNING worker_id"
_GIVE_BACK = f"UPDATE follow_up SET taken_by = NULL, taken_at = NULL WHERE {_MINE}"
_NOTE_DOWN = f"""
UPDATE follow_up SET outcome = %(outcome)s, note_sealed = %(note)s, noted_by = %(me)s, noted_at = %(now)s,
    taken_by = NULL, taken_at = NULL
WHERE {_MINE}
"""


class Outcome(enum.StrEnum):
    """What came of a call or visit."""

    REACHED = "reached"
    REFUSES = "refuses"
    MOVED = "moved"
    ILL = "ill"
    REGISTERED = "registered"


def take(database: Database, worker_id: int, officer: Officer, now: datetime) -> bool:
    """Take somebody on; False if another has them, or they are registered. Raises ``OutOfReach``."""
    return _change(database, _TAKE, "follow_up.take", worker_id, officer, now, {})


def give_back(database: Database, worker_id: int, officer: Officer, now: datetime) -> bool:
    """Let go of somebody one has taken; False if one has not. Raises ``OutOfReach``."""
    return _change(database, _GIVE_BACK, "follow_up.give-back", worker_id, officer, now, {})


def note(
    database: Database, vault: Vault, worker_id: int, outcome: Outcome, words: str, officer: Officer, now: datetime
) -> bool:
    """Note what came of it, and let go; False if one has not taken them (any more). ``words`` go under seal."""
    words = words.strip()[:LONGEST_NOTE]
    sealed = vault.seal(words, _NOTE) if words else None
    more: dict[str, object] = {"outcome": outcome.value, "note": sealed}
    return _change(database, _NOTE_DOWN, "follow_up.note", worker_id, officer, now, more)


def open_note(vault: Vault, sealed: bytes | None) -> str:
    """The words of a note."""
    return "" if sealed is None else vault.open(bytes(sealed), _NOTE)


def _change(
    database: Database,
    statement: str,
    action: str,
    worker_id: int,
    officer: Officer,
    now: datetime,
    more: dict[str, object],
) -> bool:
    with database.transaction() as connection:
        lock_in_reach(connection, officer, worker_id, "w.id")
        parameters = {"worker": worker_id, "me": officer.name, "now": now, "taken_since": now - TAKEN_FOR, **more}
        if connection.execute(statement.encode(), parameters).fetchone() is None:
            return False
        detail = {"outcome": more["outcome"]} if "outcome" in more else {}
        audit.record(connection, now, officer.name, action, subject(worker_id), detail)
        return True
