"""The font of the handset's display."""

from __future__ import annotations

import struct

import pytest

from bot.text.gsm7 import BASIC, EXTENSION
from bot.web.simulator.letters import font


def tables() -> dict[str, bytes]:
    """The tables of the font by their names."""
    whole = font()
    count = struct.unpack_from(">4xH", whole)[0]
    entries = [struct.unpack_from(">4sIII", whole, 12 + 16 * number) for number in range(count)]
    return {tag.decode(): whole[offset : offset + length] for tag, _sum, offset, length in entries}


def glyphs() -> dict[str, bytes]:
    """The outlines of every letter that the font has."""
    found = tables()
    cmap, loca = found["cmap"][12:], found["loca"]
    count = struct.unpack_from(">6xH", cmap)[0] // 2
    ends = struct.unpack_from(f">{count}H", cmap, 14)
    starts = struct.unpack_from(f">{count}H", cmap, 16 + 2 * count)
    deltas = struct.unpack_from(f">{count}H", cmap, 16 + 4 * count)
    offsets = struct.unpack(f">{len(loca) // 4}I", loca)
    letters = {}
    for start, end, delta in zip(starts, ends, deltas, strict=True):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = (code + delta) % 65536
            letters[chr(code)] = found["glyf"][offsets[glyph] : offsets[glyph + 1]]
    return letters


def test_every_character_that_can_come_by_ussd_has_a_letter_of_its_own() -> None:
    letters = glyphs()
    expected = {*BASIC, *EXTENSION} - set("\n\r\f")
    assert set(letters) == expected
    assert letters[" "] == b""
    # Only where people write the same, the display does so too.
    alike = {"Α": "A"}
    assert len(set(letters.values())) == len(expected) - len(alike.keys() & expected)


def test_the_whole_file_adds_up() -> None:
    whole = font()
    assert len(whole) % 4 == 0
    assert sum(struct.unpack(f">{len(whole) // 4}I", whole)) % 2**32 == 0xB1B0AFBA


@pytest.mark.parametrize("name", ["OS/2", "cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post"])
def test_a_browser_finds_every_table(name: str) -> None:
    assert tables()[name]
