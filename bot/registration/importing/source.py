"""What every readable file looks like to an import: a header, and rows of text with the lines they stand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol


class SourceRow(NamedTuple):
    """One row as it stands in the file. ``fault`` tells why its cells could not be read.

    ``line`` is where it starts, as a text editor or a spreadsheet counts, and ``last_line`` where it ends.
    """

    line: int
    last_line: int
    cells: Sequence[str]
    fault: str = ""


class Source(Protocol):
    """A file whose rows can be read as often as needed, each time from the first."""

    header: Sequence[str]
    #: What stands between its cells, also in the file of its rejected rows.
    separator: str
    #: What whoever imports the file should know about how it was read.
    remarks: tuple[str, ...]
    #: Whether going through it costs little beside what is made of its rows, so that two may go through it side by side.
    cheap: bool

    def rows(self) -> Iterator[SourceRow]:
        """The rows that hold anything, without the header; raises ``ImportFailed`` where the file breaks."""
        ...

    def share_read(self) -> float | None:
        """How much of the file the present reading has behind it, 0 to 1; None if that cannot be told."""
        ...
