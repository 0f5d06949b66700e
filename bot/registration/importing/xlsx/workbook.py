"""A workbook: a ZIP archive of XML documents that name each other."""

from __future__ import annotations

import os
import posixpath
import struct
import zipfile
from collections.abc import Iterator
from functools import cached_property
from typing import IO, Final, NamedTuple

from bot.registration.importing.report import ImportFailed
from bot.registration.importing.xlsx.formats import date_styles
from bot.registration.importing.xlsx.shared_strings import SharedStrings, read_shared_strings
from bot.registration.importing.xlsx.sheet import SheetReader
from bot.registration.importing.xlsx.xml import Element, elements

#: Bytes of one part, unpacked: a sheet of a million rows of a roster has 700 million.
_LARGEST_PART: Final = 2 * 1024**3
#: A part above so many bytes that was packed more tightly than this is no sheet, which packs 10 to 30 times.
_SUSPICIOUS_SIZE: Final = 32 * 1024**2
_TIGHTEST: Final = 200
#: Bytes of the archive's list of its parts; a workbook's has a few thousand.
_LARGEST_LIST: Final = 1024**2
_END_OF_LIST: Final = b"PK\x05\x06"


class Sheet(NamedTuple):
    """A sheet: its name, whether people see it, and where it is in the archive."""

    name: str
    visible: bool
    part: str


class Workbook:
    """An XLSX workbook in ``file``; raises what ``zipfile``, XML and numbers raise where it is damaged."""

    def __init__(self, file: IO[bytes]) -> None:
        _refuse_long_list(file)
        self._archive = zipfile.ZipFile(file)
        self._parts = {name.casefold(): name for name in self._archive.namelist()}
        self._workbook = self._related("", "officedocument")[0]
        with self._open(self._workbook) as stream:
            described = elements(stream)
        parts = self._parts_by_id(self._workbook)
        self.sheets = [
            Sheet(
                name=element.attributes.get("name", ""),
                visible=element.attributes.get("state", "visible") == "visible",
                part=parts[element.attributes["id"]],
            )
            for element in described
            if element.name == "sheet" and element.parent == "sheets"
        ]
        self._from_1904 = any(
            element.name == "workbookPr" and element.attributes.get("date1904") in {"1", "true", "on"}
            for element in described
        )
        self._reading: IO[bytes] | None = None
        self._length = 1

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
        """The rows of ``sheet`` as (line, cells), by line."""
        reader = SheetReader(self._strings, self._dates, from_1904=self._from_1904)
        with self._open(sheet.part) as stream:
            self._reading = stream
            self._length = max(1, self._archive.getinfo(self._parts[sheet.part.casefold()]).file_size)
            try:
                yield from reader.rows(stream)
            finally:
                self._reading = None

    def share_read(self) -> float | None:
        """How much of the sheet that is being read lies behind, 0 to 1; None if none is."""
        return None if self._reading is None else min(1.0, self._reading.tell() / self._length)

    @cached_property
    def _strings(self) -> SharedStrings:
        found = self._related(self._workbook, "sharedstrings")
        if not found:
            return SharedStrings()
        with self._open(found[0]) as stream:
            return read_shared_strings(stream)

    @cached_property
    def _dates(self) -> frozenset[int]:
        found = self._related(self._workbook, "styles")
        if not found:
            return frozenset()
        with self._open(found[0]) as stream:
            return date_styles(elements(stream))

    def _open(self, part: str) -> IO[bytes]:
        """Open a part; raises ``ImportFailed`` for one that would unpack without an end. No more is read than it says."""
        found = self._archive.getinfo(self._parts[part.casefold()])
        bomb = found.file_size > _SUSPICIOUS_SIZE and found.file_size > _TIGHTEST * found.compress_size
        if bomb or found.file_size > _LARGEST_PART:
            raise ImportFailed("unpacks to far more than a list can be: save it again as XLSX, or as CSV UTF-8")
        return self._archive.open(found)

    def _related(self, part: str, kind: str) -> list[str]:
        """The parts that ``part`` names as being of ``kind``, the last word of a relationship's type in lower case."""
        return [
            target
            for element, target in self._relationships(part)
            if element.attributes.get("Type", "").casefold().endswith(f"/{kind}")
        ]

    def _parts_by_id(self, part: str) -> dict[str, str]:
        return {element.attributes.get("Id", ""): target for element, target in self._relationships(part)}

    def _relationships(self, part: str) -> list[tuple[Element, str]]:
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed.casefold() not in self._parts:
            return []
        with self._open(listed) as stream:
            return [
                (element, posixpath.normpath(posixpath.join("/", folder, element.attributes["Target"])).lstrip("/"))
                for element in elements(stream)
                if element.name == "Relationship" and element.attributes.get("TargetMode") != "External"
            ]


def _refuse_long_list(file: IO[bytes]) -> None:
    """Refuse an archive whose list of parts would not fit into memory, before it is read (APPNOTE 4.3.16)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(_END_OF_LIST)
    if 0 <= at <= len(tail) - 16 and struct.unpack_from("<L", tail, at + 12)[0] > _LARGEST_LIST:
        raise ImportFailed("has more parts than a workbook can have: save it again as XLSX, or as CSV UTF-8")
    file.seek(0)
