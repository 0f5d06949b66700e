"""The texts of a workbook, which its cells name by number."""

from __future__ import annotations

import re
from array import array
from typing import IO, Final

from bot.registration.importing.xlsx.xml import feed, local_name, new_parser

#: Bytes; the texts of a roster of 500,000 take 30 million.
_MOST: Final = 256 * 1024 * 1024
#: Characters of one text; a cell of a spreadsheet holds 32,767.
_LONGEST: Final = 100_000
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """Texts by their numbers, packed one behind the other: a Python string each would take five times the memory."""

    def __init__(self) -> None:
        self._packed = bytearray()
        self._ends = array("Q", [0])

    def append(self, text: str) -> None:
        """Add the next text; raises ``ValueError`` if there is too much of it."""
        self._packed += text.encode("utf-8", "replace")
        if len(self._packed) > _MOST:
            raise ValueError("too much text for one workbook")
        self._ends.append(len(self._packed))

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise IndexError(number)
        return self._packed[self._ends[number] : self._ends[number + 1]].decode()


def read_shared_strings(stream: IO[bytes]) -> SharedStrings:
    """The texts of the shared strings part. Of formatted text the runs are joined; readings (furigana) are left out."""
    strings = SharedStrings()
    text = TextCollector()

    def start(name: str, _: dict[str, str]) -> None:
        text.start(local_name(name))

    def end(name: str) -> None:
        local = local_name(name)
        text.end(local)
        if local == "si":
            strings.append(text.take())

    parser = new_parser()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.characters
    for _ in feed(parser, stream):
        pass
    return strings


class TextCollector:
    """Collects what stands in the ``t`` elements of a text, run by run, but not in its readings (``rPh``)."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._open = False
        self._in_reading = False

    def start(self, local: str) -> None:
        """An element begins."""
        if local == "t":
            self._open = not self._in_reading
        elif local == "rPh":
            self._in_reading = True

    def end(self, local: str) -> None:
        """An element ends."""
        if local == "t":
            self._open = False
        elif local == "rPh":
            self._in_reading = False

    def characters(self, text: str) -> None:
        """Text stands there."""
        if self._open:
            self._parts.append(text)
            self._length += len(text)
            if self._length > _LONGEST:
                raise ValueError("a text of too many characters")

    def take(self) -> str:
        """The text so far; the next one begins empty."""
        text = "".join(self._parts)
        self._parts.clear()
        self._length = 0
        return unescaped(text)


def unescaped(text: str) -> str:
    """``text`` with the characters that XML cannot hold, which a workbook writes as ``_x000D_``."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
