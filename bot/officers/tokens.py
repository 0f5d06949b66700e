"""Tokens with which programs act in an admin's name: issued and revoked by the admin, and never able to do more than they.

A token is shown once; what is kept is its SHA-256. It is drawn with 256 bits, so nobody guesses it and no salt is needed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from bot.db import audit
from bot.db.database import Database, Row
from bot.db.prepared import LAZILY
from bot.officers import accounts
from bot.officers.accounts import Admin
from bot.officers.permissions import May, may

#: Rights that a program can make use of; a token is limited to some of them.
FOR_PROGRAMS: Final = (
    May.SEE_PROGRESS,
    May.SEE_CAMPAIGNS,
    May.COMPOSE,
    May.APPROVE,
    May.RUN_CAMPAIGNS,
    May.STOP_SENDING,
    May.SEE_PEOPLE,
    May.BOOK,
    May.SEE_SESSIONS,
    May.DESK,
    May.SEE_SYSTEM,
    May.SEE_AUDIT,
)
#: Characters of a token's name, and tokens in force that an admin may have.
LONGEST_NAME: Final = 60
MOST: Final = 20
#: Days that a token lasts, at most.
LONGEST_DAYS: Final = 366
#: What a token begins with, so that one that has leaked is recognised.
_MARK: Final = "balas_"
_NOTED_EVERY: Final = timedelta(minutes=1)
_LONGEST_TOKEN: Final = 200


class TokenError(ValueError):
    """A token cannot be issued; the text is one plain line."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its admin sees it."""

    id: int
    name: str
    scopes: frozenset[May]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_in_force(self, now: datetime) -> bool:
        """Whether a program may use it at that moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever shows a token: the admin it belongs to, and the rights that it is limited to."""

    token_id: int
    admin: Admin
    scopes: frozenset[May]

    @property
    def actor(self) -> str:
        """As the audit log names them: the admin, by a program."""
        return f"api:{self.admin.name}"

    def may(self, right: May) -> bool:
        """Whether the admin has the right now, and the token has it too."""
        return right in self.scopes and may(self.admin.role, right)


_TOKEN = "SELECT id, name, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_token"  # noqa: S105 - a statement
# The admin is locked, so that two at once are counted one after the other.
_LOCK = "SELECT id FROM admin WHERE id = %s FOR NO KEY UPDATE"
_IN_FORCE = "admin_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)"
_INSERT = """
INSERT INTO api_token (admin_id, name, token_hash, scopes, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
_NOTE_USE = f"UPDATE api_token SET last_used_at = %s WHERE id = %s AND {LAZILY}"


def issue(
    database: Database, admin: Admin, name: str, scopes: Collection[May], expires_at: datetime | None, *, now: datetime
) -> str:
    """Make a token and return it: it is never to be had again. Raises ``TokenError``."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise TokenError(f"A token's name has 1 to {LONGEST_NAME} printable characters, no space at its ends.")
    if not scopes:
        raise TokenError("A token needs at least one right.")
    if not all(right in FOR_PROGRAMS and may(admin.role, right) for right in scopes):
        raise TokenError("A token can have no right that you do not have.")
    if expires_at is not None and not now < expires_at <= now + timedelta(days=LONGEST_DAYS):
        raise TokenError(f"A token lasts 1 to {LONGEST_DAYS} days.")
    token = _MARK + secrets.token_urlsafe(32)
    names = sorted(right.name for right in set(scopes))
    with database.transaction() as connection:
        connection.execute(_LOCK, (admin.id,))
        there = connection.execute(f"SELECT name FROM api_token WHERE {_IN_FORCE}".encode(), (admin.id, now)).fetchall()
        if name in {each for (each,) in there}:
            raise TokenError("You have a token of that name already.")
        if len(there) >= MOST:
            raise TokenError(f"You have {MOST} tokens. Revoke one that is not needed any more.")
        row = connection.execute(_INSERT, (admin.id, name, _hash(token), names, now, expires_at)).fetchone()
        number = row[0] if row is not None else 0
        detail = {"rights": names, "expires_at": None if expires_at is None else expires_at.isoformat()}
        audit.record(connection, now, admin.name, "token.issue", f"token:{number}", detail)
    return token


def listed(database: Database, admin: Admin) -> list[Token]:
    """An admin's tokens, the newest first, also those that are over."""
    return [
        _token(row) for row in database.rows(f"{_TOKEN} WHERE admin_id = %s ORDER BY id DESC LIMIT 100", (admin.id,))
    ]


def revoke(database: Database, admin: Admin, number: int, *, now: datetime) -> bool:
    """End a token of an admin's at once; False if it is none of theirs, or revoked already."""
    with database.transaction() as connection:
        row = connection.execute(
            "UPDATE api_token SET revoked_at = %s WHERE id = %s AND admin_id = %s AND revoked_at IS NULL RETURNING id",
            (now, number, admin.id),
        ).fetchone()
        if row is not None:
            audit.record(connection, now, admin.name, "token.revoke", f"token:{number}")
    return row is not None


def end_all(connection: psycopg.Connection[Any], admin: int, now: datetime) -> int:
    """End all tokens of an admin's, within the transaction of what ends them; returns how many were in force."""
    return connection.execute(
        f"UPDATE api_token SET revoked_at = %s WHERE {_IN_FORCE}".encode(), (now, admin, now)
    ).rowcount


def in_force(database: Database, admin: int, now: datetime) -> int:
    """How many tokens of an admin's programs may use now."""
    found: int = database.value(f"SELECT count(*) FROM api_token WHERE {_IN_FORCE}", (admin, now))
    return found


def bearer(database: Database, token: str, now: datetime) -> Bearer | None:
    """Who shows that token, if it is in force and its admin not disabled. That it was used is noted once a minute."""
    if not token.startswith(_MARK) or len(token) > _LONGEST_TOKEN:
        return None
    row = database.row(f"SELECT admin_id, {_TOKEN.removeprefix('SELECT ')} WHERE token_hash = %s", (_hash(token),))
    if row is None:
        return None
    found = _token(row[1:])
    admin = accounts.by_id(database, row[0])
    if admin is None or admin.disabled_at is not None or not found.is_in_force(now):
        return None
    if found.last_used_at is None or not found.last_used_at <= now < found.last_used_at + _NOTED_EVERY:
        database.rows(_NOTE_USE, (now, found.id))
    return Bearer(found.id, admin, found.scopes)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _token(row: Row) -> Token:
    number, name, scopes, *moments = row
    # A right that there is no more gives nobody anything.
    return Token(number, name, frozenset(May[each] for each in scopes if each in May.__members__), *moments)
