"""Rows on their way into COPY: some packed already, the others packed by psycopg, each whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from psycopg import Copy

from bot.registration.importing.copying import Rows, RowsAlone
from bot.registration.importing.importer import Connection
from bot.registration.importing.source import STRETCH


def write_mixed(
    connection: Connection,
    types: Mapping[str, str],
    rows: Iterable[Sequence[object]],
    to: Rows,
    now_and_then: Callable[[], object] = lambda: None,
) -> None:
    """Write rows with columns of these ``types``, and those that are packed, as ``bytes``, a stretch at a time.

    ``now_and_then`` is called after each stretch. The order of the rows is not kept: they know their lines. The connection
    only says how its server takes values.
    """
    ready: list[bytes] = []
    with Copy(connection.cursor(), binary=True, writer=RowsAlone(to)) as rowwise:
        rowwise.set_types(list(types.values()))
        for count, row in enumerate(rows, 1):
            if isinstance(row, bytes):
                ready.append(row)
            else:
                rowwise.write_row(row)
            if count % STRETCH == 0:
                to.plain(b"".join(ready))
                ready.clear()
                now_and_then()
    to.plain(b"".join(ready))
