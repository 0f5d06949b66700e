"""The NIK, the number of every Indonesian resident: 6 digits region, 6 birth date, 4 serial.

The region is where the number was given (2 digits province, 2 district, 2 sub-district), which is often not where its
owner lives today. The birth date stands as DDMMYY, with 40 added to the day for women. Numbers outlive corrections of
the birth date, so a NIK whose date is wrong, or is no date at all, is still a NIK.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from bot.text import mask_nik

DIGITS: Final = 16

#: To the letter: 16 ASCII digits whose serial is not 0000.
NIK_FORM: Final = "[1-9][0-9]{11}(?!0000)[0-9]{4}"
_FORM: Final = re.compile(NIK_FORM, re.ASCII)
_WOMEN_ADD_TO_DAY: Final = 40
_MEN_UP_TO_DAY: Final = "40"
_HIGHEST_SUBDISTRICT: Final = 99
_HIGHEST_SERIAL: Final = 9999


class Sex(enum.StrEnum):
    """As on the identity card and in the ``sex`` column of the roster."""

    MALE = "M"
    FEMALE = "F"


class NotANik(ValueError):
    """A text is no NIK. ``reason`` says why in plain words, without repeating the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the NIK {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, repr=False)
class Nik:
    """A number that has the form of a NIK; raises ``NotANik`` when made from anything else."""

    text: str

    def __post_init__(self) -> None:
        if _FORM.fullmatch(self.text) is None:
            raise NotANik(_fault(self.text))

    @property
    def region(self) -> str:
        """The 6 digits of the sub-district in which the number was given."""
        return self.text[:6]

    @property
    def district_code(self) -> str:
        """The 4 digits of the district in which the number was given."""
        return self.text[:4]

    @property
    def tail(self) -> str:
        """The last 4 digits: all of a NIK that may be shown."""
        return self.text[-4:]

    @property
    def sex(self) -> Sex:
        """The sex that the number states."""
        return Sex.FEMALE if self.text[6:8] > _MEN_UP_TO_DAY else Sex.MALE

    def birth_date_matches(self, birth_date: date) -> bool:
        """Whether the number states this birth date; of the year it knows only the last two digits."""
        return self.text[6:12] in _as_stated(birth_date)

    def __repr__(self) -> str:
        return f"Nik({mask_nik(self.text)})"

    __str__ = __repr__


def is_nik_form(text: str) -> bool:
    """Whether ``text`` is, to the letter, a NIK: 16 ASCII digits whose serial is not 0000."""
    return _FORM.fullmatch(text) is not None


def stated_of(birth_date: date, sex: Sex) -> str:
    """The 6 digits by which a NIK states a birth date and a sex."""
    man, woman = _as_stated(birth_date)
    return woman if sex is Sex.FEMALE else man


def make_nik(district_code: str, birth_date: date, sex: Sex, serial: int, *, subdistrict: int = 1) -> Nik:
    """A made-up NIK of somebody born on ``birth_date``; ``serial`` is 1 to 9999 and ``subdistrict`` 1 to 99.

    Raises ``NotANik`` if a part has more digits than the number has room for.
    """
    if not 1 <= serial <= _HIGHEST_SERIAL or not 1 <= subdistrict <= _HIGHEST_SUBDISTRICT:
        raise NotANik(f"has a serial of 1 to {_HIGHEST_SERIAL} and a sub-district of 1 to {_HIGHEST_SUBDISTRICT}")
    day = birth_date.day + (_WOMEN_ADD_TO_DAY if sex is Sex.FEMALE else 0)
    return Nik(f"{district_code}{subdistrict:02}{day:02}{birth_date:%m%y}{serial:04}")


@lru_cache(1 << 16)
def _as_stated(birth_date: date) -> tuple[str, str]:
    """How a number states a birth date, of a man and of a woman."""
    month_and_year = f"{birth_date:%m}{birth_date.year % 100:02}"
    return f"{birth_date.day:02}{month_and_year}", f"{birth_date.day + _WOMEN_ADD_TO_DAY}{month_and_year}"


def _fault(text: str) -> str:
    if not text:
        return "is empty"
    if not re.fullmatch(r"[0-9]+", text, re.ASCII):
        return f"is not {DIGITS} digits: it has letters or signs in it"
    if len(text) != DIGITS:
        return f"is not {DIGITS} digits: it has {len(text)}"
    return "starts with 0, which no region does" if text.startswith("0") else "ends in 0000, which no NIK does"
