"""Whom a greeting expects to prove themselves, kept under seal in their own conversation.

A greeting reads the worker of the number anyway. What the next screen needs of them is kept from there, with the birth
date that it takes, so that the usual proof asks PostgreSQL nothing: one statement of the four that a registration would
cost. It holds for minutes, for the number it was made for, and only where no more than name and district are to be seen:
nobody else has the number, nothing is booked, and no wrong answer from there is on record. Whatever else is typed is
PostgreSQL's to judge; and what is written for somebody is written on its own conditions, whatever was shown to them.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from bot.conversation.driver import Caller
from bot.crypto import Undecipherable, Vault
from bot.registration.acts import Person

#: About as long as a USSD session lives.
HOLDS: Final = timedelta(minutes=3)
_PURPOSE: Final = "conversation.expected"


class _Expected(msgspec.Struct, frozen=True, array_like=True):
    """``until``: seconds since the epoch."""

    phone: str
    until: float
    birth_date: date
    person: Person


_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(_Expected).decode


def holds(now: datetime, closes_at: datetime | None) -> bool:
    """Whether what is kept ``now`` will be as true as long as it holds: registration does not end meanwhile."""
    return closes_at is None or now + HOLDS < closes_at


def keep(vault: Vault, person: Person, birth_date: date, caller: Caller) -> str:
    """Who is expected, under seal, as text."""
    expected = _Expected(caller.phone, (caller.now + HOLDS).timestamp(), birth_date, person)
    return base64.b64encode(vault.seal_bytes(_write(expected), _PURPOSE)).decode()


def proven(vault: Vault, kept: str, birth_date: str, caller: Caller) -> Person | None:
    """Who has proved themselves by ``birth_date`` (ISO 8601); None where PostgreSQL has to judge that."""
    if not kept:
        return None
    try:
        expected = _read(vault.open_bytes(base64.b64decode(kept, validate=True), _PURPOSE))
    except (binascii.Error, Undecipherable, msgspec.DecodeError):
        # Sealed with a key that is gone, or by another release.
        return None
    fits = expected.phone == caller.phone and caller.now.timestamp() < expected.until
    return expected.person if fits and expected.birth_date.isoformat() == birth_date else None
