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
from bot.registration.importing.source import EVERYTHING, Glance, Share, SourceRow

_SEPARATORS: Final = ",;\t|"
# Excel's own hint, which it writes and reads before the header: sep=;
_SEPARATOR_HINT: Final = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)
# An address may have a few line breaks in it; more than this is a quotation mark that nobody closed.
_LONGEST_ROW: Final = 20
#: Characters; what has longer lines is not a list of rows, and would have to be held in memory.
_LONGEST_LINE: Final = 1_000_000
#: Characters that are read at once.
_BLOCK: Final = 1 << 16
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
        for row in self.share(EVERYTHING, None):
            if not isinstance(row, bytes):
                yield row

    def share(self, share: Share, glance: Glance | None) -> Iterator[SourceRow | bytes]:
        """See ``Source``. A line without a quotation mark, where a row may begin, is a row: only others are taken apart to
        know where they end."""
        line = self._lines_before + 1
        lines = itertools.islice(self._lines(), line, None)
        waiting: list[str] = []
        reader = csv.reader(_fed(waiting, lines), delimiter=self.separator, strict=True)
        ours, others_from = False, 0
        for text in lines:
            line += 1
            if line >= others_from:
                ours, others_from = share.has(line), share.until(line)
            if '"' not in text:
                if not ours:
                    continue
                seen = glance(line, text) if glance is not None else None
                if seen is not None:
                    yield seen
                    continue
            fault = ""
            cells: list[str] = []
            before = reader.line_num
            waiting.append(text)
            try:
                cells = next(reader)
            except csv.Error:
                fault = "has a quotation mark in a wrong place"
            first, line = line, line + reader.line_num - before - 1
            if line - first >= _LONGEST_ROW:
                raise ImportFailed(f"has a quotation mark on line {first} that is not closed before line {line}")
            if ours and (fault or any(cells)):
                yield SourceRow(first, line, cells, fault)

    def share_read(self) -> float | None:
        """How much of the file is read, 0 to 1."""
        return min(1.0, self._file.tell() / self._size)

    def _lines(self) -> Iterator[str]:
        self._file.seek(0)
        # Every reading has a buffer of its own over the one open file.
        fresh = io.BufferedReader(io.FileIO(self._file.fileno(), closefd=False))
        text = io.TextIOWrapper(fresh, encoding=self._encoding, errors="replace", newline="")
        return itertools.chain.from_iterable(_blocks_of_lines(text))

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


def _blocks_of_lines(text: io.TextIOWrapper) -> Iterator[list[str]]:
    """The lines of a text, with their ends, many at a time: asking for each alone takes twice as long."""
    rest = ""
    while block := text.read(_BLOCK):
        lines = io.StringIO(rest + block, newline="").readlines()
        # It may go on, be it by the second half of its end.
        rest = lines.pop()
        # Only the first one can be of several blocks.
        if max(map(len, (rest, *lines[:1]))) >= _LONGEST_LINE:
            raise ImportFailed(f"is not CSV: a line has more than {_LONGEST_LINE:,} characters")
        yield lines
    yield [rest] if rest else []


def _fed(first: list[str], rest: Iterator[str]) -> Iterator[str]:
    """What waits in ``first``, and when that is empty, the rest."""
    while True:
        line = first.pop() if first else next(rest, None)
        if line is None:
            return
        yield line


def _separator_of(line: str, known: frozenset[str]) -> str:
    def names_known(separator: str) -> tuple[int, int]:
        return sum(column_name(name) in known for name in _split(line, separator)), line.count(separator)

    return max(_SEPARATORS, key=names_known)


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line.strip("\r\n")], delimiter=separator), [])
