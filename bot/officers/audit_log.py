"""Reading the audit log: newest first, a page at a time, by who, what, about what and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bot.db.database import Database

#: Lines of a page, and of an export at most: an export keeps a web process busy, which callers share.
PAGE: Final = 50
MOST_EXPORTED: Final = 20_000
_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log. ``detail`` holds no personal data."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]

    @property
    def cursor(self) -> str:
        """What stands for this line when the next page is asked for."""
        return f"{self.at.isoformat()}_{self.id}"


@dataclass(frozen=True, slots=True)
class Search:
    """Which lines: everything that is given must hold. ``until`` is not within any more; ``before`` is a line's cursor."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""


# Each of the conditions has its index, each of them ends in the order that is wanted.
_CONDITIONS = {
    "actor": "actor = %(actor)s",
    "action": "action = %(action)s",
    "subject": "subject = %(subject)s",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
}
# Every action that occurs, by jumping from one to the next through the index.
_ACTIONS = """
WITH RECURSIVE found AS (
    (SELECT action FROM audit ORDER BY action LIMIT 1)
    UNION ALL
    SELECT (SELECT a.action FROM audit a WHERE a.action > f.action ORDER BY a.action LIMIT 1)
    FROM found f WHERE f.action IS NOT NULL
)
SELECT action FROM found WHERE action IS NOT NULL ORDER BY action LIMIT 200
"""


def actions(database: Database) -> list[str]:
    """The actions that occur in the log."""
    return [action for (action,) in database.rows(_ACTIONS)]


def page(database: Database, search: Search, size: int = PAGE) -> tuple[list[Line], str]:
    """The lines of a page, and the cursor of the page after it ("" for none); raises ``ValueError`` for a bad cursor."""
    parameters: dict[str, object] = {"size": size + 1}
    conditions = []
    for name, condition in _CONDITIONS.items():
        value = getattr(search, name)
        if value:
            parameters[name] = value
            conditions.append(condition)
    if search.before:
        at, _, number = search.before.rpartition("_")
        parameters |= {"before_at": datetime.fromisoformat(at), "before_id": int(number)}
        conditions.append("(at, id) < (%(before_at)s, %(before_id)s)")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = (
        f"SELECT id, at, actor, action, subject, detail FROM audit {where} ORDER BY at DESC, id DESC LIMIT %(size)s"
    )
    lines = [Line(*row) for row in database.rows(statement, parameters)]
    return lines[:size], lines[size - 1].cursor if len(lines) > size else ""


def every(database: Database, search: Search, most: int = MOST_EXPORTED) -> Iterator[Line]:
    """The lines one after the other, the newest ``most``; asked for as they are read."""
    left, cursor = most, search.before
    while left > 0:
        lines, cursor = page(database, replace(search, before=cursor), min(_CHUNK, left))
        yield from lines
        left -= len(lines)
        if not cursor:
            return
