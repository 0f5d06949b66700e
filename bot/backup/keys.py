"""Whether a ``DATA_KEY`` opens what a backup, or a database, holds. The keys themselves are never written anywhere."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any, Final

import psycopg
from psycopg import sql

from bot.backup.manifest import Manifest
from bot.crypto import KEY_ID_BYTES, Undecipherable, Vault

_PURPOSE: Final = "backup"
_TEXT: Final = "Balas"
_SEALED = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE '%\\_sealed' ORDER BY 1, 2
"""
#: People whose NIK is opened and hashed, the first and the last of the roster.
_SOME: Final = 100
_NIKS = f"""
(SELECT nik_sealed, nik_hash FROM worker WHERE nik_sealed <> '' ORDER BY id LIMIT {_SOME})
UNION ALL (SELECT nik_sealed, nik_hash FROM worker WHERE nik_sealed <> '' ORDER BY id DESC LIMIT {_SOME})
"""

NOT_THE_KEY: Final = (
    "DATA_KEY is not the one that this is sealed with: NIKs, screening answers and SMS texts stay unreadable"
)
NOT_ALL_KEYS: Final = "DATA_KEY lacks a key that some of this is sealed with: keep all that were in use, newest first"
NOT_THE_HASH: Final = "no key in DATA_KEY is the one that hashed the NIKs: nobody would be found by NIK"


def probe(vault: Vault) -> tuple[str, str]:
    """A text sealed, and hashed, to be kept beside a backup."""
    return b64encode(vault.seal(_TEXT, _PURPOSE)).decode(), vault.hash(_TEXT).hex()


def key_ids(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """The ids of all keys that something in the database is sealed with, in hex."""
    found: set[str] = set()
    for table, column in connection.execute(_SEALED).fetchall():
        statement = sql.SQL(
            "SELECT DISTINCT encode(substring({column} FOR {bytes}), 'hex') FROM {table} WHERE {column} <> ''"
        )
        parts = {"column": sql.Identifier(column), "table": sql.Identifier(table), "bytes": sql.Literal(KEY_ID_BYTES)}
        found |= {key for (key,) in connection.execute(statement.format(**parts))}
    return tuple(sorted(found))


def wrong_with(vault: Vault, manifest: Manifest) -> str | None:
    """Why the vault's keys would not open a backup, None if they would."""
    try:
        if vault.open(b64decode(manifest.probe), _PURPOSE) != _TEXT:
            return NOT_THE_KEY
    except (Undecipherable, NotBase64):
        return NOT_THE_KEY
    if bytes.fromhex(manifest.hashed) not in vault.hashes(_TEXT):
        return NOT_THE_HASH
    return None if vault.holds(manifest.key_ids) else NOT_ALL_KEYS


def wrong_in(vault: Vault, connection: psycopg.Connection[Any], used: tuple[str, ...]) -> str | None:
    """Why the vault's keys do not open what is in the database, None if they do. ``used``: as ``key_ids`` told."""
    if not vault.holds(used):
        return NOT_ALL_KEYS
    for sealed, hashed in connection.execute(_NIKS).fetchall():
        try:
            if hashed not in vault.hashes(vault.open(sealed, "nik")):
                return NOT_THE_HASH
        except Undecipherable:
            return NOT_THE_KEY
    return None
