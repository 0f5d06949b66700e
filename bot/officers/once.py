"""Requests of programs that must not be carried out twice: a key of theirs, what they asked, and what they were answered.

The key is taken in a transaction of its own before the act, so of two at once one acts and the other is told to wait. All
acts are themselves safe to repeat: one of which nobody knows how it ended may be taken up again after a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.db.database import Database

#: How long an answer counts (``bot.privacy`` deletes it), and after how long a request without one counts as broken off.
KEPT: Final = timedelta(hours=24)
BROKEN_OFF: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Begun:
    """Nobody has asked this before: carry it out, then ``finish`` or ``give_up``."""


@dataclass(frozen=True, slots=True)
class Answered:
    """It has been carried out; this was the answer."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The same request is being carried out at this moment."""


@dataclass(frozen=True, slots=True)
class Another:
    """The key belongs to another request."""


# Whoever inserts or renews the row acts. Rows that are over, or were broken off with the same request, are renewed.
_TAKE = """
INSERT INTO idempotent_request (token_id, key, request_hash, at) VALUES (%(token)s, %(key)s, %(hash)s, %(now)s)
ON CONFLICT (token_id, key) DO UPDATE
SET request_hash = EXCLUDED.request_hash, status = NULL, body = NULL, at = EXCLUDED.at
WHERE idempotent_request.at <= %(old)s
   OR (idempotent_request.status IS NULL AND idempotent_request.request_hash = EXCLUDED.request_hash
       AND idempotent_request.at <= %(broken)s)
RETURNING 1
"""
_FOUND = "SELECT request_hash, status, body FROM idempotent_request WHERE token_id = %s AND key = %s"
# Only by who took it: ``at`` is another's once the request has been taken up anew.
_MINE = "token_id = %(token)s AND key = %(key)s AND at = %(at)s AND status IS NULL"


def begin(
    database: Database, token_id: int, key: str, request_hash: bytes, now: datetime
) -> Begun | Answered | UnderWay | Another:
    """Take a key for a request, or say what has become of it; raises ``DatabaseAway``."""
    parameters = {
        "token": token_id,
        "key": key,
        "hash": request_hash,
        "now": now,
        "old": now - KEPT,
        "broken": now - BROKEN_OFF,
    }
    if database.row(_TAKE, parameters) is not None:
        return Begun()
    row = database.row(_FOUND, (token_id, key))
    if row is None:  # given up at this very moment
        return UnderWay()
    if bytes(row[0]) != request_hash:
        return Another()
    return UnderWay() if row[1] is None else Answered(row[1], row[2])


def finish(database: Database, token_id: int, key: str, at: datetime, status: int, body: object) -> None:
    """Keep the answer to the request that was taken at ``at``."""
    parameters = {"token": token_id, "key": key, "at": at, "status": status, "body": Jsonb(body)}
    database.rows(f"UPDATE idempotent_request SET status = %(status)s, body = %(body)s WHERE {_MINE}", parameters)


def give_up(database: Database, token_id: int, key: str, at: datetime) -> None:
    """Let the request that was taken at ``at`` be tried again under its key."""
    database.rows(f"DELETE FROM idempotent_request WHERE {_MINE}", {"token": token_id, "key": key, "at": at})
