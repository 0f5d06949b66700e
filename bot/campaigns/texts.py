"""The text of a campaign: its placeholders, and the SMS that comes of it.

A text is kept in GSM-7, so that it costs as little as it can, and what is put in for a placeholder is brought to GSM-7.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from bot.text import is_gsm7, segments, to_gsm7

#: What a text may name, in braces.
PLACEHOLDERS: Final = ("name", "district", "ussd_code", "short_code", "closes", "ticket", "place", "time")
#: Parts that one SMS may have: operators take more, but not all of them put the parts together again.
MOST_SEGMENTS: Final = 6

_OF_THE_BOOKING: Final = frozenset({"ticket", "place", "time"})
_PERSONAL: Final = _OF_THE_BOOKING | {"name"}
_OF_NOBODY: Final = frozenset({"ussd_code", "short_code"})
_BRACED: Final = re.compile(r"\{([^{}]*)\}")
_SHORTEST: Final = {
    "name": "A",
    "district": "A",
    "ussd_code": "*1#",
    "short_code": "",
    "closes": "1 Jan 24.00 WIB",
    "ticket": "A" * 6,
    "place": "A",
    "time": "Rab 1 Jan 08.00-10.00 WIB",
}


class TextError(ValueError):
    """A text cannot be sent; says why in one plain line."""


def check_text(body: str) -> str:
    """The text as it is kept: in GSM-7, without white space around it.

    Raises TextError if it is empty, names an unknown placeholder, has other braces, a character that GSM-7 has nothing
    like, or more than ``MOST_SEGMENTS`` parts with even the shortest values.
    """
    _refuse_what_would_be_lost(body)
    text = to_gsm7(body).strip()
    if not text:
        raise TextError("the text is empty")
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for name in _BRACED.findall(text):
        if name not in PLACEHOLDERS:
            raise TextError(f"the text has an unknown placeholder {{{_one_line(name)}}}; known are {known}")
    if re.search("[{}]", _BRACED.sub("", text)):
        raise TextError(f"the text has a brace that belongs to no placeholder; known are {known}")
    parts = segments(render(text, _SHORTEST)).count
    if parts > MOST_SEGMENTS:
        raise TextError(f"the text takes at least {parts} SMS parts; at most {MOST_SEGMENTS} may be sent")
    return text


def placeholders_in(body: str) -> frozenset[str]:
    """The placeholders that a checked text names."""
    return frozenset(_split(body)[1::2])


def is_personal(body: str) -> bool:
    """Whether a text says something of the worker or the booking, so that nobody else's copy will do."""
    return not _PERSONAL.isdisjoint(placeholders_in(body))


def is_alike_everywhere(body: str) -> bool:
    """Whether a text says the same in every district, to everybody."""
    return placeholders_in(body) <= _OF_NOBODY


def needs_booking(body: str) -> bool:
    """Whether a text can only be sent to someone who has a booking."""
    return not _OF_THE_BOOKING.isdisjoint(placeholders_in(body))


def render(body: str, values: Mapping[str, str]) -> str:
    """A checked text with its placeholders' values, brought to GSM-7 and on one line each.

    Raises TextError if a value is missing.
    """
    pieces = list(_split(body))
    for place in range(1, len(pieces), 2):
        try:
            pieces[place] = _one_line(to_gsm7(values[pieces[place]]))
        except KeyError as error:
            raise TextError(f"there is no value for {{{pieces[place]}}}") from error
    return "".join(pieces)


@lru_cache(maxsize=256)
def _split(body: str) -> tuple[str, ...]:
    """The text in pieces; every second one, from the second on, is a placeholder's name."""
    return tuple(_BRACED.split(body))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _refuse_what_would_be_lost(body: str) -> None:
    """Raise TextError for characters that would become a question mark."""
    if is_gsm7(body):
        return
    lost = [character for character in dict.fromkeys(body) if _is_lost(character)]
    if lost:
        named = ", ".join(f"{character} (U+{ord(character):04X})" for character in lost[:5] if character.isprintable())
        more = f" ({named})" if named else ""
        raise TextError(f"the text has characters that a plain SMS cannot carry{more}: leave them out")


def _is_lost(character: str) -> bool:
    return "?" in to_gsm7(character) and "?" not in unicodedata.normalize("NFKC", character)
