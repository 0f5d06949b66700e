"""Whose data is meant: somebody on the list, or somebody who only asked to be, by number or NIK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from bot.crypto import Vault
from bot.db.database import Database
from bot.phone import parse_phone
from bot.registration.nik import is_nik_form
from bot.registration.officer import Officer, lock_in_reach, subject
from bot.registration.sealed_nik import open_nik

#: Where there is no worker.
NO_WORKER = 0

#: A worker's id, the hashed NIK of somebody who only enquired, or the number of somebody of whom nothing else is known.
Who = int | bytes | str

_KNOWN_BY_NUMBER = """
SELECT EXISTS (SELECT 1 FROM inbound WHERE phone = %(phone)s) OR EXISTS (SELECT 1 FROM message WHERE phone = %(phone)s)
"""


class Nobody(LookupError):
    """Nobody's data is kept under this number or NIK."""


class Several(LookupError):
    """More than one person has this number: the NIK says who is meant."""


@dataclass(frozen=True, slots=True)
class Person:
    """``numbers``: all of theirs; ``phones``: those that are theirs alone. ``shared``: one is somebody else's too."""

    worker_id: int
    name: str
    numbers: tuple[str, ...]
    phones: tuple[str, ...]
    shared: bool
    hashes: tuple[bytes, ...]
    tickets: tuple[str, ...] = ()

    @property
    def logged_as(self) -> str:
        """As the audit log names them."""
        return "somebody not on the list" if self.worker_id == NO_WORKER else subject(self.worker_id)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the conditions of ``bot.privacy.columns`` name."""
        hexes = [each.hex() for each in self.hashes]
        return {
            "worker": self.worker_id,
            "phones": list(self.phones),
            "hashes": list(self.hashes),
            "hexes": hexes,
            "locks": [f"nik:{each[:12]}" for each in hexes],
            "subject": subject(self.worker_id),
            "tickets": list(self.tickets),
        }


def find(database: Database, vault: Vault, phone_or_nik: str) -> Who:
    """Who is meant.

    Raises ``Nobody``, ``Several``, and ``bot.phone.NotAPhone`` for what is neither a number nor a NIK.
    """
    text = phone_or_nik.strip()
    if is_nik_form(text):
        row = database.row("SELECT id FROM worker WHERE nik_hash = ANY(%s)", (vault.hashes(text),))
        asked = database.row("SELECT nik_hash FROM enquiry WHERE nik_hash = ANY(%s)", (vault.hashes(text),))
        if row is not None:
            return int(row[0])
        if asked is None:
            raise Nobody
        return bytes(asked[0])
    phone = parse_phone(text)
    rows = database.rows("SELECT id FROM worker WHERE phone = %s LIMIT 2", (phone,))
    if not rows:
        asked_by = database.rows("SELECT DISTINCT nik_hash FROM enquiry WHERE phone = %s LIMIT 2", (phone,))
        if len(asked_by) == 1:
            return bytes(asked_by[0][0])
        rows = asked_by
    if not rows:
        if not database.value(_KNOWN_BY_NUMBER, {"phone": phone}):
            raise Nobody
        return phone
    if len(rows) > 1:
        raise Several
    return int(rows[0][0])


def locked(connection: psycopg.Connection[Any], vault: Vault, officer: Officer, who: Who) -> Person:
    """The person, whose row is locked until the transaction ends; raises ``OutOfReach``."""
    if isinstance(who, str):
        return _person(connection, NO_WORKER, "", {who}, ())
    if isinstance(who, bytes):
        rows = connection.execute("SELECT phone FROM enquiry WHERE nik_hash = %s FOR UPDATE", (who,)).fetchall()
        return _person(connection, NO_WORKER, "", {row[0] for row in rows}, (who,))
    name, phone, nik_hash, sealed = lock_in_reach(connection, officer, who, "w.name, w.phone, w.nik_hash, w.nik_sealed")
    nik = open_nik(vault, sealed)
    hashes = {bytes(nik_hash), *(vault.hashes(nik) if nik else ())}
    claimed = connection.execute(
        "SELECT phone FROM phone_claim WHERE worker_id = %s AND state = 'accepted'", (who,)
    ).fetchall()
    numbers = {row[0] for row in claimed} | ({phone} if phone is not None else set())
    return _person(connection, who, name, numbers, tuple(hashes))


def _person(
    connection: psycopg.Connection[Any], worker_id: int, name: str, numbers: set[str], hashes: tuple[bytes, ...]
) -> Person:
    others = connection.execute(
        "SELECT DISTINCT phone FROM worker WHERE phone = ANY(%s) AND id <> %s", (list(numbers), worker_id)
    ).fetchall()
    shared = {row[0] for row in others}
    tickets = connection.execute(
        "SELECT ticket FROM booking WHERE worker_id = %s AND ticket IS NOT NULL", (worker_id,)
    ).fetchall()
    alone = tuple(sorted(numbers - shared))
    return Person(
        worker_id, name, tuple(sorted(numbers)), alone, bool(shared), hashes, tuple(row[0] for row in tickets)
    )
