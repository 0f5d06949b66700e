"""Numbers of a fixed length, search phrases, and keywords."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from bot.conversation.readers.typed import plain, tokens

_LONGEST: Final = 160
"""Characters beyond which a text is neither a number nor a keyword any more."""

_MOST_LEADING_WORDS: Final = 3
_MOST_KEYWORD_WORDS: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")

_SEARCH_LENGTH: Final = 40
_SEARCH_READ: Final = 200
_FEWEST_SEARCH_LETTERS: Final = 2
_SEARCH_SIGNS: Final = frozenset("'-.&/")


def read_digits(text: str, length: int) -> str | None:
    """Exactly `length` digits, as ASCII, typed with any spaces, dots or dashes between them; else None.

    A few words may stand before them ("nomor saya: 3171..."), no letter among or behind them: a number with a letter in
    it is a mistake to be asked about, not to be mended.
    """
    if len(text) == length and text.isascii() and text.isdigit():
        return text
    if len(text) > _LONGEST:
        return None
    pieces = tokens(plain(text))
    start = next((position for position, piece in enumerate(pieces) if piece.isdigit()), len(pieces))
    # One letter alone is a slip of the finger within the number, not a word before it.
    if start > _MOST_LEADING_WORDS or any(len(word) == 1 for word in pieces[:start]):
        return None
    digits = "".join(pieces[start:])
    return digits if len(digits) == length and digits.isdigit() else None


def read_search(text: str) -> str | None:
    """A phrase to search for: on one line, its spaces collapsed, at most 40 characters; None without 2 letters in it.

    Only letters, digits and the signs of names (' - . & /) are left, so that it has no wildcards of SQL's LIKE.
    """
    # Normalising takes time that grows with the square of a run of combining marks, hence only of a short piece.
    seen = "".join(character for character in text[:_SEARCH_READ] if unicodedata.category(character) != "Cf")
    composed = unicodedata.normalize("NFKC", seen)
    spaced = "".join(_kept(character) for character in composed)
    phrase = " ".join(spaced.split())[:_SEARCH_LENGTH].strip(" '-.&/")
    return phrase if sum(map(str.isalpha, phrase)) >= _FEWEST_SEARCH_LETTERS else None


def _kept(character: str) -> str:
    """A character of a search phrase as it is, or a space in its place."""
    category = unicodedata.category(character)
    return character if category[0] in "LM" or category == "Nd" or character in _SEARCH_SIGNS else " "


def read_keyword(text: str, words: Mapping[str, str]) -> str | None:
    """The canonical name of the keyword that `text` starts with, if it has at most 4 words; else None.

    `words` maps keywords, each in lower or in upper case, to canonical names. The first word decides, whatever follows
    in a short message ("STOP", ' "stop".', "Stop ya", "stop stop"), in any case and with its last letter drawn out
    ("stoppp"); a longer message is somebody telling something ("stop asking me, I have ...").
    """
    if len(text) > _LONGEST:
        return None
    found = _WORD.findall(plain(text))
    if not 0 < len(found) <= _MOST_KEYWORD_WORDS:
        return None
    word = found[0]
    name = _named(word, words)
    return name if name is not None else _named(word.rstrip(word[-1]) + word[-1], words)


def _named(word: str, words: Mapping[str, str]) -> str | None:
    name = words.get(word)
    return name if name is not None else words.get(word.upper())
