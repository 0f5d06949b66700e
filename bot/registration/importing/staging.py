"""The temporary table in which the rows of one import wait, are judged, and from which they are merged.

Good and rejected rows lie side by side until the transaction ends, so that nothing about them is kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, LiteralString

from psycopg import sql

from bot.registration.importing.copying import Copying
from bot.registration.importing.first_filling import bare, is_empty
from bot.registration.importing.importer import Connection, Importer, Merged, Notice
from bot.registration.importing.mixed_rows import write_mixed
from bot.registration.importing.report import Caution, Rejections, Tally
from bot.registration.importing.straight import Straight
from bot.registration.importing.together import SecondReader

#: What every staged row begins with; the values of its kind follow.
_COMMON: Final[dict[LiteralString, LiteralString]] = {
    "line": "int4",
    "notices": "int4",
    "rejected_column": "text",
    "rejected_reason": "text",
}
_FIRST_LINES: Final = 10
_MOST_FREQUENT: Final = 20


def types_of(importer: Importer) -> dict[LiteralString, LiteralString]:
    """The columns of an importer's staged rows with their SQL types."""
    return {**_COMMON, **importer.types}


class Staging:
    """The staged rows of one import, within the transaction that is open on ``connection``."""

    def __init__(self, connection: Connection, importer: Importer) -> None:
        self._connection = connection
        self._importer = importer
        self._types = types_of(importer)
        self._table = sql.Identifier(importer.staged)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in self._types.items()
        )
        #: How many rows were staged, and how many went straight into their table.
        self.rows = self.rows_straight = 0
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(self._table, columns))

    def fill(
        self, rows: Iterable[Sequence[object]], other: SecondReader | None = None, straight: Straight | None = None
    ) -> None:
        """Copy ``rows`` in: line, notices, rejected column, rejected reason, then the values of the kind, or all of it packed;
        and what another reader has of them. ``straight``: where packed ones go, past staging."""
        names = sql.SQL(", ").join(map(sql.Identifier, self._types))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(self._table, names)
        with Copying(self._connection, statement, None if straight is None else straight.statement) as copying:
            if other is None:
                write_mixed(self._connection, self._types, rows, copying)
            else:
                write_mixed(self._connection, self._types, rows, copying, lambda: other.hand_over(copying))
                other.hand_over_rest(copying)
        self.rows, self.rows_straight = copying.rows_staged, copying.rows_straight
        # Of what rows are found and told apart by: what else stands in them decides no plan, and takes longer to look at.
        looked_at = sql.SQL(", ").join(map(sql.Identifier, ("line", "rejected_reason", *self._importer.key)))
        self._connection.execute(sql.SQL("ANALYZE {} ({})").format(self._table, looked_at))

    def reject_repeated(self) -> None:
        """Of good rows with one key, reject all but the first, naming its line."""
        importer = self._importer
        key = sql.SQL(", ").join(map(sql.Identifier, importer.key))
        same = sql.SQL(" AND ").join(sql.SQL("s.{0} = f.{0}").format(sql.Identifier(name)) for name in importer.key)
        statement = sql.SQL(
            """
            UPDATE {table} s
            SET rejected_column = %(column)s, rejected_reason = %(reason)s || f.line
            FROM (
                SELECT {key}, min(line) AS line FROM {table}
                WHERE rejected_reason IS NULL GROUP BY {key} HAVING count(*) > 1
            ) f
            WHERE {same} AND s.line > f.line AND s.rejected_reason IS NULL
            """
        ).format(table=self._table, key=key, same=same)
        reason = f"is {importer.key_words} as on line "
        self._connection.execute(statement, {"column": importer.key_column, "reason": reason})

    def tally(self, merged: Merged) -> Tally:
        """The count of all rows, given what the merge did."""
        statement = sql.SQL("SELECT count(rejected_reason) FROM {}").format(self._table)
        [(rejected,)] = self._connection.execute(statement).fetchall()
        return Tally(read=self.rows + self.rows_straight, added=merged.added, updated=merged.updated, rejected=rejected)

    def rejections(self) -> tuple[Rejections, ...]:
        """The most frequent reasons for which rows were rejected."""
        statement = sql.SQL(
            """
            SELECT rejected_column, rejected_reason, count(*), min(line) FROM {}
            WHERE rejected_reason IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 4 LIMIT %s
            """
        ).format(self._table)
        return tuple(Rejections(*row) for row in self._connection.execute(statement, [_MOST_FREQUENT]))

    def cautions(self) -> tuple[Caution, ...]:
        """What is odd about the rows that go in."""
        statement = sql.SQL(
            """
            SELECT notices, count(*), (array_agg(line ORDER BY line))[:%s] FROM {}
            WHERE rejected_reason IS NULL AND notices <> 0 GROUP BY notices
            """
        ).format(self._table)
        groups = self._connection.execute(statement, [_FIRST_LINES]).fetchall()
        found = []
        for notice in Notice:
            concerned = [(rows, lines) for notices, rows, lines in groups if notices & notice.value]
            if concerned:
                first = sorted(line for _, lines in concerned for line in lines)[:_FIRST_LINES]
                found.append(Caution(notice.text, sum(rows for rows, _ in concerned), tuple(first)))
        return tuple(found)

    def rejected(self) -> Iterator[tuple[int, str, str]]:
        """The rejected rows as (line, column, reason), by line, without holding them all."""
        statement = sql.SQL(
            """
            SELECT line, rejected_column, rejected_reason FROM {}
            WHERE rejected_reason IS NOT NULL ORDER BY line
            """
        ).format(self._table)
        with self._connection.cursor("rejected_rows") as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(statement)


def reject_unknown(
    connection: Connection, staged: LiteralString, column: LiteralString, listed_in: LiteralString
) -> None:
    """Reject the good rows of ``staged`` whose ``column`` holds no code that the table ``listed_in`` has."""
    statement = sql.SQL(
        """
        UPDATE {staged} s SET rejected_column = %s, rejected_reason = %s
        WHERE rejected_reason IS NULL AND {column} IS NOT NULL
            AND NOT EXISTS (SELECT FROM {listed_in} t WHERE t.code = s.{column})
        """
    ).format(staged=sql.Identifier(staged), column=sql.Identifier(column), listed_in=sql.Identifier(listed_in))
    connection.execute(statement, [column, f"is not the code of a known {listed_in}"])


def upsert(
    connection: Connection,
    target: LiteralString,
    source: LiteralString,
    *,
    key: Sequence[LiteralString],
    compared: Sequence[LiteralString],
    added_only: Sequence[LiteralString] = (),
    touched: Sequence[LiteralString] = (),
    kept: frozenset[str] = frozenset(),
    may_be_bare: bool = False,
    now: datetime,
) -> Merged:
    """Bring the rows of ``target`` to what ``source`` says, and count those that this adds and changes.

    ``source`` is a SELECT with a column ``line`` and all the columns named: ``compared`` decide whether a row has
    changed, ``touched`` are written with a change, ``added_only`` with a new row only, and ``kept`` are those of
    ``compared`` that an existing row keeps. ``%(now)s`` in it is the time.

    New rows go in first, in the order of their lines, because the locks on changed rows, which make conversations
    wait, are held from then to the end of the transaction. ``may_be_bare``: many rows for an empty table may go in
    without its indexes, which locks it (``first_filling``).
    """
    names = [*key, *compared, *added_only, *touched]
    changing = [name for name in compared if name not in kept]
    parts = {
        "target": sql.Identifier(target),
        "source": sql.SQL(source),
        "names": _listed(names),
        "values": _listed(names, "s"),
        "same": sql.SQL(" AND ").join(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in key),
        "old": _listed(changing, "t"),
        "new": _listed(changing, "s"),
        "changes": sql.SQL(", ").join(
            sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in (*changing, *touched)
        ),
    }
    add = sql.SQL(
        """
        INSERT INTO {target} ({names}) SELECT {values} FROM ({source}) s
        WHERE NOT EXISTS (SELECT FROM {target} t WHERE {same}) ORDER BY s.line
        """
    ).format(**parts)
    change = sql.SQL(
        """
        UPDATE {target} t SET {changes} FROM ({source}) s
        WHERE {same} AND ({old}) IS DISTINCT FROM ({new})
        """
    ).format(**parts)
    first = may_be_bare and is_empty(connection, target)
    rows = _count(connection, sql.SQL(source), now) if first else 0
    with bare(connection, target, rows):
        added = connection.execute(add, {"now": now}, prepare=False).rowcount
    if first and added == rows:
        return Merged(added=added, updated=0)
    updated = connection.execute(change, {"now": now}, prepare=False).rowcount
    return Merged(added=added, updated=updated)


def _count(connection: Connection, source: sql.SQL, now: datetime) -> int:
    statement = sql.SQL("SELECT count(*) FROM ({}) s").format(source)
    found = connection.execute(statement, {"now": now}, prepare=False).fetchone()
    return found[0] if found else 0


def _listed(names: Sequence[LiteralString], table: LiteralString | None = None) -> sql.Composed:
    columns = [sql.Identifier(name) if table is None else sql.Identifier(table, name) for name in names]
    return sql.SQL(", ").join(columns)
