"""What is kept of whom, looked for in every table."""

from __future__ import annotations

import json
from typing import Any

from bot.db.database import Database
from bot.db.schema import metadata
from bot.invariants import check
from bot.privacy.columns import ABOUT
from bot.registration.officer import Officer, Reach
from bot.services import Services
from tests.privacy.everything import NOTE, TEXT_OF_THEIRS, Person

OFFICER = Officer("siti", Reach())
WHY = "yang bersangkutan meminta"


def everything(database: Database, table: str) -> list[dict[str, Any]]:
    rows = database.rows(f"SELECT to_jsonb(t) FROM {table} t ORDER BY to_jsonb(t)::text")
    return [row[0] for row in rows]


def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    return {name: everything(database, name) for name in metadata.tables}


def traces(services: Services, someone: Person, name: str) -> list[str]:
    """Where anything stands that says who it was: in the clear, hashed, or sealed for whoever has the key."""
    worker = someone.worker
    telling = [worker.nik, worker.nik[-4:] + '"', name, name.lower(), str(worker.phone), TEXT_OF_THEIRS, NOTE]
    telling += [
        services.vault.hash(worker.nik).hex(),
        services.vault.hash(worker.nik).hex()[:12],
        worker.birth_date.isoformat(),
    ]
    found = []
    for table, rows in dump(services.database).items():
        for row in rows:
            for column, value in row.items():
                text = json.dumps(value, ensure_ascii=False)
                found += [f"{table}.{column}" for each in telling if each in text]
                if isinstance(value, str) and value.startswith("\\x") and column.endswith("_sealed") and len(value) > 2:
                    opened = services.vault.open(bytes.fromhex(value[2:]), ABOUT[table].sealed[column])
                    found += [f"{table}.{column}" for each in (worker.nik, TEXT_OF_THEIRS, NOTE) if each in opened]
    return sorted(set(found))


def broken(services: Services) -> list[str]:
    return [each.invariant.name for each in check(services.database, services.clock.now()) if each.count]
