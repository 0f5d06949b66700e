"""The names of months as people type them: Indonesian and English, shortened, misspelt, in Roman numerals."""

from collections.abc import Iterator
from typing import Final

from bot.conversation.readers.typed import squeezed

# Names in full, then what cannot be made of them by leaving something out.
_NAMES: Final = (
    ("januari january", "jnr januwari i"),
    ("februari pebruari february febuari pebuari", "fbr pbr februwari ii"),
    ("maret march", "mrt mart iii"),
    ("april", "apl avril iv"),
    ("mei may", "v"),
    ("juni june", "jni vi"),
    ("juli july", "jli vii"),
    ("agustus august", "agt ags agst agts viii"),
    ("september", "spt ix"),
    ("oktober october", "x"),
    ("november nopember", "nvb xi"),
    ("desember december", "xii"),
)
_SHORTEST_BEGINNING: Final = 3
_SHORTEST_MISSPELT: Final = 5


def month_number(word: str) -> int | None:
    """The month (1 to 12) that a lower-case word names, or None.

    A beginning of three letters is enough ("sept"), one letter may be missing ("agutus"), any may be doubled.
    """
    number = _MONTHS.get(word)
    return number if number is not None else _MONTHS.get(squeezed(word))


def _spellings(name: str) -> Iterator[str]:
    """A full name of a month, its beginnings, and the name with one letter left out."""
    yield from (name[:end] for end in range(_SHORTEST_BEGINNING, len(name) + 1))
    if len(name) >= _SHORTEST_MISSPELT:
        yield from (name[:missing] + name[missing + 1 :] for missing in range(len(name)))


_MONTHS: Final = {
    spelling: number
    for number, (names, others) in enumerate(_NAMES, 1)
    for spelling in (*others.split(), *(spelling for name in names.split() for spelling in _spellings(name)))
}
