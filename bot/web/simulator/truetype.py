"""A TrueType file of a monospaced font whose outlines are straight: big-endian tables behind a directory.

Only what a browser's font checker asks for. The tables are those of the OpenType specification, in its words.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

#: The corner of an outline, in dots: x to the right, y upwards from the line.
Corner = tuple[int, int]
Outline = list[Corner]

#: Font units of one dot.
_DOT: Final = 100
_ONE: Final = 1 << 16
_MAGIC: Final = 0x5F0F3CF5
_SUM_OF_A_FILE: Final = 0xB1B0AFBA
_REGULAR, _LATIN, _AMERICAN_ENGLISH = 0x40, 1, 0x409


@dataclass(frozen=True, slots=True)
class Face:
    """The measures of all letters, in dots; ``above`` and ``below`` are those of the highest and the lowest."""

    name: str
    em: int
    advance: int
    above: int
    below: int
    capital: int


def truetype(face: Face, glyphs: Sequence[Sequence[Outline]], codes: Sequence[int]) -> bytes:
    """The file. ``codes[n]`` is the character that ``glyphs[n + 1]`` shows; glyph 0 stands for all that are missing.

    ``codes`` go upwards. Outlines are filled on their right.
    """
    entries = [_glyph(outlines) for outlines in glyphs]
    offsets = [sum(map(len, entries[:count])) for count in range(len(entries) + 1)]
    return _directory(
        {
            b"OS/2": _os2(face, codes),
            b"cmap": _cmap(codes),
            b"glyf": b"".join(entries),
            b"head": _head(face),
            b"hhea": _hhea(face, len(glyphs)),
            b"hmtx": b"".join(struct.pack(">Hh", face.advance * _DOT, _left(outlines)) for outlines in glyphs),
            b"loca": struct.pack(f">{len(offsets)}I", *offsets),
            b"maxp": _maxp(glyphs),
            b"name": _name(face),
            b"post": struct.pack(">IIhhI16x", 3 * _ONE, 0, -_DOT, _DOT, 1),
        }
    )


def _left(outlines: Sequence[Outline]) -> int:
    return min((x for outline in outlines for x, _ in outline), default=0) * _DOT


def _glyph(outlines: Sequence[Outline]) -> bytes:
    """An entry of ``glyf``: all its points lie on the outline; nothing for a letter without dots."""
    if not outlines:
        return b""
    points = [(x * _DOT, y * _DOT) for outline in outlines for x, y in outline]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    ends, last = [], -1
    for outline in outlines:
        last += len(outline)
        ends.append(last)
    body = struct.pack(">hhhhh", len(outlines), min(xs), min(ys), max(xs), max(ys))
    body += struct.pack(f">{len(ends)}HH", *ends, 0)
    body += b"\x01" * len(points)
    body += b"".join(struct.pack(f">{len(line)}h", *_steps(line)) for line in (xs, ys))
    return _padded(body)


def _steps(positions: Iterable[int]) -> list[int]:
    steps, here = [], 0
    for position in positions:
        steps.append(position - here)
        here = position
    return steps


def _head(face: Face) -> bytes:
    body = struct.pack(">IIIIHH16x", _ONE, _ONE, 0, _MAGIC, 3, face.em * _DOT)
    body += struct.pack(">hhhh", 0, -face.below * _DOT, face.advance * _DOT, face.above * _DOT)
    return body + struct.pack(">HHhhh", 0, 8, 2, 1, 0)


def _hhea(face: Face, glyphs: int) -> bytes:
    body = struct.pack(">Ihhh", _ONE, face.above * _DOT, -face.below * _DOT, 0)
    body += struct.pack(">Hhhh", face.advance * _DOT, 0, 0, face.advance * _DOT)
    return body + struct.pack(">hhh10xH", 1, 0, 0, glyphs)


def _maxp(glyphs: Sequence[Sequence[Outline]]) -> bytes:
    points = max(sum(map(len, outlines)) for outlines in glyphs)
    return struct.pack(">IHHHHHH16x", _ONE, len(glyphs), points, max(map(len, glyphs)), 0, 0, 2)


def _os2(face: Face, codes: Sequence[int]) -> bytes:
    half, strike, above, below = face.em * _DOT // 2, 3 * _DOT, face.above * _DOT, face.below * _DOT
    monospaced = bytes((0, 0, 5, 9)) + bytes(6)
    body = struct.pack(">HhHHH", 4, face.advance * _DOT, 400, 5, 0)
    body += struct.pack(">10h", half, half, 0, 0, half, half, 0, strike, _DOT, strike)
    body += struct.pack(">h10sI12x4s", 0, monospaced, _LATIN, b"    ")
    body += struct.pack(">HHHhhhHH", _REGULAR, codes[0], codes[-1], above, -below, 0, above, below)
    return body + struct.pack(">IIhhHHH", _LATIN, 0, 5 * _DOT, face.capital * _DOT, 0, ord(" "), 1)


def _cmap(codes: Sequence[int]) -> bytes:
    """The characters, in format 4: runs of neighbours whose glyphs are neighbours too, and the run that must end it."""
    runs: list[list[int]] = []
    for glyph, code in enumerate(codes, start=1):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code, glyph - code])
    runs.append([0xFFFF, 0xFFFF, 1])
    count = len(runs)
    body = struct.pack(">HHHH", count * 2, *_search(count, 2))
    body += struct.pack(f">{count}HH", *(end for _, end, _ in runs), 0)
    body += struct.pack(f">{count}H", *(start for start, _, _ in runs))
    body += struct.pack(f">{count}H", *(delta % (1 << 16) for _, _, delta in runs))
    body += bytes(2 * count)
    return struct.pack(">HHHHI", 0, 1, 3, 1, 12) + struct.pack(">HHH", 4, len(body) + 6, 0) + body


def _name(face: Face) -> bytes:
    texts = {1: face.name, 2: "Regular", 3: face.name, 4: face.name, 5: "Version 1.0", 6: face.name.replace(" ", "")}
    records, store = b"", b""
    for which, text in texts.items():
        encoded = text.encode("utf-16-be")
        records += struct.pack(">HHHHHH", 3, 1, _AMERICAN_ENGLISH, which, len(encoded), len(store))
        store += encoded
    return struct.pack(">HHH", 0, len(texts), 6 + len(records)) + records + store


def _directory(tables: dict[bytes, bytes]) -> bytes:
    """The tables behind their directory; the sum of the whole file goes 8 bytes into ``head``."""
    top = struct.pack(">IHHHH", _ONE, len(tables), *_search(len(tables), 16))
    offset = len(top) + 16 * len(tables)
    entries, body, place = b"", b"", 0
    for tag, table in tables.items():
        entries += struct.pack(">4sIII", tag, _sum(table), offset + len(body), len(table))
        if tag == b"head":
            place = offset + len(body) + 8
        body += _padded(table)
    whole = top + entries + body
    return whole[:place] + struct.pack(">I", (_SUM_OF_A_FILE - _sum(whole)) % (1 << 32)) + whole[place + 4 :]


def _search(count: int, width: int) -> tuple[int, int, int]:
    """What a binary search over ``count`` entries wants to know beforehand."""
    power = 1 << (count.bit_length() - 1)
    return power * width, power.bit_length() - 1, (count - power) * width


def _padded(table: bytes) -> bytes:
    return table + bytes(-len(table) % 4)


def _sum(table: bytes) -> int:
    padded = _padded(table)
    return int(sum(struct.unpack(f">{len(padded) // 4}I", padded)) % (1 << 32))
