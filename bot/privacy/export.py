"""Everything that is kept of one person, as JSON: every column that the register says is about them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final

import psycopg

from bot.crypto import Undecipherable, Vault
from bot.db import audit
from bot.db.database import Database
from bot.privacy.columns import ABOUT, About
from bot.privacy.person import NO_WORKER, Person, Who, locked
from bot.registration.corrections import checked_reason
from bot.registration.officer import Officer

#: What a document is, for whoever reads it later.
FORM: Final = 1

_PLACES: Final = """
SELECT b.id, f.name, f.code, s.local_date, s.start_time, s.end_time FROM booking b
JOIN vaccination_session s ON s.id = b.session_id JOIN facility f ON f.id = s.facility_id
WHERE b.worker_id = %(worker)s ORDER BY b.id
"""


def export(database: Database, vault: Vault, who: Who, reason: str, officer: Officer, now: datetime) -> dict[str, Any]:
    """All data of a person (see ``bot.privacy.person.find``); that it was handed out, and why, goes to the audit log.

    Raises ``OutOfReach`` and ``bot.registration.corrections.BadReason``. What was sealed is opened; hashes are left out.
    """
    reason = checked_reason(reason)
    with database.transaction() as connection:
        person = locked(connection, vault, officer, who)
        tables = {name: _rows(connection, vault, name, about, person) for name, about in ABOUT.items()}
        places = connection.execute(_PLACES, person.parameters).fetchall()
        audit.record(connection, now, officer.name, "privacy.export", person.logged_as, {"reason": reason})
    return {
        "form": FORM,
        "exported_at": now.isoformat(),
        "on_the_list": person.worker_id != NO_WORKER,
        "number_is_shared": person.shared,
        "data": tables,
        "places": [
            {"booking_id": row[0], "facility": row[1], "code": row[2], "date": _plain(row[3]), "hours": _hours(row)}
            for row in places
        ],
    }


def _rows(
    connection: psycopg.Connection[Any], vault: Vault, name: str, about: About, person: Person
) -> list[dict[str, Any]]:
    columns = [each for each in about.handed_out if not each.endswith("_hash")]
    found = connection.execute(
        f"SELECT {', '.join(f't.{each}' for each in columns)} FROM {name} t WHERE {about.whose} ORDER BY 1".encode(),
        person.parameters,
    )
    rows = []
    for row in found:
        values = dict(zip(columns, row, strict=True))
        for column, purpose in about.sealed.items():
            values[column.removesuffix("_sealed")] = _opened(vault, values.pop(column), purpose)
        rows.append({column: _plain(value) for column, value in values.items()})
    return rows


def _opened(vault: Vault, sealed: bytes | None, purpose: str) -> str | None:
    try:
        return vault.open(bytes(sealed), purpose) if sealed else None
    except Undecipherable:
        return None


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _hours(row: Any) -> str:
    return f"{row[4]:%H:%M}-{row[5]:%H:%M}"
