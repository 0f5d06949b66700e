"""Roster rows that are plainly right, read and packed for PostgreSQL in one go.

Nearly every row of a roster is spelled as it should be: its NIK states its birth date and sex, its number is a mobile one,
no cell has an odd mark. For these, what ``RosterImporter.read`` finds out with care is known at a glance, at half the cost.
What is not plain, right or wrong, is not judged here: it is read with care, and all that is ever said of a row is said there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from bot.crypto import Vault
from bot.phone import plain_mobile
from bot.registration.importing.cells import BadCell, read_date
from bot.registration.nik import Sex, is_nik_form, stated_of

_MANY: Final = 65_536
_LONGEST: Final = 100
#: ASCII words with one space between them. An apostrophe may stand in a name, but spreadsheets put one before it.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z.,'-]*(?: [A-Za-z.,'-]+)*", re.ASCII)
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z.,/()&-]*(?: [A-Za-z.,/()&-]+)*", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}", re.ASCII)

#: Binary COPY, by PostgreSQL's documentation: the number of columns, then each one's length and bytes; -1 is NULL.
_COLUMNS: Final = 15
_NULL: Final = b"\xff\xff\xff\xff"
#: Columns, line, notices, two NULLs, hash, sealed NIK, tail, and the length of the name.
_HEAD: Final = struct.Struct(">hiiiiiii32si48si4si")
_BORN: Final = struct.Struct(">iiis")
_LENGTH: Final = struct.Struct(">i")
_POSTGRES_EPOCH: Final = date(2000, 1, 1).toordinal()


class PlainWorkers:
    """Packs plain rows. ``earliest`` and ``latest`` are the bounds of a birth date."""

    def __init__(self, vault: Vault, earliest: date, latest: date) -> None:
        self._hash, self._seal = vault.hash, vault.seal
        self._bounds = earliest, latest
        self._born = lru_cache(_MANY)(self._read_born)

    def packed(self, line: int, cells: Sequence[str]) -> bytes | None:
        """One row as binary COPY takes it into staging, or None where it is not plain."""
        nik, name, birth_date, district_code, sex, phone, facility_code, profession = cells
        born = self._born(birth_date, sex)
        place = _place(district_code, facility_code)
        work = _profession(profession)
        mobile = plain_mobile(phone) if phone else ""
        if born is None or place is None or work is None or mobile is None:
            return None
        if nik[6:12] != born[0] or not is_nik_form(nik) or _NAME.fullmatch(name) is None or len(name) > _LONGEST:
            return None
        hashed, sealed, tail = self._hash(nik), self._seal(nik, "nik"), nik[12:].encode()
        head = _HEAD.pack(_COLUMNS, 4, line, 4, 0, -1, -1, 32, hashed, 48, sealed, 4, tail, len(name))
        return b"".join((head, name.encode(), born[1], _text(mobile) if mobile else _NULL, place, work))

    def _read_born(self, text: str, sex: str) -> tuple[str, bytes] | None:
        """How a NIK states a birth date and sex, and both packed."""
        if sex not in ("M", "F"):
            return None
        try:
            born = read_date(text, "birth_date")
        except BadCell:
            return None
        earliest, latest = self._bounds
        if not earliest <= born <= latest:
            return None
        return stated_of(born, Sex(sex)), _BORN.pack(4, born.toordinal() - _POSTGRES_EPOCH, 1, sex.encode())


# Few values that stand in many rows: packed once.
@lru_cache(_MANY)
def _place(district_code: str, facility_code: str) -> bytes | None:
    if _CODE.fullmatch(district_code) is None:
        return None
    if not facility_code:
        return _text(district_code) + _NULL
    return _text(district_code) + _text(facility_code) if _CODE.fullmatch(facility_code) else None


@lru_cache(_MANY)
def _profession(text: str) -> bytes | None:
    """The profession, and that there are no hashes with other keys."""
    if text and (_WORDS.fullmatch(text) is None or len(text) > _LONGEST):
        return None
    return _text(text) + _NULL


def _text(text: str) -> bytes:
    return _LENGTH.pack(len(text)) + text.encode()
