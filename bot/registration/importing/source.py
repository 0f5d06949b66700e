"""What every readable file looks like to an import: a header, and rows of text with the lines they stand on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol


class SourceRow(NamedTuple):
    """One row as it stands in the file. ``fault`` tells why its cells could not be read.

    ``line`` is where it starts, as a text editor or a spreadsheet counts, and ``last_line`` where it ends.
    """

    line: int
    last_line: int
    cells: Sequence[str]
    fault: str = ""


#: Lines.
STRETCH: Final = 1000
#: Makes something of a row's line and text, as it stands in the file, or None.
Glance = Callable[[int, str], bytes | None]


class Share:
    """A reader's share of a file: here, all of it."""

    def has(self, line: int) -> bool:
        """Whether the row that begins on a line is of this share. Lines are asked for in their order."""
        return True

    @staticmethod
    def until(line: int) -> int:
        """The first line after this one of which ``has`` may tell something else."""
        return line + STRETCH - line % STRETCH


class Turns(Share):
    """One of several readers' share of a file, whose stretches they take in turn, each when it is ready for another.

    ``counter`` is a descriptor of an empty file that they hold together: whoever moves its place takes the stretch of that
    number, and the system moves it for one after the other.
    """

    def __init__(self, counter: int) -> None:
        self._counter = counter
        self._mine = -1

    def has(self, line: int) -> bool:
        """See ``Share``."""
        stretch = line // STRETCH
        while self._mine < stretch:
            self._mine = os.lseek(self._counter, 1, os.SEEK_CUR) - 1
        return self._mine == stretch


EVERYTHING: Final = Share()


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

    def share(self, share: Share, glance: Glance | None) -> Iterator[SourceRow | bytes]:
        """The same of a share alone, and what ``glance`` makes of a row at once instead of the row. A source that is not
        ``cheap`` has but one share, and may do without a glance."""
        ...

    def share_read(self) -> float | None:
        """How much of the file the present reading has behind it, 0 to 1; None if that cannot be told."""
        ...
