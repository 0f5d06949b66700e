"""The first roster's plain rows go straight into its table, past staging.

Of a row that is plainly right there is nothing left to judge but whether its codes are known, which is looked up while it is
read, and whether another row has the same NIK, which the unique index tells when it is made. So it need not lie in a
temporary table first and be copied from there: a fifth of the time of a first import. All other rows are staged as ever, and
so is, afterwards, whatever turns out to have a double.

It needs a table that nobody else uses from the first row to the last, so it is done where the table may be bare
(``first_filling``), and for files that are read in seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from psycopg import errors, sql

from bot.registration.importing.codes import Codes
from bot.registration.importing.first_filling import Bare, is_empty, strip
from bot.registration.importing.importer import REGISTRY_LOCK, Connection

#: Bytes; of a shorter file the rows are sooner in than the indexes made anew.
STRAIGHT_FROM: Final = 1 << 20

#: The columns of a row that goes straight into ``worker``, as ``PlainWorkers`` packs it.
_COLUMNS: Final = (
    *("id", "nik_hash", "nik_sealed", "nik_tail", "name", "birth_date", "sex", "phone", "district_code", "facility_id"),
    *("profession", "created_at", "updated_at"),
)


class Straight:
    """The straight way into ``worker``, which is bare and ours alone until the transaction ends."""

    statement: Final = sql.SQL("COPY worker ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    )

    def __init__(self, connection: Connection, table: Bare, now: datetime) -> None:
        self._connection = connection
        self._table = table
        # COPY takes ids as they are given. They tell a row's line, and nobody else can draw one meanwhile.
        [(first_id,)] = connection.execute("SELECT nextval(pg_get_serial_sequence('worker', 'id'))").fetchall()
        self.codes = Codes(
            first_id=first_id,
            districts=frozenset(code for (code,) in connection.execute("SELECT code FROM district")),
            facilities=dict(connection.execute("SELECT code, id FROM facility").fetchall()),
            now=now,
        )

    def tell_doubles_apart(self) -> int:
        """Make the unique indexes, and stage what shares its key with another row, here or there; how many that were."""
        # The ids that were given have been drawn.
        self._connection.execute(
            "SELECT setval(pg_get_serial_sequence('worker', 'id'), greatest(%s, (SELECT max(id) FROM worker)))",
            [self.codes.first_id],
        )
        moved = self._move("SELECT nik_hash FROM staged_worker WHERE rejected_reason IS NULL")
        try:
            with self._connection.transaction():
                self._table.make_unique()
        except errors.UniqueViolation:
            moved += self._move("SELECT nik_hash FROM worker GROUP BY nik_hash HAVING count(*) > 1")
            self._table.make_unique()
        return moved

    def finish(self) -> None:
        """Make the other indexes and the foreign keys."""
        self._table.finish()

    def _move(self, keys: str) -> int:
        """Stage the rows whose keys a SELECT gives."""
        return self._connection.execute(
            f"""
            WITH double AS (DELETE FROM worker w USING ({keys}) k WHERE w.nik_hash = k.nik_hash RETURNING w.*)
            INSERT INTO staged_worker (line, notices, nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone,
                district_code, facility_code, profession)
            SELECT d.id - %s, 0, d.nik_hash, d.nik_sealed, d.nik_tail, d.name, d.birth_date, d.sex,
                d.phone, d.district_code, f.code, d.profession
            FROM double d LEFT JOIN facility f ON f.id = d.facility_id
            """.encode(),
            [self.codes.first_id],
        ).rowcount


def straight_way(connection: Connection, now: datetime) -> Straight | None:
    """The straight way into the roster, if nobody is on it and nobody else is at it; takes the locks for it."""
    if not is_empty(connection, "worker"):
        return None
    if connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [REGISTRY_LOCK]).fetchone() != (True,):
        return None
    table = strip(connection, "worker")
    return None if table is None else Straight(connection, table, now)
