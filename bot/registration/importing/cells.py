"""Reading single cells: from the text that stands in a file to the value that was meant.

Every reader raises ``BadCell`` whose reason says what is wrong without repeating personal data.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time
from typing import Final, NoReturn

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]00)?", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+", re.ASCII)

#: With these first characters a spreadsheet takes a cell for a formula.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class BadCell(Exception):
    """A row cannot be right. ``column`` is empty where the row as a whole is at fault."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def without_invisible(text: str, column: str) -> str:
    """``text`` without the marks that steer how a text is displayed, which copying from chats and web pages leaves.

    Line breaks and odd spaces become spaces. Rejects control characters and what is left of an undecodable byte.
    """
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    spaced = " ".join(visible.split())
    if "\ufffd" in spaced:
        raise BadCell(column, "has characters that are not UTF-8: save the file as CSV UTF-8")
    if not spaced.isprintable():
        raise BadCell(column, "has control characters in it")
    return spaced


def without_apostrophe(text: str, *, free_text: bool) -> str:
    """``text`` without the apostrophe by which spreadsheets mark a cell as text.

    In free text an apostrophe belongs to the name (as in "'Aisyiyah"), unless it keeps a formula from being one.
    """
    if not text.startswith("'") or (free_text and not text[1:].startswith(FORMULA_STARTS)):
        return text
    return text[1:].lstrip()


def required(text: str, column: str) -> str:
    """``text``, which must not be empty."""
    if not text:
        raise BadCell(column, "is empty")
    return text


def read_text(text: str, column: str, longest: int) -> str:
    """Free text with single spaces, of at most ``longest`` characters; may be empty."""
    spaced = " ".join(text.split())
    if len(spaced) > longest:
        raise BadCell(column, f"is longer than {longest} characters")
    return spaced


def read_name(text: str, column: str, longest: int) -> str:
    """A name with single spaces, of at most ``longest`` characters, with at least one letter or digit in it."""
    name = read_text(required(text, column), column, longest)
    if not name[0].isalnum() and not any(map(str.isalnum, name)):
        raise BadCell(column, "has no letter in it")
    return name


def read_date(text: str, column: str) -> date:
    """A day written YYYY-MM-DD."""
    if _DATE.fullmatch(text) is None:
        required(text, column)
        raise BadCell(column, "is not a date written YYYY-MM-DD, such as 1985-08-17")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadCell(column, "is not a day of the calendar") from None


def read_time(text: str, column: str) -> time:
    """An hour and minute of the day, written HH:MM (also as spreadsheets write it: 8:00, 08.00, 08:00:00)."""
    found = _TIME.fullmatch(text)
    if found is None:
        required(text, column)
        raise BadCell(column, "is not a time written HH:MM, such as 08:00")
    try:
        return time(int(found[1]), int(found[2]))
    except ValueError:
        raise BadCell(column, "is not a time of the day") from None


def read_whole(text: str, column: str, lowest: int, highest: int) -> int:
    """A whole number from ``lowest`` to ``highest``."""
    if _WHOLE.fullmatch(text) is None or not lowest <= int(text) <= highest:
        required(text, column)
        raise BadCell(column, f"is not a whole number from {lowest} to {highest}")
    return int(text)


def read_code(text: str, column: str, longest: int) -> str:
    """The code of a facility: one word of at most ``longest`` characters."""
    required(text, column)
    if len(text) > longest:
        raise BadCell(column, f"is longer than {longest} characters")
    if " " in text:
        raise BadCell(column, "has a space in it")
    _refuse_scientific(text, column)
    return text


def read_digits(text: str, column: str, length: int) -> str:
    """A code of exactly ``length`` digits."""
    if len(text) != length or not (text.isascii() and text.isdigit()):
        required(text, column)
        raise BadCell(column, f"is not {length} digits")
    return text


def refuse_number(text: str, column: str, reason: str) -> NoReturn:
    """Reject a NIK or phone number for ``reason``, or for the better one that a spreadsheet has spoiled it."""
    _refuse_scientific(text, column)
    raise BadCell(column, reason)


def _refuse_scientific(text: str, column: str) -> None:
    if _SCIENTIFIC.fullmatch(text):
        raise BadCell(column, "Excel has destroyed this number: format the column as text, enter it again and export")
