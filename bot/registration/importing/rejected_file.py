"""The file of rejected rows: where each stood, what is wrong with it, and the row itself, to be mended and imported.

It holds what the imported file held, personal data included, so its owner alone may read it.
"""

from __future__ import annotations

import contextlib
import csv
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.registration.importing.cells import FORMULA_STARTS
from bot.registration.importing.header import REJECTION_COLUMNS
from bot.registration.importing.report import ImportFailed
from bot.registration.importing.source import Source

_OWNER_ONLY: Final = 0o600


def beside(path: Path) -> Path:
    """Where the rejected rows of the file at ``path`` go unless told otherwise."""
    return path.with_name(f"{path.name}.rejected.csv")


class RejectedFile:
    """A file of rejected rows in the making: it takes its name, replacing an older one, when the import is through."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        self.written = False

    def write(self, source: Source, rejected: Iterable[tuple[int, str, str]]) -> None:
        """Write the rows of ``source`` that ``rejected`` names as (line, column, reason), in the order of lines.

        Raises ``ImportFailed`` if the file cannot be written.
        """
        with _told(self.path):
            # Made readable by its owner alone, not changed to that afterwards.
            number = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            self.written = True
            with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
                out = csv.writer(file, delimiter=source.separator)
                out.writerow(map(_harmless, (*REJECTION_COLUMNS, *source.header)))
                rows = source.rows()
                for line, column, reason in rejected:
                    cells = next((row.cells for row in rows if row.line == line), ())
                    missing = [""] * (len(source.header) - len(cells))
                    out.writerow(map(_harmless, (str(line), column, reason, *cells, *missing)))

    def publish(self) -> None:
        """Give the file its name; raises ``ImportFailed``."""
        with _told(self.path):
            self._draft.replace(self.path)

    def discard(self) -> None:
        """Remove what has been written."""
        with contextlib.suppress(OSError):
            self._draft.unlink()


@contextmanager
def rejected_file(path: Path, *, imported: Path) -> Iterator[RejectedFile]:
    """A file that appears at ``path`` at the end, if it was written, and not at all after an error.

    Raises ``ImportFailed`` if ``path`` is a folder, or the ``imported`` file itself.
    """
    if path.is_dir():
        raise ImportFailed(f"its rejected rows cannot go to {path}, which is a folder")
    if path.exists() and path.samefile(imported):
        raise ImportFailed("its rejected rows cannot take its own place")
    file = RejectedFile(path)
    try:
        yield file
    except BaseException:
        file.discard()
        raise
    if file.written:
        file.publish()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImportFailed(f"its rejected rows cannot be written to {path}: {error.strerror}") from error


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
