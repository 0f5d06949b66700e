"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, sections 6.2.1 and 6.2.1.1)."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The characters that cost one septet, in the order of the table (0x1B, the escape, is no character)."""

EXTENSION: Final = "\f^{}\\[~]|€"
"""The characters that cost two septets: the escape and their code."""

_ONLY_GSM7: Final = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*")
_WITHOUT_CONTROLS: Final = re.compile("[" + re.escape(re.sub("[\r\f]", "", BASIC + EXTENSION)) + "]*")
_EXTENDED: Final = re.compile(f"[{re.escape(EXTENSION)}]")
_GSM7: Final = frozenset(BASIC + EXTENSION)

# Line ends and page breaks that a handset may show as rubbish (a carriage return overwrites the line).
_LINE_END: Final = re.compile("\r\n?|[\f\v\x85\u2028\u2029]")

# A letter followed by the combining mark that the alphabet has as one character with it. (Composing the whole text
# with unicodedata instead takes time that grows with the square of a run of marks, and strangers write these texts.)
_DECOMPOSED: Final = re.compile("[A-Za-z][\u0300\u0301\u0303\u0308\u030a\u0327]")

# What unicodedata does not decompose, or decomposes into something that reads worse.
_SPELLINGS: Final = (
    dict.fromkeys("`´‘’‚‛′ʹʻʼʽʾʿˈ‹›", "'")
    | dict.fromkeys("¨“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−⁃﹘﹣－•●▪·∙⋅", "-")
    | {"⁄": "/", "∕": "/", "×": "x", "✕": "x", "✖": "x", "÷": "/", "±": "+-", "≤": "<=", "≥": ">=", "≠": "=/="}
    | {"°": "o", "˚": "o", "©": "(c)", "®": "(R)", "¦": "|", "¬": "-", "¯": "-", "¸": ",", "→": "->", "←": "<-"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H", "ı": "i", "ł": "l", "Ł": "L", "ŋ": "n", "Ŋ": "N"}
    | {"œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ŧ": "t", "Ŧ": "T", "ẞ": "SS", "ə": "e", "Ə": "E", "¢": "c"}
    | {"₹": "Rs", "₱": "P", "✓": "v", "✔": "v", "、": ",", "。": "."}
)


class NotGsm7(ValueError):
    """A text holds a character that GSM-7 has not; `character` is the first one."""

    def __init__(self, character: str) -> None:
        super().__init__(f"not a GSM-7 character: U+{ord(character):04X}")
        self.character = character


def is_gsm7(text: str) -> bool:
    """Whether every character of `text` is in the GSM-7 alphabet or its extension table."""
    return _ONLY_GSM7.fullmatch(text) is not None


def septets(text: str) -> int:
    """The length of `text` in septets; a character of the extension table counts two.

    Raises NotGsm7 for the first character outside the alphabet.
    """
    if _ONLY_GSM7.fullmatch(text) is None:
        raise NotGsm7(next(character for character in text if character not in _GSM7))
    return len(text) + len(_EXTENDED.findall(text))


def to_gsm7(text: str) -> str:
    """`text` in GSM-7, as close as it comes; never raises, takes time in proportion to the length.

    Letters lose the accents that the alphabet lacks, typographic signs become plain ones, digits of any script become
    ASCII digits, line ends become newlines, control and zero-width characters vanish, and what is left becomes '?'.
    A text that is GSM-7 already comes back as it is, except for carriage returns and form feeds.
    """
    if _WITHOUT_CONTROLS.fullmatch(text) is not None:
        return text
    text = _LINE_END.sub("\n", text)
    text = _DECOMPOSED.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), text)
    return "".join(map(_spelled, text))


@lru_cache(maxsize=4096)
def _spelled(character: str) -> str:
    """One character in GSM-7: itself, its plain spelling, nothing, or '?'."""
    if character in _GSM7:
        return character
    if character in _SPELLINGS:
        return _SPELLINGS[character]
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    if character.isspace():
        return " "
    if category in {"Cc", "Cf"} or category.startswith("M"):
        return ""
    composed = unicodedata.normalize("NFKC", character)
    if _GSM7.issuperset(composed):
        return composed
    parts = [_part(part) for part in unicodedata.normalize("NFKD", character)]
    return "?" if None in parts else "".join(part for part in parts if part is not None) or "?"


def _part(part: str) -> str | None:
    """One piece of a decomposed character; None if GSM-7 has nothing like it."""
    if part in _GSM7:
        return part
    if unicodedata.category(part).startswith("M"):
        return ""
    return _SPELLINGS.get(part)
