"""How many parts an SMS takes (3GPP TS 23.040: 140 octets a message, 6 of them for the header of each part)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.text.gsm7 import EXTENSION, is_gsm7, septets


class Encoding(Enum):
    """How an SMS is encoded on the air."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs to send: `units` are septets (GSM-7) or UTF-16 code units (UCS-2), `count` is in parts."""

    encoding: Encoding
    units: int
    count: int


_ALONE: Final = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_PER_PART: Final = {Encoding.GSM7: 153, Encoding.UCS2: 67}


def segments(text: str) -> Segments:
    """The encoding, length and number of parts of `text` as an SMS; an empty text is one (empty) message.

    Exact: a character of two units (GSM-7's extension table, a surrogate pair) is never split across parts, so a part
    may end one unit early. Characters outside GSM-7 are counted as they are: transliterate first (`to_gsm7`) if meant.
    """
    if is_gsm7(text):
        encoding, units = Encoding.GSM7, septets(text)
    else:
        encoding, units = Encoding.UCS2, len(text) + sum(character > "\uffff" for character in text)
    if units <= _ALONE[encoding]:
        return Segments(encoding, units, 1)
    per_part = _PER_PART[encoding]
    if units == len(text):
        return Segments(encoding, units, -(-units // per_part))
    if encoding is Encoding.GSM7:
        widths = [2 if character in EXTENSION else 1 for character in text]
    else:
        widths = [2 if character > "\uffff" else 1 for character in text]
    return Segments(encoding, units, _parts(widths, per_part))


def _parts(widths: Sequence[int], per_part: int) -> int:
    """How many parts of `per_part` units hold characters of these widths, in order and unsplit."""
    count, room = 1, per_part
    for width in widths:
        if width > room:
            count, room = count + 1, per_part
        room -= width
    return count
