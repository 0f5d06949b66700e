"""Personal data as it may be shown before someone has proved who they are, and in lists."""

import re
from typing import Final

from bot.text.gsm7 import to_gsm7

_NIK: Final = re.compile(r"[0-9]{16}")
_MASK: Final = "***"
_MASKED_WORD: Final = 1 + len(_MASK)


def mask_name(name: str, limit: int = 24) -> str:
    """A name that its owner recognises and nobody else learns: "Siti Wulandari" becomes "S*** W***".

    At most `limit` septets (at least 4, else ValueError); words that do not fit are left out. The stars do not tell how
    long a word is. A name without a letter or digit becomes "***".
    """
    if limit < _MASKED_WORD:
        raise ValueError("a masked name takes 4 septets or more")
    firsts = (next(filter(str.isalnum, word), "") for word in to_gsm7(name).split())
    masked = [first + _MASK for first in firsts if first]
    words_that_fit = (limit + 1) // (_MASKED_WORD + 1)
    return " ".join(masked[:words_that_fit]) or _MASK


def mask_nik(nik: str) -> str:
    """A NIK of which the last four digits show: "************1234". What is no NIK is masked wholly."""
    return "*" * 12 + nik[12:] if _NIK.fullmatch(nik) else "*" * 16
