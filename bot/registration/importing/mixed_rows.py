"""Rows on their way into one binary COPY: some packed already, the others packed by psycopg, each whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from psycopg import Copy

from bot.registration.importing.reading import STRETCH

#: What begins and ends a binary COPY, by PostgreSQL's documentation.
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"


def write_mixed(
    rows: Iterable[Sequence[object]], rowwise: Copy, put: Callable[[bytes], object], now_and_then: Callable[[], object]
) -> None:
    """Write the rows to ``rowwise``, and those that are packed, as ``bytes``, a stretch at a time to ``put``.

    ``now_and_then`` is called after each stretch. The order of the rows is not kept: they know their lines.
    """
    ready: list[bytes] = []
    for count, row in enumerate(rows, 1):
        if isinstance(row, bytes):
            ready.append(row)
        else:
            rowwise.write_row(row)
        if count % STRETCH == 0:
            put(b"".join(ready))
            ready.clear()
            now_and_then()
    put(b"".join(ready))
