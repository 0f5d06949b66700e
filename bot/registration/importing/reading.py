"""From the rows of a file to the rows of its staging table: good ones as values, bad ones with what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.registration.importing.cells import BadCell, without_apostrophe, without_invisible
from bot.registration.importing.header import Header, TooManyCells
from bot.registration.importing.importer import Importer, Notice
from bot.registration.importing.progress import Progress, Step
from bot.registration.importing.source import Source, SourceRow

_TELL_EVERY: Final = 1000


def staged_rows(source: Source, header: Header, importer: Importer, tell: Progress) -> Iterator[Sequence[object]]:
    """Every row of ``source`` as ``Staging.fill`` takes them, telling now and then how far it is."""
    reader = _RowReader(header, importer)
    for count, row in enumerate(source.rows()):
        if count % _TELL_EVERY == 0:
            tell(Step.READING, source.share_read())
        yield reader.read(row)


class _RowReader:
    def __init__(self, header: Header, importer: Importer) -> None:
        self._header = header
        self._importer = importer
        self._columns = (*importer.required, *importer.optional)
        self._nothing = (None,) * len(importer.types)

    def read(self, row: SourceRow) -> Sequence[object]:
        try:
            if row.fault:
                raise BadCell("", row.fault)
            cells, stripped = self._tidy(self._header.pick(row.cells))
            values, notices = self._importer.read(cells)
        except TooManyCells:
            bad = BadCell("", "has more cells than the header: a cell that holds the separator needs quotation marks")
        except BadCell as error:
            bad = error
        else:
            if stripped:
                notices |= Notice.APOSTROPHE
            return (row.line, notices.value, None, None, *values)
        reason = bad.reason
        if row.last_line > row.line:
            reason += f" (the row goes on to line {row.last_line}: is a quotation mark missing?)"
        return (row.line, 0, bad.column, reason, *self._nothing)

    def _tidy(self, cells: Sequence[str]) -> tuple[Sequence[str], bool]:
        """The cells without outer spaces, invisible marks and spreadsheets' apostrophes; whether there was one."""
        together = "".join(cells)
        if not (together.isascii() and together.isprintable()):
            cells = [without_invisible(cell, column) for cell, column in zip(cells, self._columns, strict=True)]
        tidy = [cell.strip() for cell in cells]
        if "'" not in together:
            return tidy, False
        bare = [
            without_apostrophe(cell, free_text=column in self._importer.free_text)
            for cell, column in zip(tidy, self._columns, strict=True)
        ]
        return bare, bare != tidy
