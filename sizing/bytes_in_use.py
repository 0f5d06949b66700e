"""What the tables of a database take on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

_TABLES = """
SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public'
"""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table: bytes of its rows with what is stored beside them, bytes of its indexes, rows."""

    heap: int
    indexes: int
    rows: int

    @property
    def whole(self) -> int:
        """Bytes with the indexes."""
        return self.heap + self.indexes

    def since(self, earlier: TableSize) -> TableSize:
        """What has come since."""
        return TableSize(self.heap - earlier.heap, self.indexes - earlier.indexes, self.rows - earlier.rows)

    def a_row(self) -> RowBytes:
        """Bytes of one of its rows; raises ``ZeroDivisionError`` if it has none."""
        return RowBytes(self.rows, self.heap / self.rows, self.indexes / self.rows)


@dataclass(frozen=True, slots=True)
class RowBytes:
    """What one row takes on average, over so many ``rows``."""

    rows: int
    heap: float
    indexes: float

    @property
    def whole(self) -> float:
        """Bytes with the indexes."""
        return self.heap + self.indexes


Tables = Mapping[str, TableSize]


def read_tables(database_url: str) -> dict[str, TableSize]:
    """Every table by name; raises ``psycopg.Error``."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute(_TABLES).fetchall()
        return {
            str(name): TableSize(int(heap), int(indexes), _rows(connection, str(name)))
            for name, heap, indexes in sorted(found)
        }


def _rows(connection: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    row = connection.execute(f'SELECT count(*) FROM "{table}"'.encode()).fetchone()
    return int(str(row[0])) if row else 0


def grown(before: Tables, after: Tables) -> dict[str, TableSize]:
    """The tables in which there is more than before."""
    all_of_it = {name: size.since(before[name]) for name, size in after.items()}
    return {name: size for name, size in all_of_it.items() if size.whole > 0 or size.rows > 0}
