"""The letters of the handset's display, made from the drawing in ``letters.txt``.

A drawing instead of a font file keeps them readable and changeable here, and asks nobody for a licence. The alphabet is
GSM-7's, since nothing else comes by USSD.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from bot.text.gsm7 import BASIC, EXTENSION
from bot.web.simulator.truetype import Corner, Face, truetype

#: A letter is 6 dots wide with the gap behind it, and 7 high; marks go 2 higher. At 20 px a dot is 2 px.
_FACE: Final = Face(name="Balas Dots", em=10, advance=6, above=9, below=2, capital=7)

#: Marks over letters, two dots high, by their combining character.
_MARKS: Final = {
    "\u0300": (".#...", "..#.."),
    "\u0301": ("...#.", "..#.."),
    "\u0303": (".##.#", "#.##."),
    "\u0308": (".#.#.", "....."),
    "\u030a": ("..#..", ".#.#."),
}
_MISSING: Final = ("#####", "#...#", "#...#", "#...#", "#...#", "#...#", "#####")

#: The dots of a letter by their lower left corners.
Dots = frozenset[Corner]


@cache
def font() -> bytes:
    """The font as a TrueType file."""
    drawn = _drawn((Path(__file__).parent / "letters.txt").read_text("utf-8"))
    letters = {letter: _put_together(letter, drawn) for letter in sorted({*BASIC, *EXTENSION} - set("\n\r\f"))}
    outlines = [list(_outlines(dots)) for dots in (_dots(_MISSING), *letters.values())]
    return truetype(_FACE, outlines, [ord(letter) for letter in letters])


def _drawn(text: str) -> dict[str, Dots]:
    """The letters of the file, each the set of its dots."""
    found: dict[str, Dots] = {" ": frozenset()}
    blocks = text.split("\n\n")[1:]
    for block in blocks:
        names, *rows = block.strip("\n").split("\n")
        for column, name in enumerate(names.split()):
            here = column * _FACE.advance
            found[name] = _dots([row[here : here + _FACE.advance] for row in rows])
    return found


def _dots(rows: Sequence[str], top: int = _FACE.capital) -> Dots:
    return frozenset((x, top - 1 - y) for y, row in enumerate(rows) for x, dot in enumerate(row) if dot == "#")


def _put_together(letter: str, drawn: dict[str, Dots]) -> Dots:
    """A drawn letter, or a drawn one with a mark above it; a marked i has no dot of its own."""
    if letter in drawn:
        return drawn[letter]
    decomposed = unicodedata.normalize("NFD", letter)
    dots = drawn[decomposed[0]]
    if decomposed[0] == "i":
        dots = frozenset((x, y) for x, y in dots if y < _FACE.capital - 2)
    top = max(y for _, y in dots) + 1
    return dots | _dots(_MARKS[decomposed[1]], top + 2)


def _outlines(dots: Dots) -> Iterator[list[Corner]]:
    """The edges around the dots, chained into closed outlines that keep the dots on their right."""
    leads: dict[Corner, list[Corner]] = {}
    for x, y in sorted(dots):
        for beside, start, end in (
            ((x - 1, y), (x, y), (x, y + 1)),
            ((x, y + 1), (x, y + 1), (x + 1, y + 1)),
            ((x + 1, y), (x + 1, y + 1), (x + 1, y)),
            ((x, y - 1), (x + 1, y), (x, y)),
        ):
            if beside not in dots:
                leads.setdefault(start, []).append(end)
    while leads:
        start = next(iter(leads))
        outline = [start]
        while (there := _follow(leads, outline[-1])) != start:
            outline.append(there)
        around = zip([*outline[-1:], *outline], outline, [*outline[1:], start], strict=False)
        yield [here for before, here, after in around if not _straight(before, after)]


def _follow(leads: dict[Corner, list[Corner]], here: Corner) -> Corner:
    there = leads[here].pop()
    if not leads[here]:
        del leads[here]
    return there


def _straight(before: Corner, after: Corner) -> bool:
    return before[0] == after[0] or before[1] == after[1]
