"""XLSX as a source of rows: the first sheet that people see."""

from __future__ import annotations

import io
import itertools
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from xml.parsers.expat import ExpatError

from bot.registration.importing.report import ImportFailed
from bot.registration.importing.source import Glance, Share, SourceRow
from bot.registration.importing.xlsx import Workbook

# What reading a damaged workbook raises.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    ExpatError,
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,  # a part with a password, or packed in a way that nobody knows
    ValueError,
)


class XlsxSource:
    """An XLSX workbook in ``file``."""

    separator = ","
    cheap = False

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        with _told():
            self._workbook = Workbook(io.BufferedReader(io.FileIO(file.fileno(), closefd=False)))
        sheets = self._workbook.sheets
        if not sheets:
            raise ImportFailed("is a workbook without a sheet")
        self._sheet = next((sheet for sheet in sheets if sheet.visible), sheets[0])
        self.remarks: tuple[str, ...] = (
            (f"only the sheet {self._sheet.name!r} was read, of {len(sheets)}",) if len(sheets) > 1 else ()
        )
        first = next(self._all_rows(), None)
        if first is None:
            raise ImportFailed("is empty")
        self.header: Sequence[str] = first.cells

    def rows(self) -> Iterator[SourceRow]:
        """The rows that hold anything, without the header; raises ``ImportFailed`` where the workbook is damaged."""
        return itertools.islice(self._all_rows(), 1, None)

    def share(self, share: Share, glance: Glance | None) -> Iterator[SourceRow | bytes]:
        """All rows: a workbook is read by one, and with care."""
        return self.rows()

    def share_read(self) -> float | None:
        """How much of the sheet is read, 0 to 1."""
        return self._workbook.share_read()

    def _all_rows(self) -> Iterator[SourceRow]:
        with _told():
            for line, cells in self._workbook.rows(self._sheet):
                if any(cells):
                    yield SourceRow(line, line, cells)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a damaged workbook raises into one plain line."""
    try:
        yield
    except _DAMAGE as error:
        raise ImportFailed("is not a workbook that can be read: save it again as XLSX, or as CSV UTF-8") from error
