"""What one kind of file adds to the common pipeline: its columns, how a row is read, and where the rows go."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, LiteralString

import psycopg

from bot.registration.importing.codes import Codes
from bot.registration.importing.report import Kind
from bot.registration.importing.source import Glance

Connection = psycopg.Connection[tuple[Any, ...]]

#: Whoever changes the registry in bulk holds this advisory lock, so that two imports wait for each other.
REGISTRY_LOCK: Final = 0x42616C6173


class Notice(enum.IntFlag):
    """What may be odd about a row that goes in all the same."""

    NONE = 0
    APOSTROPHE = enum.auto()
    BIRTH_DATE = enum.auto()
    SEX = enum.auto()
    PROVINCE = enum.auto()
    PAST = enum.auto()
    NUMBER_KEPT = enum.auto()

    @property
    def text(self) -> str:
        """What to tell the person who imports the file."""
        return _NOTICES[self]


_NOTICES = {
    Notice.APOSTROPHE: "a leading apostrophe was taken off",
    Notice.BIRTH_DATE: "birth_date is not the one that the NIK states",
    Notice.SEX: "sex is not the one that the NIK states",
    Notice.PROVINCE: "province_code is not how the district's code begins",
    Notice.PAST: "the date lies in the past",
    Notice.NUMBER_KEPT: "phone was not put back: its owner has since replaced it by one of their own",
}


@dataclass(frozen=True, slots=True)
class Merged:
    """How many rows an import has added to a table, and how many it has changed."""

    added: int
    updated: int


class Importer(ABC):
    """One kind of file. Its rows are staged in a temporary table of its own, checked there, and merged from there."""

    kind: ClassVar[Kind]
    #: Columns of the file.
    required: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]]
    #: Those of them in which an apostrophe may come first.
    free_text: ClassVar[frozenset[str]]
    #: The temporary table, and its columns with their SQL types in the order of ``read``'s values.
    staged: ClassVar[LiteralString]
    types: ClassVar[Mapping[LiteralString, LiteralString]]
    #: The table that receives the rows, the staged columns that name one of its rows, and how to say so.
    target: ClassVar[LiteralString]
    key: ClassVar[tuple[LiteralString, ...]]
    key_column: ClassVar[str]
    key_words: ClassVar[str]

    @abstractmethod
    def read(self, cells: Sequence[str]) -> tuple[tuple[object, ...], Notice]:
        """The staged values of one row, from the cells of all columns in their order; raises ``BadCell``."""

    def glance(self, columns: Sequence[str | None], separator: str) -> Glance | None:
        """What knows of a row as it stands in a file, with these columns and this separator, whether it is plain what ``read``
        makes of its cells, without a notice.

        Such a row comes packed as binary COPY takes it. Others are to be read with care; by default all are.
        """
        return None

    def plain(self, line: int, cells: Sequence[str]) -> bytes | None:
        """The same of a row that has been taken apart, all columns in their order."""
        return None

    def pack_straight(self, codes: Codes) -> None:
        """From now on ``plain`` packs rows for their table itself, where they may go straight: see ``straight``."""
        raise NotImplementedError(f"{self.kind} has no straight way")

    @abstractmethod
    def check(self, connection: Connection) -> None:
        """Reject the staged rows that contradict what the database knows, with one statement per reason.

        May lock the rows of the target that it judged by, in the order of their ids.
        """

    @abstractmethod
    def merge(self, connection: Connection, present: frozenset[str], now: datetime) -> Merged:
        """Bring the target to what the good staged rows say, leaving alone what they do not change.

        ``present`` are the columns that the file has; what an absent one would say stays as it is.
        """
