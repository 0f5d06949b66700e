"""A text as it is written: what is wrong with it, and how many parts it takes for whoever has the longest name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.campaigns.texts import MOST_SEGMENTS, PLACEHOLDERS, render
from bot.text import is_gsm7, segments, to_gsm7

#: Septets of a message that goes alone, and of each part of a longer one (3GPP TS 23.040).
_ALONE, _PER_PART = 160, 153
_BRACED: Final = re.compile(r"\{([^{}]*)\}")
#: Characters that are named, at most.
_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class Longest:
    """Letters of the longest name of a worker, of a district and of a facility."""

    name: int = 100
    district: int = 80
    place: int = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """What a text is worth. ``used``: its placeholders; ``unknown``: words in braces that are none; ``braces``: others.

    ``replaced``: characters that become GSM-7 ones; ``lost``: those that nothing stands for. ``parts``, ``left``: SMS parts
    for the longest names, and septets that are left in the last one.
    """

    empty: bool
    used: tuple[str, ...]
    unknown: tuple[str, ...]
    braces: bool
    replaced: tuple[str, ...]
    lost: tuple[str, ...]
    septets: int
    parts: int
    left: int

    @property
    def too_long(self) -> bool:
        """Whether it takes more parts than operators put together."""
        return self.parts > MOST_SEGMENTS

    @property
    def sound(self) -> bool:
        """Whether it can be sent."""
        return not (self.empty or self.unknown or self.braces or self.lost)


def measure(body: str, longest: Longest, codes: Mapping[str, str]) -> Measure:
    """Measure a text as an admin types it. ``codes``: the values of ``ussd_code`` and ``short_code``. No I/O."""
    foreign = [character for character in dict.fromkeys(body) if not is_gsm7(character)]
    lost = tuple(each for each in foreign if "?" in to_gsm7(each))[:_NAMED]
    text = to_gsm7(body).strip()
    named = tuple(dict.fromkeys(_BRACED.findall(text)))
    unknown = tuple(name for name in named if name not in PLACEHOLDERS)
    used = tuple(name for name in named if name in PLACEHOLDERS)
    braces = re.search("[{}]", _BRACED.sub("", text)) is not None
    values = {
        "name": "W" * longest.name,
        "district": "W" * longest.district,
        "place": "W" * longest.place,
        "closes": "Rab 30 Des 24.00 WITA",
        "ticket": "W" * 6,
        "time": "Rab 30 Des 08.00-10.00 WITA",
        **codes,
    }
    said = render(text, values | dict.fromkeys(unknown, ""))
    size = segments(said)
    room = _ALONE if size.count == 1 else size.count * _PER_PART
    replaced = tuple(each for each in foreign if each not in lost)[:_NAMED]
    return Measure(
        not text,
        used,
        unknown,
        braces,
        replaced,
        lost,
        size.units,
        size.count if text else 0,
        max(0, room - size.units),
    )
