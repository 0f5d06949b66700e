"""The names of months as people type them: Indonesian and English, shortened, misspelt, in Roman numerals."""

from typing import Final

from bot.conversation.readers.typed import squeezed

# In full first: every beginning of these of three letters or more counts as well ("agus", "septem").
_NAMES: Final = (
    ("januari", "january"),
    ("februari", "pebruari", "february", "febuari", "pebuari", "febuary"),
    ("maret", "march"),
    ("april",),
    ("mei", "may"),
    ("juni", "june"),
    ("juli", "july"),
    ("agustus", "august"),
    ("september",),
    ("oktober", "october"),
    ("november", "nopember"),
    ("desember", "december"),
)
_ALSO: Final = (
    ("jnr", "januwari", "i"),
    ("fbr", "pbr", "feburari", "pebuwari", "ii"),
    ("mrt", "mart", "iii"),
    ("apl", "aprl", "avril", "iv"),
    ("v",),
    ("jni", "vi"),
    ("jli", "vii"),
    ("agt", "ags", "agst", "agts", "agutus", "agustu", "viii"),
    ("spt", "sptember", "setember", "ix"),
    ("otober", "oktobr", "oktoer", "x"),
    ("nopem", "nvember", "novmber", "xi"),
    ("dsmber", "desmber", "decembr", "desembr", "xii"),
)
_SHORTEST: Final = 3

MONTHS: Final = {
    spelling: number
    for number, (names, others) in enumerate(zip(_NAMES, _ALSO, strict=True), 1)
    for spelling in (*(name[:end] for name in names for end in range(_SHORTEST, len(name) + 1)), *others)
}
"""Month numbers by lower-case spelling."""


def month_number(word: str) -> int | None:
    """The month (1 to 12) that a lower-case word names, also with a letter drawn out or doubled; else None."""
    number = MONTHS.get(word)
    return number if number is not None else MONTHS.get(squeezed(word))
