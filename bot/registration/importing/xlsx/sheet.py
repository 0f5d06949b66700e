"""The rows of one sheet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

from bot.registration.importing.xlsx.formats import date_text, iso_text, number_text
from bot.registration.importing.xlsx.shared_strings import SharedStrings, TextCollector, unescaped
from bot.registration.importing.xlsx.xml import feed, local_name, new_parser

_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 16_384
#: Characters of all cells of one row; a roster's have a few hundred.
_LONGEST_ROW: Final = 1_000_000


class SheetReader:
    """Turns a sheet's XML into rows of text."""

    def __init__(self, strings: SharedStrings, dates: frozenset[int], *, from_1904: bool) -> None:
        self._strings = strings
        self._dates = {str(number) for number in dates}
        self._from_1904 = from_1904
        self._columns: dict[str, int] = {}

    def rows(self, stream: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
        """The rows that the sheet has, as (line, cells), by line; raises ``ValueError`` or ``LookupError`` if damaged."""
        done: list[tuple[int, list[str]]] = []
        cells: list[str] = []
        inline = TextCollector()
        line = column = length = 0
        kind = style = value = ""
        in_value = False

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal line, column, length, kind, style, value, in_value
            local = local_name(name)
            if local == "c":
                column = self._column(attributes.get("r", ""), column + 1)
                if column < len(cells):
                    raise ValueError("cells that do not follow each other")
                kind = attributes.get("t", "n")
                style = attributes.get("s", "0")
                value = ""
            elif local == "v":
                in_value = True
            elif local == "row":
                line = _line(attributes.get("r", ""), line)
                column, length = -1, 0
                cells.clear()
            elif kind == "inlineStr":
                inline.start(local)

        def characters(text: str) -> None:
            nonlocal value, length
            if not kind:
                return
            length += len(text)
            if length > _LONGEST_ROW:
                raise ValueError("a row of too much text")
            if in_value:
                value += text
            else:
                inline.characters(text)

        def end(name: str) -> None:
            nonlocal in_value, kind, value, length
            local = local_name(name)
            if local == "v":
                in_value = False
            elif local == "c":
                if kind == "inlineStr":
                    value = inline.take()
                elif value:
                    value = self._text(kind, style, value)
                    length += len(value)
                if value:
                    cells.extend([""] * (column - len(cells)))
                    cells.append(value)
                kind = ""
            elif local == "row":
                done.append((line, cells.copy()))
            elif kind == "inlineStr":
                inline.end(local)

        parser = new_parser()
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = characters
        for _ in feed(parser, stream):
            yield from done
            done.clear()

    def _text(self, kind: str, style: str, value: str) -> str:
        """The text of a cell that holds ``value``. ECMA-376 part 1, 18.18.11 lists the kinds."""
        match kind:
            case "s":
                return self._strings[int(value)]
            case "n":
                if style in self._dates:
                    return date_text(value, from_1904=self._from_1904)
                return number_text(value)
            case "b":
                return "FALSE" if value == "0" else "TRUE"
            case "d":
                return iso_text(value)
            case _:
                return unescaped(value)

    def _column(self, reference: str, after: int) -> int:
        """The place of a cell in its row, from a reference such as "C7"; the next one if it has none."""
        if not reference:
            return after
        letters = reference.rstrip("0123456789")
        known = self._columns.get(letters)
        if known is None:
            number = 0
            for letter in letters.upper():
                if not "A" <= letter <= "Z":
                    raise ValueError("a cell without a place")
                number = number * 26 + ord(letter) - ord("A") + 1
            if not 1 <= number <= _MOST_COLUMNS:
                raise ValueError("more columns than a sheet has")
            known = self._columns[letters] = number - 1
        return known


def _line(text: str, before: int) -> int:
    line = int(text) if text else before + 1
    if not before < line <= _MOST_ROWS:
        raise ValueError("rows that do not follow each other")
    return line
