"""What all readers do first: a typed text in plain lower-case letters and ASCII digits, and its words."""

import re
from itertools import groupby
from typing import Final

from bot.text import to_gsm7

_TOKEN: Final = re.compile(r"[a-z]+|[0-9]+")


def plain(text: str) -> str:
    """`text` in lower case, in the alphabet of SMS, digits of any script as ASCII ones."""
    return to_gsm7(text).lower()


def tokens(plain_text: str) -> list[str]:
    """The words (letters only) and numbers of a plain text, in order; what stands between them is left out."""
    return _TOKEN.findall(plain_text)


def squeezed(word: str) -> str:
    """`word` with each run of one letter as a single one, as people draw words out: "iyaaa" and "iya" are the same."""
    return "".join(letter for letter, _ in groupby(word))


def vocabulary(words: str) -> frozenset[str]:
    """The words of a text, squeezed: what `squeezed` words are looked up in."""
    return frozenset(map(squeezed, words.split()))


COURTESIES: Final = vocabulary(
    "pak bu bapak ibu dok dokter kak mas mbak min admin bang bro sis dear sir madam dong lah deh aja saja"
    " terima kasih makasih mksh tks trims thanks thank you please pls"
)
"""Squeezed words that go with any answer and change nothing of it."""
