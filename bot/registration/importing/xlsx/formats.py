"""The text of numeric cells: numbers, dates, times and durations, as a careful person would have typed them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.registration.importing.xlsx.xml import Element

_DIGITS_THAT_EXCEL_KEEPS: Final = 15
_EXACT_UP_TO: Final = 2**53
_LONGEST_WHOLE: Final = 1e21

_SECONDS_OF_A_DAY: Final = 86_400
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's times are local to nobody
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
#: In the older count of days 1900 has a 29 February: before it, all days are one further from its epoch.
_FIRST_DAY_COUNTED_RIGHT: Final = 61

# ECMA-376 part 1, 18.8.30: the number formats that every workbook has and that show dates or times.
_DATE_FORMATS: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
# What a format may hold beside placeholders: quoted, escaped and padding characters, colours, currencies, conditions.
_DECORATION: Final = re.compile(r'"[^"]*"|[\\_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"[dmyhs]", re.IGNORECASE)


def date_styles(styles: Sequence[Element]) -> frozenset[int]:
    """Which cell styles, by their numbers, show dates or times, from the elements of a workbook's style sheet."""
    own = {
        element.attributes.get("numFmtId"): element.attributes.get("formatCode", "")
        for element in styles
        if element.name == "numFmt"
    }
    of_cells = [element for element in styles if element.name == "xf" and element.parent == "cellXfs"]
    return frozenset(
        number
        for number, element in enumerate(of_cells)
        if _shows_date(own.get(format_id := element.attributes.get("numFmtId", "0")), format_id)
    )


def number_text(value: str) -> str:
    """A number as it was meant; one that may have lost its last digits looks as spreadsheets then show it.

    Excel keeps 15 digits of a number and puts zeros after them, and above 2**53 not every number exists in it.
    """
    if len(value) <= _DIGITS_THAT_EXCEL_KEEPS and value.isdecimal():
        return value
    number = float(value)
    if not number.is_integer() or abs(number) >= _LONGEST_WHOLE:
        return repr(number)
    whole = int(value) if value.lstrip("-").isdecimal() else int(number)
    digits = str(abs(whole))
    if len(digits) > _DIGITS_THAT_EXCEL_KEEPS and (digits.endswith("0") or abs(whole) >= _EXACT_UP_TO):
        return f"{whole:.14E}"
    return str(whole)


def date_text(value: str, *, from_1904: bool) -> str:
    """A count of days as YYYY-MM-DD, its fraction as HH:MM:SS; what lies outside the calendar stays a number."""
    days = float(value)
    if days < 0:
        return number_text(value)
    whole, seconds = divmod(round(days * _SECONDS_OF_A_DAY), _SECONDS_OF_A_DAY)
    time_of_day = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if whole == 0:
        return time_of_day
    if not from_1904 and whole < _FIRST_DAY_COUNTED_RIGHT:
        whole += 1
    try:
        day = ((_EPOCH_1904 if from_1904 else _EPOCH) + timedelta(days=whole)).date()
    except OverflowError:
        return number_text(value)
    return f"{day} {time_of_day}" if seconds else str(day)


def iso_text(value: str) -> str:
    """A date and time that stands in the sheet as ISO 8601: midnight is left away."""
    return value.removesuffix("Z").removesuffix("T00:00:00").replace("T", " ")


def _shows_date(code: str | None, format_id: str) -> bool:
    if code is None:
        return int(format_id) in _DATE_FORMATS
    first_section = _DECORATION.sub("", code).partition(";")[0]
    return first_section.casefold() != "general" and _PLACEHOLDER.search(first_section) is not None
