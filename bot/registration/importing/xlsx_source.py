"""Reading XLSX: the first visible sheet, its cells turned into the text that a careful person would have typed."""

from __future__ import annotations

import io
import itertools
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Final
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from bot.registration.importing.report import ImportFailed
from bot.registration.importing.source import SourceRow

_ROWS_OF_A_SHEET: Final = 1_048_576
_EXACT_UP_TO: Final = 2**53
_DIGITS_THAT_EXCEL_KEEPS: Final = 15
_MIDNIGHT: Final = time()

# What openpyxl lets through when a workbook is damaged.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)


class XlsxSource:
    """An XLSX workbook, read row by row from ``file``."""

    separator = ","

    def __init__(self, file: io.FileIO) -> None:
        with _told():
            self._workbook: Workbook = load_workbook(file, read_only=True, data_only=True)
            sheets = self._workbook.worksheets
        if not sheets:
            raise ImportFailed("is a workbook without a sheet")
        self._sheet = next((sheet for sheet in sheets if sheet.sheet_state == "visible"), sheets[0])
        self._expected = self._sheet.max_row
        self._line = 0
        # A sheet may state fewer rows than it has.
        if isinstance(self._sheet, ReadOnlyWorksheet):
            self._sheet.reset_dimensions()
        self.remarks: tuple[str, ...] = (
            (f"only the sheet {self._sheet.title!r} was read, of {len(sheets)}",) if len(sheets) > 1 else ()
        )
        first = next(self._all_rows(), None)
        if first is None:
            raise ImportFailed("is empty")
        self.header: Sequence[str] = first.cells

    def rows(self) -> Iterator[SourceRow]:
        """The rows that hold anything, without the header; raises ``ImportFailed`` where the workbook is damaged."""
        return itertools.islice(self._all_rows(), 1, None)

    def share_read(self) -> float | None:
        """How much of the sheet is read, 0 to 1; None if the workbook does not say how long it is."""
        return min(1.0, self._line / self._expected) if self._expected else None

    def _all_rows(self) -> Iterator[SourceRow]:
        with _told():
            for line, values in enumerate(self._sheet.iter_rows(values_only=True), start=1):
                if line > _ROWS_OF_A_SHEET:
                    raise ImportFailed(f"has more than {_ROWS_OF_A_SHEET} rows in one sheet")
                self._line = line
                cells = [_as_text(value) for value in values]
                if any(cells):
                    yield SourceRow(line, line, cells)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a damaged workbook raises into one plain line."""
    try:
        yield
    except _DAMAGE as error:
        raise ImportFailed("is not a workbook that can be read: save it again as XLSX, or as CSV UTF-8") from error


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, float):
        return _number(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("seconds")
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _number(value: int) -> str:
    """A whole number; one that may have lost its last digits is written as spreadsheets then show it.

    Excel keeps 15 digits of a number and puts zeros after them, and above 2**53 not every number exists in it.
    """
    text = str(value)
    if len(text) > _DIGITS_THAT_EXCEL_KEEPS and (text.endswith("0") or value >= _EXACT_UP_TO):
        return f"{value:.14E}"
    return text
