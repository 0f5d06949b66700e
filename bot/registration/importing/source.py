"""What every readable file looks like to an import: a header, and rows of text with the lines they stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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


_PARTS: Final = 16
#: Odd, so that neighbouring stretches are of different parts, and each part's turn comes.
_SPREAD: Final = 7


@dataclass(frozen=True, slots=True)
class Share:
    """One of several readers' share of a file, in sixteenths from ``begin`` to ``end``, which lie all over it."""

    begin: int = 0
    end: int = _PARTS

    def has(self, line: int) -> bool:
        """Whether the row that begins on a line is of this share."""
        return self.begin <= line // STRETCH * _SPREAD % _PARTS < self.end


EVERYTHING: Final = Share()
#: Shares of the two readers of a long file: the import itself, which also hands all rows to PostgreSQL, and the second.
OURS, THEIRS = Share(0, 6), Share(6, _PARTS)


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
