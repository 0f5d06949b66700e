"""Opening a file to import: what it is, is told by its first bytes, not by its name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.registration.importing.csv_source import CsvSource
from bot.registration.importing.report import ImportFailed
from bot.registration.importing.source import Source
from bot.registration.importing.xlsx_source import XlsxSource

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"


@contextmanager
def open_source(path: Path, known: frozenset[str]) -> Iterator[Source]:
    """The file at ``path``, ready to be read; ``known`` are the column names that it may have.

    Raises ``ImportFailed``, also for what goes wrong while it is read.
    """
    try:
        with io.FileIO(path) as file:
            yield _recognise(file, known)
    except OSError as error:
        raise ImportFailed(f"cannot be read: {error.strerror or 'it is damaged'}") from error


def _recognise(file: io.FileIO, known: frozenset[str]) -> Source:
    if not file.seekable():
        raise ImportFailed("is not a file on a disk")
    beginning = file.read(4)
    if beginning == _OLE:
        raise ImportFailed(
            "is an Excel workbook of the old kind (.xls) or with a password: save it as XLSX without one"
        )
    return XlsxSource(file) if beginning == _ZIP else CsvSource(file, known)
