"""The one register of numbers that want no messages, for all gateways."""

from __future__ import annotations

from datetime import datetime

from bot.db.database import Database

#: Parameters: phone, source, since. Again changes nothing.
REGISTER = "INSERT INTO opt_out (phone, source, since) VALUES (%s, %s, %s) ON CONFLICT (phone) DO NOTHING"

#: Parameters: since, phones, sources.
REGISTER_ALL = (
    "INSERT INTO opt_out (phone, source, since) SELECT phone, source, %s "
    "FROM unnest(%s::text[], %s::text[]) AS t (phone, source) ORDER BY phone ON CONFLICT (phone) DO NOTHING"
)


def opt_out(database: Database, phone: str, source: str, now: datetime) -> None:
    """Put a number on the register."""
    database.rows(REGISTER, (phone, source, now))


def opt_in(database: Database, phone: str) -> None:
    """Take a number off the register."""
    database.rows("DELETE FROM opt_out WHERE phone = %s", (phone,))
