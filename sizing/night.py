"""The shape of the night, from the curve by which the replay has people come."""

from __future__ import annotations

from replay import curve

_MINUTE = 60


def _until(moment: float) -> list[float]:
    """What the minutes from the first arrival to a moment weigh."""
    return [curve.weight(start + _MINUTE / 2) for start in range(int(curve.FIRST), int(moment), _MINUTE)]


def busiest_minute() -> float:
    """How many come in it, as a share of those who have come until the evening, when the press is told."""
    return max(_until(curve.LAST)) / sum(_until(curve.PRESS))


def whole_night() -> float:
    """How many have come by midnight, for one who has come until then."""
    return sum(_until(curve.LAST)) / sum(_until(curve.PRESS))
