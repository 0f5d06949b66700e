"""Deleting what is kept no longer: in small transactions that wait for nobody's rows, so that no hop waits for them.

How far a walk has come, and how much was deleted, is written in the transaction that deletes: whatever interrupts it, the
next one goes on there, and the audit log is told each deleted row once, as a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from bot.db import audit
from bot.db.database import Database
from bot.kept_for import KeptFor
from bot.privacy.rules import RULES, Drop, Rule, Walk, What
from bot.registration.closing import CLOSES_AT

#: Rows seen to in one transaction: some milliseconds.
AT_ONCE: Final = 500
#: The kind of the snapshot for the page.
KIND: Final = "retention"
_PREFIX: Final = "keep:"

# Sessions may be held after registration has ended: then the campaign ends with the last of them.
_END: Final = f"""
SELECT CASE WHEN {CLOSES_AT} IS NOT NULL THEN greatest({CLOSES_AT}, (SELECT max(ends_at) FROM vaccination_session
                                                                   WHERE cancelled_at IS NULL)) END
"""


@dataclass(frozen=True, slots=True)
class Due:
    """How many rows of something are due. ``before``: what is older; None while the campaign's end is not far enough back."""

    what: What
    days: int
    before: datetime | None
    rows: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What the page shows: what was due when it was last counted, and how much has gone so far."""

    as_of: datetime
    rules: tuple[tuple[What, int, int, int], ...]


def end_of_campaign(database: Database) -> datetime | None:
    """When registration and the last session end; None as long as registration has no end."""
    found: datetime | None = database.value(_END)
    return found


def due(database: Database, kept: KeptFor, now: datetime) -> list[Due]:
    """How much of what is due: counted, nothing deleted. ``database``: one on which counting may take its time."""
    end, found = end_of_campaign(database), []
    for rule in RULES:
        times = _times(rule, kept, now, end)
        rows = 0 if times is None else int(database.value(_COUNT[rule.what], times | {"name": _name(rule)}))
        found.append(Due(rule.what, rule.days(kept), None if times is None else times["before"], rows))
    return found


def run(
    database: Database, kept: KeptFor, now: datetime, goes_on: Callable[[], bool], *, at_once: int = AT_ONCE
) -> dict[What, int]:
    """Delete what is due until nothing is or ``goes_on`` says no; returns how many rows of what. Safe to repeat, anywhere."""
    end, went = end_of_campaign(database), dict.fromkeys(What, 0)
    try:
        for rule in RULES:
            times = _times(rule, kept, now, end)
            if times is None:
                continue
            if isinstance(rule.how, Walk):
                went[rule.what] = _walk(database, rule, rule.how, times, goes_on, at_once)
            else:
                went[rule.what] = _drop(database, rule, rule.how, times, goes_on, at_once)
    finally:
        _tell(database, now)
    return went


def keep_for_page(database: Database, found: list[Due], now: datetime) -> None:
    """Keep what is due to be shown."""
    gone: dict[str, int] = dict(
        database.rows("SELECT name, done FROM data_walk WHERE starts_with(name, %s)", (_PREFIX,))
    )
    body = [[each.what.value, each.days, each.rows, gone.get(_PREFIX + each.what, 0)] for each in found]
    database.rows(
        "INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%s, %s, 0, %s) ON CONFLICT (kind) "
        "DO UPDATE SET as_of = EXCLUDED.as_of, body = EXCLUDED.body",
        (KIND, now, Jsonb(body)),
    )


def kept_for_page(database: Database) -> Kept | None:
    """What was due when it was last counted; None if nobody has counted yet."""
    row = database.row("SELECT as_of, body FROM figure_snapshot WHERE kind = %s", (KIND,))
    known = set(What)
    rules = () if row is None else tuple((What(name), *rest) for name, *rest in row[1] if name in known)
    return None if row is None else Kept(row[0], rules)


# --- within --------------------------------------------------------------------------------------------------------


def _name(rule: Rule) -> str:
    return _PREFIX + rule.what


def _times(rule: Rule, kept: KeptFor, now: datetime, end: datetime | None) -> dict[str, Any] | None:
    """The moments that a rule's statements name; None if nothing is due whatever there is."""
    before = now - timedelta(days=rule.days(kept))
    if rule.since_end and (end is None or end > before):
        return None
    # An end that never comes lies after every moment.
    return {"before": before, "now": now, "end": end or now + timedelta(days=36500)}


def _counting(rule: Rule) -> str:
    if isinstance(rule.how, Drop):
        return f"SELECT count(*) FROM {rule.how.table} WHERE {rule.how.due}"
    how = rule.how
    return (
        f"SELECT count(*) FROM {how.table} WHERE id > coalesce((SELECT up_to FROM data_walk WHERE name = %(name)s), 0) "
        f"AND {how.old} AND {how.has} AND NOT ({how.waits})"
    )


_COUNT: Final = {rule.what: _counting(rule) for rule in RULES}

_NOTE: Final = """
INSERT INTO data_walk AS d (name, up_to, done, at) VALUES (%(name)s, %(up_to)s, %(done)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET up_to = greatest(d.up_to, EXCLUDED.up_to), done = d.done + EXCLUDED.done, at = EXCLUDED.at
"""


def _drop(
    database: Database, rule: Rule, how: Drop, times: dict[str, Any], goes_on: Callable[[], bool], at_once: int
) -> int:
    statement = (
        f"WITH gone AS ({how.change} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {how.table} WHERE {how.due} "
        f"LIMIT %(most)s FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone"
    )
    total, at_once = 0, how.at_once or at_once
    while goes_on():
        with database.transaction() as connection:
            count = _one(connection, statement, times | {"most": at_once})
            if count:
                connection.execute(_NOTE, {"name": _name(rule), "up_to": 0, "done": count, "now": times["now"]})
        total += count
        if count < at_once:
            break
    return total


def _walk(
    database: Database, rule: Rule, how: Walk, times: dict[str, Any], goes_on: Callable[[], bool], at_once: int
) -> int:
    """Go on from where everything has been dealt with. What must wait holds the mark back, not the walk."""
    look = (
        f"SELECT id, {how.old} AS old, ({how.old} AND {how.has}) IS TRUE AS due, ({how.waits}) IS TRUE AS waits "
        f"FROM {how.table} WHERE id > %(after)s ORDER BY id LIMIT %(most)s"
    )
    lock = (
        f"SELECT id FROM {how.table} WHERE id = ANY(%(due)s) AND {how.old} AND {how.has} AND NOT ({how.waits}) "
        "ORDER BY id FOR UPDATE SKIP LOCKED"
    )
    total, held = 0, None
    after = int(database.value("SELECT up_to FROM data_walk WHERE name = %s", (_name(rule),)) or 0)
    while goes_on():
        with database.transaction() as connection:
            rows = connection.execute(look.encode(), times | {"after": after, "most": at_once}).fetchall()
            wanted = [row[0] for row in rows if row[2] and not row[3]]
            ids = [row[0] for row in connection.execute(lock.encode(), times | {"due": wanted})] if wanted else []
            if ids:
                for statement in how.change:
                    connection.execute(statement.encode(), times | {"ids": ids})
            mine = set(ids)
            # Rows come nearly in the order of time: one that is younger, waits or is locked is looked at again.
            back = [row[0] for row in rows if not row[1] or (row[2] and row[0] not in mine)]
            held = held if held is not None or not back else back[0]
            after = rows[-1][0] if rows else after
            mark = after if held is None else held - 1
            if ids or mark:
                connection.execute(_NOTE, {"name": _name(rule), "up_to": mark, "done": len(ids), "now": times["now"]})
        total += len(ids)
        if len(rows) < at_once or not any(row[1] for row in rows):
            break
    return total


def _tell(database: Database, now: datetime) -> None:
    """Write to the audit log how much has gone since it was last told."""
    with database.transaction() as connection:
        rows = connection.execute(
            "UPDATE data_walk SET told = done WHERE starts_with(name, %s) AND done > told RETURNING name, new.done - old.told",
            (_PREFIX,),
        ).fetchall()
        if rows:
            detail = {name.removeprefix(_PREFIX): count for name, count in sorted(rows)}
            audit.record(connection, now, "system", "privacy.retention", "privacy", detail)


def _one(connection: psycopg.Connection[Any], statement: str, parameters: dict[str, Any]) -> int:
    row = connection.execute(statement.encode(), parameters).fetchone()
    return 0 if row is None else int(row[0])
