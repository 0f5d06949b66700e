"""A process that reads stretches of a long file, while the import itself reads the others.

Reading and sealing half a million rows takes one processor some seconds, in which the others have nothing to do. The import
starts this program (``together``), tells it on standard input what is read, once that is known, and gets on standard output
the rows as COPY takes them, in frames of whole rows, the last one empty. Each of the two takes the next stretch when it is
ready for it. Keys and rows pass by these pipes alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.abc import Buffer

from bot.crypto import Vault
from bot.registration.importing.codes import Codes
from bot.registration.importing.header import match_header
from bot.registration.importing.importer import Importer
from bot.registration.importing.mixed_rows import write_mixed
from bot.registration.importing.opening import open_source
from bot.registration.importing.pipeline import importer_of
from bot.registration.importing.progress import no_progress
from bot.registration.importing.reading import staged_rows
from bot.registration.importing.report import Kind
from bot.registration.importing.source import Share, Turns
from bot.registration.importing.staging import types_of
from bot.registration.importing.together import FRAME


def state_of(path: Path) -> list[int]:
    """What tells a file from another one that has taken its place, or from what it was before."""
    found = path.stat()
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]


class _Frames:
    """``Rows`` in frames, each behind its head."""

    def __init__(self, put: Callable[[bytes], object]) -> None:
        self._put = put

    def staged(self, rows: Buffer) -> None:
        self._frame(rows, plain=False)

    def plain(self, rows: Buffer) -> None:
        self._frame(rows, plain=True)

    def end(self) -> None:
        self._put(FRAME.pack(0, False))

    def _frame(self, rows: Buffer, *, plain: bool) -> None:
        if rows:
            self._put(FRAME.pack(len(rows), plain) + bytes(rows))


def read_share(
    connection: psycopg.Connection[Any], importer: Importer, path: Path, share: Share, put: Callable[[bytes], object]
) -> None:
    """Give ``put`` the frames of a share of the file at ``path``. The connection only says how its server takes values."""
    known = frozenset((*importer.required, *importer.optional))
    with open_source(path, known) as source:
        header = match_header(source.header, importer.required, importer.optional)
        frames = _Frames(put)
        write_mixed(connection, types_of(importer), staged_rows(source, header, importer, no_progress, share), frames)
        frames.end()


def main() -> int:
    """Read what standard input asks for; 1 if the file is another one by now."""
    asked = json.loads(sys.stdin.readline())
    path = Path(asked["path"])
    if state_of(path) != asked["state"]:
        return 1
    importer = importer_of(Kind(asked["kind"]), Vault(asked["data_key"]), datetime.fromisoformat(asked["now"]))
    if asked["codes"] is not None:
        importer.pack_straight(Codes.from_json(asked["codes"]))
    with psycopg.connect(asked["database_url"], autocommit=True) as connection:
        read_share(connection, importer, path, Turns(asked["counter"]), sys.stdout.buffer.write)
    sys.stdout.flush()
    return 0 if state_of(path) == asked["state"] else 1


if __name__ == "__main__":
    sys.exit(main())
