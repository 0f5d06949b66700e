"""When people come: the stated curve of arrivals over 13 January, in seconds since midnight in Jakarta."""

from __future__ import annotations

import bisect
import itertools
from random import Random
from typing import Final

_MINUTE = 60


def at(hour: int, minute: int = 0) -> float:
    """A time of the day in seconds since midnight."""
    return (hour * 60 + minute) * 60.0


#: When the blast has left, and the first answer it; when the last ones begin; when registration closes.
FIRST, LAST, CLOSES = at(0, 20), at(23, 57), at(24)
#: The press is told then how many there are.
PRESS: Final = at(18, 30)

#: How many arrive at these times, relative to each other, straight lines between them: right after the blast, hardly anybody
#: before dawn, the morning, lunch, the evening, and a surge in the last hour.
_POINTS: Final = (
    *((FIRST, 6.0), (at(1, 30), 3.0), (at(3), 0.6), (at(4, 30), 0.6), (at(6), 3.0), (at(8), 6.0), (at(10, 30), 5.5)),
    *((at(12, 15), 9.0), (at(13, 30), 5.5), (at(16), 4.5), (at(18, 30), 6.0), (at(19, 30), 9.0), (at(21), 7.0)),
    *((at(22, 45), 6.0), (LAST, 15.0)),
)


def weight(moment: float) -> float:
    """How many arrive at a moment, relative to other moments."""
    place = bisect.bisect_right(_POINTS, (moment, float("inf")))
    if place == 0 or moment > LAST:
        return 0.0
    if place == len(_POINTS):
        return _POINTS[-1][1]
    (left, low), (right, high) = _POINTS[place - 1], _POINTS[place]
    return low + (high - low) * (moment - left) / (right - left)


_MINUTES: Final = [FIRST + number * _MINUTE for number in range(int((LAST - FIRST) / _MINUTE))]
_REACHED: Final = list(itertools.accumulate(weight(minute + _MINUTE / 2) for minute in _MINUTES))


def arrival(chance: Random) -> float:
    """When somebody comes, drawn from the curve."""
    minute = _MINUTES[bisect.bisect_right(_REACHED, chance.random() * _REACHED[-1])]
    return minute + chance.random() * _MINUTE
