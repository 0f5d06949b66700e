"""From the rows of a file to the rows of its staging table: good ones as values, bad ones with what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.registration.importing.cells import BadCell, without_apostrophe, without_invisible
from bot.registration.importing.header import Header, TooManyCells
from bot.registration.importing.importer import Importer, Notice
from bot.registration.importing.progress import Progress, Step
from bot.registration.importing.source import EVERYTHING, STRETCH, Share, Source, SourceRow

_NONE: Final = Notice.NONE


def staged_rows(
    source: Source, header: Header, importer: Importer, tell: Progress, share: Share = EVERYTHING
) -> Iterator[Sequence[object]]:
    """The rows of a share of ``source`` as ``Staging.fill`` takes them: values, or ``bytes`` where they are packed already.

    Tells now and then how far it is.
    """
    reader = _RowReader(header, importer)
    for count, row in enumerate(source.share(share, importer.glance(header.columns, source.separator))):
        if count % STRETCH == 0:
            tell(Step.READING, source.share_read())
        yield row if isinstance(row, bytes) else reader.read(row)


class _RowReader:
    def __init__(self, header: Header, importer: Importer) -> None:
        self._header = header
        self._importer = importer
        self._columns = (*importer.required, *importer.optional)
        self._nothing = (None,) * len(importer.types)

    def read(self, row: SourceRow) -> Sequence[object]:
        line, last_line, cells, fault = row
        try:
            if fault:
                raise BadCell("", fault)
            picked = self._header.pick(cells)
            if packed := self._importer.plain(line, picked):
                return packed
            tidy, stripped = self._tidy(picked)
            values, notices = self._importer.read(tidy)
        except TooManyCells:
            bad = BadCell("", "has more cells than the header: a cell that holds the separator needs quotation marks")
        except BadCell as error:
            bad = error
        else:
            if stripped:
                notices |= Notice.APOSTROPHE
            # What an enum's member is worth is asked only where it is worth something: nearly every row has no notice.
            return (line, 0 if notices is _NONE else notices.value, None, None, *values)
        reason = bad.reason
        if last_line > line:
            reason += f" (the row goes on to line {last_line}: is a quotation mark missing?)"
        return (line, 0, bad.column, reason, *self._nothing)

    def _tidy(self, cells: Sequence[str]) -> tuple[Sequence[str], bool]:
        """The cells without outer spaces, invisible marks and spreadsheets' apostrophes; whether there was one."""
        together = "".join(cells)
        if not (together.isascii() and together.isprintable()):
            cells = [without_invisible(cell, column) for cell, column in zip(cells, self._columns, strict=True)]
        tidy = list(map(str.strip, cells))
        if "'" not in together:
            return tidy, False
        bare = [
            without_apostrophe(cell, free_text=column in self._importer.free_text)
            for cell, column in zip(tidy, self._columns, strict=True)
        ]
        return bare, bare != tidy
