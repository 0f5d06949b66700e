"""Which column of a file is which: names are compared without regard to case, spaces, hyphens and underscores."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from bot.registration.importing.report import ImportFailed

#: The columns that a file of rejected rows adds; corrected and imported again, it need not lose them first.
REJECTION_COLUMNS: Final = ("line", "column", "reason")


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one file, matched with the columns that its kind has.

    ``present`` are the known columns that stand in the file, ``ignored`` the names of the others as written.
    """

    width: int
    present: frozenset[str]
    ignored: tuple[str, ...]
    #: The known ones in the order of the file, None for each of the others.
    columns: tuple[str | None, ...]
    _take: Callable[[Sequence[str]], tuple[str, ...]]

    def pick(self, cells: Sequence[str]) -> tuple[str, ...]:
        """The cells of the known columns in the order of the kind, empty where the row or the file has none.

        Raises ``TooManyCells``.
        """
        spare = self.width - len(cells)
        if spare == 0:
            return self._take((*cells, ""))
        if spare < 0 and any(map(str.strip, cells[self.width :])):
            raise TooManyCells
        return self._take((*cells[: self.width], *[""] * (spare + 1)))


class TooManyCells(Exception):
    """A row has more cells than the header."""


def column_name(text: str) -> str:
    """The name of a column in the one form in which names are compared."""
    return re.sub(r"[\s_\-]+", "_", text.replace("\ufeff", "").strip().strip("'\"").casefold())


def match_header(names: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> Header:
    """Find the ``required`` and ``optional`` columns; raises ``ImportFailed`` if one is missing or is there twice."""
    found = [column_name(name) for name in names]
    missing = [name for name in required if name not in found]
    if missing:
        there = ", ".join(name.strip() for name in names if name.strip())
        raise ImportFailed(f"needs more columns: {', '.join(missing)}; it has: {there or 'an empty first row'}")
    known = (*required, *optional)
    twice = [name for name, count in Counter(found).items() if count > 1 and name in known]
    if twice:
        raise ImportFailed(f"has in its header more than once: {', '.join(twice)}")
    return Header(
        width=len(names),
        present=frozenset(found) & frozenset(known),
        ignored=tuple(
            " ".join(name.split())
            for name, plain in zip(names, found, strict=True)
            if plain and plain not in known and plain not in REJECTION_COLUMNS
        ),
        columns=tuple(name if name in known else None for name in found),
        # One place behind the last cell stands an empty one, for the columns that the file does not have.
        _take=itemgetter(*(found.index(name) if name in found else len(names) for name in known)),
    )
