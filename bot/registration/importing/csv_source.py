"""Reading CSV: with or without a byte order mark, UTF-8 or UTF-16, separated by commas, semicolons or tabs."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from bot.registration.importing.header import column_name
from bot.registration.importing.report import ImportFailed
from bot.registration.importing.source import SourceRow

_SEPARATORS: Final = ",;\t|"
# Excel's own hint, which it writes and reads before the header: sep=;
_SEPARATOR_HINT: Final = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)
# An address may have a few line breaks in it; more than this is a quotation mark that nobody closed.
_LONGEST_ROW: Final = 20
#: Characters; what has longer lines is not a list of rows, and would have to be held in memory.
_LONGEST_LINE: Final = 1_000_000
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class CsvSource:
    """A CSV file, read from ``file``; ``known`` are the column names by which its separator is recognised.

    Bytes that are not text in the file's encoding become U+FFFD, so that only their rows suffer.
    """

    cheap = True

    def __init__(self, file: io.FileIO, known: frozenset[str]) -> None:
        self.remarks: tuple[str, ...] = ()
        self._file = file
        self._size = max(1, file.seek(0, io.SEEK_END))
        file.seek(0)
        beginning = file.read(4096)
        self._encoding = next((name for mark, name in _MARKS if beginning.startswith(mark)), "utf-8")
        if self._encoding == "utf-8" and b"\0" in beginning:
            raise ImportFailed("is neither CSV nor XLSX (if it is UTF-16, save it as CSV UTF-8)")
        self.separator, self._lines_before, header_line = self._find_header(known)
        self.header: Sequence[str] = _split(header_line, self.separator)
        if any("\ufffd" in name for name in self.header):
            raise ImportFailed("is not UTF-8: save it as CSV UTF-8")

    def rows(self) -> Iterator[SourceRow]:
        """The rows that hold anything, without the header; raises ``ImportFailed`` at a quotation mark left open."""
        lines = itertools.islice(self._lines(), self._lines_before + 1, None)
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        first = self._lines_before + 2
        before = 0
        while True:
            fault = ""
            cells: list[str] = []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                fault = "has a quotation mark in a wrong place"
            line, last = first + before, first + reader.line_num - 1
            before = reader.line_num
            if last - line >= _LONGEST_ROW:
                raise ImportFailed(f"has a quotation mark on line {line} that is not closed before line {last}")
            if fault or any(cells):
                yield SourceRow(line, last, cells, fault)

    def share_read(self) -> float | None:
        """How much of the file is read, 0 to 1."""
        return min(1.0, self._file.tell() / self._size)

    def _lines(self) -> Iterator[str]:
        self._file.seek(0)
        # Every reading has a buffer of its own over the one open file.
        fresh = io.BufferedReader(io.FileIO(self._file.fileno(), closefd=False))
        text = io.TextIOWrapper(fresh, encoding=self._encoding, errors="replace", newline="")
        while line := text.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise ImportFailed(f"is not CSV: a line has more than {_LONGEST_LINE:,} characters")
            yield line

    def _find_header(self, known: frozenset[str]) -> tuple[str, int, str]:
        """The separator, how many lines stand before the header, and the header's line."""
        separator = None
        for number, line in enumerate(self._lines()):
            hint = _SEPARATOR_HINT.fullmatch(line.strip("\r\n"))
            if hint is not None:
                separator = hint[1]
            elif line.strip(_SEPARATORS + " \r\n"):
                return separator or _separator_of(line, known), number, line
        raise ImportFailed("is empty")


def _separator_of(line: str, known: frozenset[str]) -> str:
    def names_known(separator: str) -> tuple[int, int]:
        return sum(column_name(name) in known for name in _split(line, separator)), line.count(separator)

    return max(_SEPARATORS, key=names_known)


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line.strip("\r\n")], delimiter=separator), [])
