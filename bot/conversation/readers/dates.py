"""Dates as people text them; the day always comes first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.conversation.readers.months import month_number
from bot.conversation.readers.typed import plain, tokens


@dataclass(frozen=True, slots=True)
class Date:
    """The text says exactly one date, and there was such a day."""

    value: date


@dataclass(frozen=True, slots=True)
class Impossible:
    """The text looks like a date, but means no day: 31 February, the future, longer ago than people live."""


@dataclass(frozen=True, slots=True)
class NotADate:
    """The text is something else, or says several dates."""


DateReading = Date | Impossible | NotADate

_LONGEST: Final = 1000
"""Characters beyond which a text is a story, not an answer."""

_ADULT: Final = 17
"""Years of age that a year of two digits should make, if it can."""

_OWN_NUMBER: Final = 9
"""Digits from which on a number beside a date is one of its own (a phone, an identity number) and cannot belong to the date."""

_SHORTEST_NAME: Final = 3

# O for 0, l or I for 1: in a number that holds at least one digit.
_SLIPPED: Final = re.compile(r"(?<![a-z0-9])[0-9oil]++(?![a-z0-9])")
_MEANT: Final = str.maketrans("oil", "011")

# Words within a date that add nothing: "tgl 17 bulan 8 tahun 1985", "the 17th of August".
_CONNECTIVES: Final = frozenset(
    {"tanggal", "tgl", "tg", "bulan", "bln", "tahun", "thn", "of", "the"} | {"st", "nd", "rd", "th"}
)

_Days = frozenset[date]
"""What something that looks like a date may mean: no day, one, or several."""


def read_date(text: str, *, today: date, oldest_years: int = 110) -> DateReading:
    """The one date that `text` says, not after `today` and at most `oldest_years` ago.

    Takes day, month and year in this order: run together ("17081985", "170885", "1781985"), apart by any signs
    ("17-8-85", "17*8*1985"), or with the month's name in Indonesian or English ("17 Agt 85", "17agustus1985"); besides,
    where it cannot be mistaken, "August 17, 1985" and the year first ("1985-08-17"). Other words may stand around it,
    and numbers too long to belong to it. A year of two digits makes an adult if it can, and never a day in the future.
    O and l for 0 and 1 in a number are understood. Nothing is guessed: what may mean two days is Impossible.
    """
    calendar = _Calendar(today, oldest_years)
    if len(text) == 8 and text.isascii() and text.isdigit():
        return _judge(calendar.run_together(text))
    if len(text) > _LONGEST:
        return NotADate()
    spelling = _SLIPPED.sub(_mend, plain(text))
    return _only_date([token for token in tokens(spelling) if token not in _CONNECTIVES], calendar)


def _mend(number: re.Match[str]) -> str:
    return number[0].translate(_MEANT) if any(map(str.isdigit, number[0])) else number[0]


def _judge(days: _Days) -> DateReading:
    return Date(next(iter(days))) if len(days) == 1 else Impossible()


def _only_date(said: Sequence[str], calendar: "_Calendar") -> DateReading:
    """The only thing among words and numbers that looks like a date, judged."""
    whole = _spread_digits(said)
    if whole is not None and _date_at(said, 0, calendar) is None:
        return _judge(calendar.run_together(whole))
    found: list[_Days] = []
    position = 0
    while position < len(said):
        at_this = _date_at(said, position, calendar)
        if at_this is not None:
            length, days = at_this
            found.append(days)
            position += length
        elif _is_number(said[position]) and len(said[position]) < _OWN_NUMBER:
            return NotADate()
        else:
            position += 1
    if not found or (len(found) > 1 and (len(set(found)) > 1 or not found[0])):
        return NotADate()
    return _judge(found[0])


def _spread_digits(said: Sequence[str]) -> str | None:
    """The digits of a date that was run together but for stray signs ("1708 1985", "1 7 0 8 1 9 8 5"), or None."""
    digits = "".join(said)
    if not digits.isdigit() or len(said) < 2:
        return None
    return digits if len(digits) == 8 or (len(digits) == 6 and len(said) == 2) else None


def _date_at(said: Sequence[str], position: int, calendar: "_Calendar") -> tuple[int, _Days] | None:
    """How many tokens from `position` on look like a date, and what they may mean; None if they do not."""
    first = said[position]
    if _is_number(first) and 6 <= len(first) <= 8:
        return 1, calendar.run_together(first)
    if len(said) < position + 3:
        return None
    second, third = said[position + 1], said[position + 2]
    if not _is_number(third):
        return None
    if _is_number(first):
        month = int(second) if _is_number(second) and len(second) <= 2 else month_number(second)
        if month is None:
            return None
        if len(first) <= 2 and len(third) in (2, 4):
            return 3, calendar.days(first, month, third)
        return (3, calendar.days(third, month, first)) if len(first) == 4 and len(third) <= 2 else None
    month = month_number(first) if len(first) >= _SHORTEST_NAME else None
    if month is None or not _is_number(second) or len(second) > 2 or len(third) not in (2, 4):
        return None
    # Months are names of people too: in "Agus 17 08 1985" the date starts behind the name.
    if len(said) > position + 3 and _is_number(said[position + 3]):
        return None
    return 3, calendar.days(second, month, third)


def _is_number(token: str) -> bool:
    return token[0].isdigit()


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The days that may be meant: up to `today`, and at most `oldest_years` ago."""

    today: date
    oldest_years: int

    def run_together(self, digits: str) -> _Days:
        """What 6 to 8 digits without anything between them may mean."""
        if len(digits) == 8:
            day_first = self.days(digits[:2], int(digits[2:4]), digits[4:])
            return day_first or self.days(digits[6:], int(digits[4:6]), digits[:4])
        if len(digits) == 7:
            short_day = self.days(digits[:1], int(digits[1:3]), digits[3:])
            return short_day | self.days(digits[:2], int(digits[2:3]), digits[3:])
        return self.days(digits[:2], int(digits[2:4]), digits[4:])

    def days(self, day: str, month: int, year: str) -> _Days:
        """The day that this day of the month, month and year (of two or four digits) mean, or none."""
        if len(year) == 4:
            real = self._real(int(day), month, int(year))
            return frozenset() if real is None else frozenset({real})
        newest = self.today.year - (self.today.year - int(year)) % 100
        years = range(newest, self.today.year - self.oldest_years - 2, -100)
        possible = [real for real in (self._real(int(day), month, year) for year in years) if real is not None]
        adult = [real for real in possible if self._age(real) >= _ADULT]
        return frozenset((adult or possible)[:1])

    def _real(self, day: int, month: int, year: int) -> date | None:
        try:
            value = date(year, month, day)
        except ValueError:
            return None
        return value if value <= self.today and self._age(value) <= self.oldest_years else None

    def _age(self, born: date) -> int:
        return self.today.year - born.year - ((self.today.month, self.today.day) < (born.month, born.day))
