"""What an import did: how many rows went where, and why some did not go in."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from pathlib import Path


class ImportFailed(Exception):
    """A file could not be imported, and nothing of it was. The text is one plain line for the person who tried."""


class Kind(enum.StrEnum):
    """What a file lists."""

    DISTRICTS = "districts"
    FACILITIES = "facilities"
    ROSTER = "roster"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows were read, and how each of them ended."""

    read: int
    added: int
    updated: int
    rejected: int

    @property
    def unchanged(self) -> int:
        """Rows that say what the database already knew."""
        return self.read - self.added - self.updated - self.rejected

    def as_json(self) -> dict[str, object]:
        """The counts by their names."""
        return {
            "read": self.read,
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
        }


@dataclass(frozen=True, slots=True)
class Rejections:
    """Rows that were rejected for one reason. ``column`` is empty where the row as a whole is at fault."""

    column: str
    reason: str
    rows: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to look at that kept no row out. ``rows`` is 0 where it concerns the whole file.

    ``lines`` holds the first few of them.
    """

    text: str
    rows: int = 0
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of one file.

    ``rejections`` are the most frequent ones; all of them, row by row, are in ``rejected_file``, which is None when
    every row went in. A dry run reports what would have happened.
    """

    kind: Kind
    file: str
    dry_run: bool
    rows: Tally
    rejections: tuple[Rejections, ...]
    cautions: tuple[Caution, ...]
    rejected_file: Path | None

    def as_json(self) -> dict[str, object]:
        """The report as ``--json`` prints it."""
        return {
            "kind": self.kind.value,
            "file": self.file,
            "dry_run": self.dry_run,
            **self.rows.as_json(),
            "rejected_file": None if self.rejected_file is None else str(self.rejected_file),
            "rejections": [asdict(group) for group in self.rejections],
            "warnings": [asdict(caution) for caution in self.cautions],
        }
