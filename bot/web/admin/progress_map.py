"""The provinces as tiles, about where they lie: which share of each has registered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.evaluation.counts import Counts
from bot.evaluation.standing import Part

#: Shares, in percent, that a scale of five steps may end at.
_ENDS: Final = (1, 2, 5, 10, 20, 50, 100)
STEPS: Final = 5
#: Names that do not fit a tile.
_SHORT: Final = {
    "19": "Bangka Belitung",
    "31": "DKI Jakarta",
    "34": "DI Yogyakarta",
    "52": "NTB",
    "53": "NTT",
    "95": "Papua Peg.",
    "96": "Papua Brt. Daya",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A province: ``step`` of the scale, 0 to 4."""

    code: str
    name: str
    short: str
    counts: Counts
    step: int


@dataclass(frozen=True, slots=True)
class TileMap:
    """The tiles, and the ends of the steps of their scale in percent."""

    tiles: tuple[Tile, ...]
    ends: tuple[float, ...]

    @property
    def places(self) -> int:
        """Decimal places in which the ends are told apart."""
        return 0 if all(end == round(end) for end in self.ends) else 1


def tiles(parts: Iterable[Part]) -> TileMap:
    """The provinces of these districts."""
    counts: dict[str, Counts] = {}
    names: dict[str, str] = {}
    for part in parts:
        counts[part.province_code] = counts.get(part.province_code, Counts()) + part.counts
        names[part.province_code] = part.province
    highest = max((_percent(each) for each in counts.values()), default=0.0)
    end = next((end for end in _ENDS if highest <= end), 100)
    found = tuple(
        Tile(
            code,
            names[code],
            _SHORT.get(code, names[code]),
            counts[code],
            min(STEPS - 1, int(_percent(counts[code]) * STEPS / end)),
        )
        for code in sorted(counts)
    )
    return TileMap(found, tuple(end * (step + 1) / STEPS for step in range(STEPS)))


def _percent(counts: Counts) -> float:
    return 100 * counts.registered / counts.target if counts.target else 0.0
