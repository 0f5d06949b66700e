"""Roster rows that are plainly right, read and packed for PostgreSQL in one go.

Nearly every row of a roster is spelled as it should be: its NIK states its birth date and sex, its number is a mobile one,
no cell has an odd mark. For these, what ``RosterImporter.read`` finds out with care is known at a glance at the whole row, at
a third of the cost. What is not plain, right or wrong, is not judged here: it is read with care, and all that is ever said of
a row is said there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Final

from bot.crypto import Vault
from bot.phone import PLAIN_MOBILE, in_e164
from bot.registration.importing.cells import BadCell, read_date
from bot.registration.importing.codes import Codes
from bot.registration.nik import NIK_FORM, Sex, stated_of

_MANY: Final = 65_536
_LONGEST: Final = 100
#: What a plain cell of each column is, one group each. A name is ASCII words with one space between them; an apostrophe may
#: stand in it, but spreadsheets put one before it. A comma is written \\x2c, to be left out where it separates cells.
_CELLS: Final = {
    "nik": f"({NIK_FORM})",
    "name": "([A-Za-z][A-Za-z.\\x2c'-]*(?: [A-Za-z.\\x2c'-]+)*)",
    "birth_date": "([0-9-]{10})",
    "sex": "([MF])",
    "phone": f"(?:{PLAIN_MOBILE})?",
    "district_code": "([A-Za-z0-9][A-Za-z0-9._/-]{0,39})",
    "facility_code": "([A-Za-z0-9][A-Za-z0-9._/-]{0,39})?",
    "profession": "([A-Za-z][A-Za-z.\\x2c/()&-]*(?: [A-Za-z.\\x2c/()&-]+)*)?",
}
#: What may stand between cells and is in none, but for the comma.
SEPARATORS: Final = ",;\t|\x1f"
#: A cell of a column that is not ours; and a group for a column that the file does not have, which is never found.
_IGNORED, _ABSENT = '[^"\\r\\n\\0{}]{{0,1000}}', "((?!))?"

#: Binary COPY, by PostgreSQL's documentation: the number of columns, then each one's length and bytes; -1 is NULL.
_COLUMNS_STAGED, _COLUMNS_STRAIGHT = 15, 13
_NULL: Final = b"\xff\xff\xff\xff"
#: Columns, line, notices, two NULLs; or columns and id. Then for both: hash, sealed NIK, tail, and the length of the name.
_HEAD: Final = struct.Struct(">hiiiiiii32si48si4si")
_HEAD_STRAIGHT: Final = struct.Struct(">hiqi32si48si4si")
_ID: Final = struct.Struct(">iq")
_BORN: Final = struct.Struct(">iiis")
_LENGTH: Final = struct.Struct(">i")
#: What stands before so many digits of a mobile number: how long it is in all, and what comes first.
_PHONE: Final = [_LENGTH.pack(len(in_e164("")) + digits) + in_e164("").encode() for digits in range(13)]
_POSTGRES_EPOCH: Final = date(2000, 1, 1).toordinal()
_POSTGRES_MIDNIGHT: Final = datetime(2000, 1, 1, tzinfo=UTC)


class PlainWorkers:
    """Packs plain rows for staging or, given ``codes``, straight for the table.

    ``columns`` are those of the file in their order, None for one that is not ours; ``separator``, one of ``SEPARATORS``,
    stands between the cells.
    ``earliest`` and ``latest`` are the bounds of a birth date.
    """

    def __init__(
        self,
        vault: Vault,
        earliest: date,
        latest: date,
        columns: Sequence[str | None],
        separator: str,
        codes: Codes | None = None,
    ) -> None:
        pattern, order = _pattern_of(columns, separator)
        self._match, self._order = pattern.fullmatch, order
        self._hash, self._seal = vault.hasher(), vault.sealer("nik")
        self._bounds = earliest, latest
        self._first_id = None if codes is None else codes.first_id
        self._born = lru_cache(_MANY)(self._read_born)
        self._place = lru_cache(_MANY)(_place if codes is None else partial(_known_place, codes))
        # What follows the profession: no hashes with other keys; or when the row was made, and changed last.
        self._last = _NULL if codes is None else 2 * _moment(codes.now)

    def packed(self, line: int, text: str) -> bytes | None:
        """One row as binary COPY takes it, or None where it is not plain. ``text``: all its cells, with separators and, maybe,
        the end of the line."""
        found = self._match(text)
        if found is None:
            return None
        nik, name, birth_date, sex, mobile, district_code, facility_code, profession = found.group(*self._order)
        born = self._born(birth_date, sex)
        place = self._place(district_code, facility_code)
        work = _profession(profession)
        if born is None or place is None or work is None or nik[6:12] != born[0] or len(name) > _LONGEST:
            return None
        digits = nik.encode()
        hashed, sealed, tail = self._hash(nik), self._seal(digits), digits[12:]
        if self._first_id is None:
            head = _HEAD.pack(_COLUMNS_STAGED, 4, line, 4, 0, -1, -1, 32, hashed, 48, sealed, 4, tail, len(name))
        else:
            at = self._first_id + line
            head = _HEAD_STRAIGHT.pack(_COLUMNS_STRAIGHT, 8, at, 32, hashed, 48, sealed, 4, tail, len(name))
        phone = _PHONE[len(mobile)] + mobile.encode() if mobile else _NULL
        return b"".join((head, name.encode(), born[1], phone, place, work, self._last))

    def _read_born(self, text: str, sex: str) -> tuple[str, bytes] | None:
        """How a NIK states a birth date and sex, and both packed."""
        try:
            born = read_date(text, "birth_date")
        except BadCell:
            return None
        earliest, latest = self._bounds
        if not earliest <= born <= latest:
            return None
        return stated_of(born, Sex(sex)), _BORN.pack(4, born.toordinal() - _POSTGRES_EPOCH, 1, sex.encode())


def _pattern_of(columns: Sequence[str | None], separator: str) -> tuple[re.Pattern[str], list[int]]:
    """What matches a plain row, and the numbers of its groups in the order of ``_CELLS``."""
    cells = {name: cell.replace("\\x2c", "") if separator == "," else cell for name, cell in _CELLS.items()}
    ignored = _IGNORED.format(re.escape(separator))
    here = [ignored if name is None else cells[name] for name in columns]
    there = [name for name in columns if name is not None]
    absent = [name for name in _CELLS if name not in there]
    pattern = re.escape(separator).join(here) + r"\r?\n?" + len(absent) * _ABSENT
    return re.compile(pattern, re.ASCII), [1 + [*there, *absent].index(name) for name in _CELLS]


# Few values that stand in many rows: packed once.
def _place(district_code: str, facility_code: str | None) -> bytes | None:
    return _text(district_code) + (_NULL if facility_code is None else _text(facility_code))


def _known_place(codes: Codes, district_code: str, facility_code: str | None) -> bytes | None:
    """As ``worker`` has it: the facility by its id. What nobody knows is for those who say so."""
    if district_code not in codes.districts:
        return None
    if facility_code is None:
        return _text(district_code) + _NULL
    facility = codes.facilities.get(facility_code)
    return None if facility is None else _text(district_code) + _ID.pack(8, facility)


@lru_cache(_MANY)
def _profession(text: str | None) -> bytes | None:
    text = text or ""
    return _text(text) if len(text) <= _LONGEST else None


def _moment(moment: datetime) -> bytes:
    return _ID.pack(8, (moment - _POSTGRES_MIDNIGHT) // timedelta(microseconds=1))


def _text(text: str) -> bytes:
    return _LENGTH.pack(len(text)) + text.encode()
