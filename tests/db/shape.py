"""What a database's tables promise to those who use them, and which of its promises a later one breaks.

Additive is what the release before can live with: it knows nothing of what is new, and must be able to go on reading and
writing what it knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import psycopg

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull AND c.relkind <> 'v',
       a.attidentity <> '' OR a.atthasdef
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
"""
_CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype::text, pg_get_constraintdef(k.oid),
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('c', 'f', 'p', 'u', 'x')
"""
_UNIQUE = """
SELECT c.relname, x.relname, i.indnullsnotdistinct, pg_get_indexdef(i.indexrelid),
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey))
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
"""
_TRIGGERS = """
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
"""


@dataclass(frozen=True)
class Column:
    """``given``: it has a default, or is an identity."""

    type: str
    required: bool
    given: bool


@dataclass(frozen=True)
class Rule:
    """A constraint (``kind`` as ``pg_constraint.contype``), or a unique index (``i``) with the columns it names."""

    kind: str
    says: str
    columns: frozenset[str]
    nulls_are_same: bool = False


@dataclass(frozen=True)
class Shape:
    """Columns and rules, by (table, name); triggers."""

    columns: dict[tuple[str, str], Column] = field(default_factory=dict)
    rules: dict[tuple[str, str], Rule] = field(default_factory=dict)
    triggers: frozenset[tuple[str, str]] = frozenset()

    @property
    def tables(self) -> set[str]:
        """Tables and views."""
        return {table for table, _ in self.columns}


def shape_of(url: str) -> Shape:
    """The database as it is."""
    with psycopg.connect(url) as connection:
        columns = {(table, name): Column(*rest) for table, name, *rest in connection.execute(_COLUMNS)}
        rules = {
            (table, name): Rule(kind, says, frozenset(names))
            for table, name, kind, says, names in connection.execute(_CONSTRAINTS)
        }
        for table, name, same, says, names in connection.execute(_UNIQUE):
            rules.setdefault((table, name), Rule("i", says, frozenset(names), same))
        return Shape(columns, rules, frozenset(connection.execute(_TRIGGERS)))


def broken_promises(before: Shape, after: Shape) -> list[str]:
    """What those who know only ``before`` cannot live with in ``after``; empty if it is additive."""
    return [*_columns(before, after), *_rules(before, after)]


def _columns(before: Shape, after: Shape) -> list[str]:
    found = []
    for (table, name), old in before.columns.items():
        new = after.columns.get((table, name))
        if new is None:
            found.append(f"{table}.{name} is gone")
            continue
        if new.type != old.type:
            found.append(f"{table}.{name} was {old.type} and is {new.type}")
        if new.required and not old.required:
            found.append(f"{table}.{name} must not be NULL any more")
        if new.required and old.given and not new.given:
            found.append(f"{table}.{name} has no default any more")
    for (table, name), new in after.columns.items():
        if table in before.tables and (table, name) not in before.columns and new.required and not new.given:
            found.append(f"{table}.{name} is new, must not be NULL and has no default")
    return found


def _rules(before: Shape, after: Shape) -> list[str]:
    found = []
    for place, old in before.rules.items():
        if old.kind in "pui" and place not in after.rules and place[0] in after.tables:
            found.append(f"{'.'.join(place)} is gone: ON CONFLICT may name it")
    for place, new in after.rules.items():
        table, name = place
        was = before.rules.get(place)
        if table not in before.tables or was == new:
            continue
        unknown = {column for column in new.columns if (table, column) not in before.columns}
        if new.kind in "cf" and unknown == new.columns and unknown:
            continue  # of columns that nobody writes who does not know them
        if new.kind in "pui" and not new.nulls_are_same and any(_left_empty(after, table, each) for each in unknown):
            continue  # NULL is like nothing else
        if new.kind in "ui" and any(
            _follows(new, other) for (where, _), other in before.rules.items() if where == table
        ):
            continue  # whoever kept the one keeps the other
        if was is not None and new.kind == was.kind == "c" and _values(was) and _values(was) <= _values(new):
            continue  # more is allowed than before
        found.append(f"{table}.{name} is new or another: {new.says}")
    found += [
        f"the trigger {'.'.join(each)} is new" for each in after.triggers - before.triggers if each[0] in before.tables
    ]
    return found


def _follows(new: Rule, old: Rule) -> bool:
    """Whether rows that are told apart by all that ``old`` names are so by what ``new`` names as well."""
    plain = re.search(r"\((\w+(?:, \w+)*)\)$", old.says) if old.kind in "pui" else None
    whole = plain is not None and frozenset(plain[1].split(", ")) == old.columns
    return whole and old.columns <= new.columns and not new.nulls_are_same and "INCLUDE" not in new.says


def _left_empty(shape: Shape, table: str, column: str) -> bool:
    known = shape.columns[table, column]
    return not known.required and not known.given


def _values(rule: Rule) -> frozenset[str]:
    """The texts that a CHECK of the form ``column IN (...)`` allows; empty for any other."""
    whole = re.fullmatch(r"CHECK \(\((\w+ = ANY \(ARRAY\[(?:'[^']*'::text(?:, )?)+\])\)\)\)", rule.says)
    return frozenset(re.findall(r"'([^']*)'::text", whole[1])) if whole else frozenset()
