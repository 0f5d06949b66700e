"""Replacing ``DATA_KEY`` while everything runs: what is sealed or hashed with an older key is made anew with the first one.

The order, each step finished everywhere before the next: ``DATA_KEY=old,new`` (all can read the new key, nobody uses it),
``DATA_KEY=new,old`` (what is new is made with it, what is old is still found), this, and once nothing depends on the old
one any more, ``DATA_KEY=new``. Every row is found at every moment: whoever looks for a NIK looks for its hash with each key.

Rows are seen to in small transactions, in the order of their ids; how far that has come is written along with them. A row
that somebody else holds is passed over and seen to at the end, by itself: so no hop waits for more than one row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
import redis
from psycopg.types.json import Jsonb

from bot.crypto import KEY_ID_BYTES, Vault
from bot.db import audit
from bot.db.database import Database
from bot.privacy.columns import ABOUT
from bot.registration.importing.importer import REGISTRY_LOCK

#: Rows seen to in one transaction.
AT_ONCE: Final = 200
#: Passes through all tables, until nothing is left that other processes have sealed with an older key meanwhile.
_PASSES: Final = 3
_PREFIX: Final = "key:"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table with sealed columns, and the purposes that they are bound to. ``hashed``: its NIK's hash is made anew too."""

    table: str
    key: str
    columns: Mapping[str, str]
    hashed: bool = False
    at_once: int = AT_ONCE


SEALED: Final[tuple[Sealed, ...]] = (
    Sealed("worker", "id", ABOUT["worker"].sealed, hashed=True),
    Sealed("enquiry", "id", ABOUT["enquiry"].sealed, hashed=True),
    Sealed("inbound", "id", ABOUT["inbound"].sealed),
    Sealed("screening", "worker_id", ABOUT["screening"].sealed),
    Sealed("follow_up", "worker_id", ABOUT["follow_up"].sealed),
    Sealed("admin", "id", {"totp_sealed": "totp"}),
    # A file may be large.
    Sealed("upload", "id", {"content_sealed": "upload.content", "rejected_sealed": "upload.rejected"}, at_once=1),
)


@dataclass(frozen=True, slots=True)
class Left:
    """What still depends on an older key: rows of each table, and conversations that hold a NIK sealed with it."""

    rows: Mapping[str, int]
    conversations: int

    @property
    def nothing(self) -> bool:
        """Whether the older keys may be dropped."""
        return not any(self.rows.values()) and not self.conversations


#: Told as a table is gone through: its name, rows seen to so far, rows that were made anew.
Tell = Callable[[str, int, int], object]


def left(database: Database, conversations: redis.Redis, vault: Vault) -> Left:
    """What depends on an older key. Reads whole tables; raises ``redis.RedisError``."""
    rows = {}
    for each in SEALED:
        old = " OR ".join(f"({column} <> '' AND substring({column} FROM 1 FOR 4) <> %(id)s)" for column in each.columns)
        rows[each.table] = int(database.value(f"SELECT count(*) FROM {each.table} WHERE {old}", {"id": vault.key_id}))
    return Left(rows, _conversations(conversations, vault))


def rotate(
    database: Database, vault: Vault, now: Callable[[], datetime], actor: str, tell: Tell, *, at_once: int | None = None
) -> dict[str, int]:
    """Make anew what was made with an older key; returns how many rows of each table. Safe to repeat, and to interrupt."""
    changed = {each.table: 0 for each in SEALED}
    for _pass in range(_PASSES):
        for each in SEALED:
            changed[each.table] += _Table(database, vault, each, at_once or each.at_once).go_through(now, tell)
        if not any(_stale(database, vault, each) for each in SEALED):
            break
        # Somebody has sealed with an older key behind us: from the beginning.
        database.rows("DELETE FROM data_walk WHERE starts_with(name, %s)", (_prefix(vault),))
    if any(changed.values()):
        with database.transaction() as connection:
            detail: dict[str, object] = {table: count for table, count in changed.items() if count}
            audit.record(connection, now(), actor, "keys.rotate", "keys", detail)
    return changed


# --- within --------------------------------------------------------------------------------------------------------


def _prefix(vault: Vault) -> str:
    return f"{_PREFIX}{vault.key_id.hex()}:"


def _stale(database: Database, vault: Vault, of: Sealed) -> bool:
    old = " OR ".join(f"({column} <> '' AND substring({column} FROM 1 FOR 4) <> %(id)s)" for column in of.columns)
    found: bool = database.value(f"SELECT EXISTS (SELECT 1 FROM {of.table} WHERE {old})", {"id": vault.key_id})
    return found


class _Table:
    """One table on its way to the first key."""

    def __init__(self, database: Database, vault: Vault, of: Sealed, at_once: int) -> None:
        self._database = database
        self._vault = vault
        self._of = of
        self._at_once = at_once
        self._mark = f"{_prefix(vault)}{of.table}"

    def go_through(self, now: Callable[[], datetime], tell: Tell) -> int:
        """From where it was left to the end; returns how many rows were made anew."""
        seen, changed, passed_over = 0, 0, list[int]()
        after = int(self._database.value("SELECT up_to FROM data_walk WHERE name = %s", (self._mark,)) or 0)
        while True:
            ids = [
                row[0]
                for row in self._database.rows(
                    f"SELECT {self._of.key} FROM {self._of.table} WHERE {self._of.key} > %s ORDER BY 1 LIMIT %s",
                    (after, self._at_once),
                )
            ]
            if not ids:
                break
            with self._database.transaction() as connection:
                free, count = self._make_anew(connection, ids, "FOR UPDATE SKIP LOCKED")
                passed_over += [each for each in ids if each not in free]
                after = ids[-1]
                # What was passed over is not behind us yet: whoever takes this up again begins there.
                self._note(connection, passed_over[0] - 1 if passed_over else after, count, now())
            seen, changed = seen + len(ids), changed + count
            tell(self._of.table, seen, changed)
        for each in passed_over:
            with self._database.transaction() as connection:
                changed += self._make_anew(connection, [each], "FOR UPDATE")[1]
        if passed_over:
            with self._database.transaction() as connection:
                self._note(connection, after, 0, now())
            tell(self._of.table, seen, changed)
        return changed

    def _note(self, connection: psycopg.Connection[Any], up_to: int, count: int, at: datetime) -> None:
        connection.execute(
            "INSERT INTO data_walk AS d (name, up_to, done, at) VALUES (%s, %s, %s, %s) ON CONFLICT (name) DO UPDATE "
            "SET up_to = greatest(d.up_to, EXCLUDED.up_to), done = d.done + EXCLUDED.done, at = EXCLUDED.at",
            (self._mark, up_to, count, at),
        )

    def _make_anew(self, connection: psycopg.Connection[Any], ids: Sequence[int], lock: str) -> tuple[set[int], int]:
        """See to some rows within a transaction: (those that nobody else held, how many of them were changed)."""
        of = self._of
        if of.hashed:
            # An import looks for everybody by their hash and then writes: it must not change in between.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (REGISTRY_LOCK,))
        names = [of.key, *of.columns, *(["nik_hash"] if of.hashed else [])]
        rows = connection.execute(
            f"SELECT {', '.join(names)} FROM {of.table} WHERE {of.key} = ANY(%s) ORDER BY {of.key} {lock}".encode(),
            (list(ids),),
        ).fetchall()
        changes: list[dict[str, Any]] = []
        hashes: dict[bytes, bytes] = {}
        for row in rows:
            values = dict(zip(names, row, strict=True))
            fresh: dict[str, bytes | None] = {
                column: self._sealed_anew(values[column], purpose) for column, purpose in of.columns.items()
            }
            if of.hashed and values["nik_sealed"]:
                was = bytes(values["nik_hash"])
                fresh["nik_hash"] = now = self._vault.hash(self._vault.open(bytes(values["nik_sealed"]), "nik"))
                if was != now:
                    hashes[was] = now
            if any(value is not None and value != values[column] for column, value in fresh.items()):
                changes.append(values | {column: new for column, new in fresh.items() if new is not None})
        if changes:
            self._write(connection, names[1:], changes)
        if hashes:
            _rename(connection, hashes)
        return {row[0] for row in rows}, len(changes)

    def _sealed_anew(self, sealed: bytes | None, purpose: str) -> bytes | None:
        """The same under the first key; None where there is nothing, or it is so already."""
        if not sealed or self._vault.is_current(sealed):
            return None
        return self._vault.seal_bytes(self._vault.open_bytes(bytes(sealed), purpose), purpose)

    def _write(self, connection: psycopg.Connection[Any], columns: list[str], changes: list[dict[str, Any]]) -> None:
        key = self._of.key
        arrays = ", ".join([f"%({key})s::bigint[]", *(f"%({name})s::bytea[]" for name in columns)])
        connection.execute(
            f"UPDATE {self._of.table} t SET {', '.join(f'{name} = v.{name}' for name in columns)} "
            f"FROM unnest({arrays}) AS v ({', '.join([key, *columns])}) WHERE t.{key} = v.{key}".encode(),
            {name: [each[name] for each in changes] for name in (key, *columns)},
        )


def _rename(connection: psycopg.Connection[Any], hashes: Mapping[bytes, bytes]) -> None:
    """Where a NIK is known by its hash elsewhere: locks, the audit log's lines about them, lists of campaigns."""
    olds, news = [each.hex() for each in hashes], [each.hex() for each in hashes.values()]
    values = {"olds": olds, "news": news, "old_lines": [f"nik:{each[:12]}" for each in olds]}
    values["new_lines"] = [f"nik:{each[:12]}" for each in news]
    connection.execute(
        "UPDATE audit a SET subject = r.new FROM unnest(%(old_lines)s::text[], %(new_lines)s::text[]) AS r (old, new) "
        "WHERE a.subject = r.old",
        values,
    )
    connection.execute(
        "UPDATE identity_guard g SET subject = r.new FROM unnest(%(olds)s::text[], %(news)s::text[]) AS r (old, new) "
        "WHERE g.kind = 'nik' AND g.subject = r.old "
        "AND NOT EXISTS (SELECT 1 FROM identity_guard o WHERE o.kind = 'nik' AND o.subject = r.new)",
        values,
    )
    listed = connection.execute(
        "SELECT id, audience FROM campaign WHERE audience -> 'nik_hashes' ?| %(olds)s::text[] ORDER BY id FOR UPDATE",
        values,
    ).fetchall()
    fresh = dict(zip(olds, news, strict=True))
    for number, audience in listed:
        audience["nik_hashes"] = [fresh.get(each, each) for each in audience["nik_hashes"]]
        connection.execute("UPDATE campaign SET audience = %s WHERE id = %s", (Jsonb(audience), number))


_SEALED_NIK: Final = re.compile(rb'"sealed_nik":"([0-9a-f]{%d})' % (2 * KEY_ID_BYTES))


def _conversations(client: redis.Redis, vault: Vault) -> int:
    """Conversations that hold a NIK sealed with an older key; they are over within 50 hours."""
    count, current = 0, vault.key_id.hex().encode()
    for key in client.scan_iter(match="conv:*", count=1000):
        value: Any = client.get(key)
        found = _SEALED_NIK.search(value or b"")
        count += found is not None and found[1] != current
    return count
