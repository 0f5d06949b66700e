"""Names of people and places, made to fit a small screen and still recognised by those who know them."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from bot.text.gsm7 import septets, to_gsm7

_PHRASES: Final = {
    "Rumah Sakit Umum Daerah": "RSUD",
    "Rumah Sakit Umum Pusat": "RSUP",
    "Rumah Sakit Umum": "RSU",
    "Rumah Sakit Ibu dan Anak": "RSIA",
    "Rumah Sakit Ibu & Anak": "RSIA",
    "Rumah Sakit Jiwa": "RSJ",
    "Rumah Sakit": "RS",
    "Puskesmas Pembantu": "Pustu",
    "Puskesmas": "Pkm",
    "Dinas Kesehatan": "Dinkes",
    "Daerah Khusus Ibukota": "DKI",
    "Daerah Istimewa": "DI",
    "Provinsi": "Prov.",
    "Kabupaten": "Kab.",
    "Kecamatan": "Kec.",
    "Kelurahan": "Kel.",
    "Kepulauan": "Kep.",
    "Administrasi": "Adm.",
    "Utara": "Ut.",
    "Selatan": "Sel.",
    "Barat": "Bar.",
    "Timur": "Tim.",
    "Tengah": "Teng.",
    "Tenggara": "Tgr.",
}
_ABBREVIATIONS: Final = {tuple(phrase.casefold().split()): short for phrase, short in _PHRASES.items()}
_LONGEST_PHRASE: Final = max(map(len, _ABBREVIATIONS))

# Words that say what kind of place or person follows: the name proper starts after them.
_INTRODUCTIONS: Final = frozenset(
    {
        "rsud",
        "rsup",
        "rsu",
        "rsia",
        "rsj",
        "rs",
        "pkm",
        "pustu",
        "dinkes",
        "dki",
        "di",
        "klinik",
        "kota",
        "posko",
        "desa",
    }
    | {"dr", "drg", "ns", "hj", "h", "prof"}
)
_ROMAN_NUMERAL: Final = re.compile("[IVX]+")
_MARKS: Final = " .,-'\"(/&"
_FEWEST_LETTERS: Final = 3
"""How much of a name must be left beside its introduction or its number for these to be worth their room."""


def shorten(text: str, limit: int) -> str:
    """The name `text` in at most `limit` septets of GSM-7; as it is (on one line) if it fits.

    Otherwise the first of these that fits: known words of places abbreviated ("Kec. Tanah Abang"); titles after a comma
    left out; words made initials from the last one backwards ("Siti Nurhaliza W. P.", "Siti N. W. P."); initials left
    out, the last one longest ("Siti P."); without the words before the name proper ("Jakarta S." for "Kota Jakarta
    Selatan"); cut, ending in a full stop. The first word of the name proper is never an initial, and numbers stay whole
    as long as they can: "Puskesmas Cilincing II" is another place than "Puskesmas Cilincing I".

    Deterministic and idempotent. Empty only if `text` is. Raises ValueError for a limit below 2.
    """
    if limit < 2:
        raise ValueError("nothing can be recognised in fewer than 2 septets")
    name = " ".join(to_gsm7(text).split())
    if not name:
        return "?" if text else ""
    return name if septets(name) <= limit else _shortened(name, limit)


@lru_cache(maxsize=4096)  # the same few thousand places are listed all night long
def _shortened(name: str, limit: int) -> str:
    """The name, which does not fit, in at most `limit` septets."""
    words: list[str] = []
    for words in _ever_shorter(name.split(" ")):
        shorter = " ".join(words)
        if septets(shorter) <= limit:
            return shorter
    return _cut(words, limit)


def _ever_shorter(words: Sequence[str]) -> Iterator[list[str]]:
    """The stages of shortening, mildest first."""
    words = _abbreviate(words)
    yield words
    words = _without_titles(words)
    start = _name_starts(words)
    yield from _with_initials(words, start + 1)
    yield from _with_initials(words[start:], 1)
    yield words[: start + 1] + [word for word in words[start + 1 :] if _is_number(word)]


def _with_initials(words: list[str], start: int) -> Iterator[list[str]]:
    """`words` with ever more initials from the last word back to `start`, then ever fewer of them, down to the last."""
    yield words
    for position in range(len(words) - 1, start - 1, -1):
        words = [*words[:position], _initial(words[position]), *words[position + 1 :]]
        yield words
    initials = [position for position in range(start, len(words)) if not _is_number(words[position])]
    for position in reversed(initials[:-1]):
        words = words[:position] + words[position + 1 :]
        yield words


def _abbreviate(words: Sequence[str]) -> list[str]:
    """`words` with the known phrases in their short forms, the longest phrase at each place."""
    folded = [word.casefold() for word in words]
    result: list[str] = []
    position = 0
    while position < len(words):
        for length in range(_LONGEST_PHRASE, 0, -1):
            short = _ABBREVIATIONS.get(tuple(folded[position : position + length]))
            if short is not None:
                result.append(short)
                position += length
                break
        else:
            result.append(words[position])
            position += 1
    return result


def _without_titles(words: Sequence[str]) -> list[str]:
    """`words` up to the first comma: what follows is a degree ("Siti Wulandari, S.Kep.") or a wider area."""
    for position, word in enumerate(words):
        if word.endswith(",") and word != ",":
            return [*words[:position], word.rstrip(",") or word]
    return list(words)


def _name_starts(words: Sequence[str]) -> int:
    """The position of the first word of the name proper, behind titles and kinds of places."""
    for position, word in enumerate(words[:-1]):
        if not (word.endswith(".") or word.casefold() in _INTRODUCTIONS):
            return position
    return len(words) - 1


def _initial(word: str) -> str:
    """The first letter of `word` with a full stop; `word` itself if that saves nothing or it is a number."""
    first = next(filter(str.isalnum, word), "")
    return word if len(word) <= 2 or not first or _is_number(word) else f"{first}."


def _is_number(word: str) -> bool:
    """Whether `word` tells places of one name apart: "12", "II", "3A"."""
    return any(map(str.isdigit, word)) or _ROMAN_NUMERAL.fullmatch(word) is not None


def _cut(words: Sequence[str], limit: int) -> str:
    """`words` cut to `limit` septets, sparing the number at the end and then the introduction where there is room."""
    start = _name_starts(words)
    name = words[start]
    introduction = " ".join([*words[:start], ""])
    number = " ".join(["", *words[start + 1 :]]) if len(words) > start + 1 else ""
    for before, after in ((introduction, number), ("", number), (introduction, "")):
        room = limit - septets(before) - septets(after)
        if room > _FEWEST_LETTERS:
            return before + _clip(name, room) + after
    return _clip(name, limit)


def _clip(word: str, room: int) -> str:
    """The beginning of `word` in at most `room` septets (2 or more), marked with a full stop if it lost anything."""
    if septets(word) <= room:
        return word
    kept = ""
    for character in word:
        if septets(kept + character) > room - 1:
            break
        kept += character
    # A first character of two septets may leave no room for the full stop.
    return f"{kept.rstrip(_MARKS)}." if kept.rstrip(_MARKS) else word[:1]
