"""Where registration will end: the pace of the last hours carried to the deadline, and how far that may be off.

The method, in the order of the code:

1. The *course of the day* is how registrations are spread over the hours of a day: learned from this campaign's last
   days, and held to a plain day (few at night) while there is little to learn from.
2. The *pace* is what came, against that course: over the last two hours, over the last eight, and over the last day.
   What goes beyond the slower pace fades, as it does some hours after a blast.
3. The *rush*: what comes in the last hours before a deadline is more than the pace. How much more is not known before it
   has come; the usual is taken, and a third of what it brings counts as doubt.
4. The *doubt*: the same reckoning is made for earlier moments of this campaign, and compared with what came. What it
   missed by is how wide the interval is, with the rush's doubt and the chance that is in small numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: What is reckoned in: as the curve is kept.
STEP: Final = timedelta(minutes=15)
_A_DAY: Final = 96
_AN_HOUR: Final = 4
#: Less than this is not carried on, and not for longer.
FEWEST_REGISTRATIONS, FEWEST_STEPS, LONGEST = 30, 2 * _AN_HOUR, timedelta(hours=72)
#: 80 % of a normal distribution lie within so many standard deviations.
_WITHIN_80 = 1.2816
#: The rush: so much more than the pace at the deadline itself, so many steps before it a third of that.
_RUSH, _RUSH_STEPS, _RUSH_DOUBT = 1.8, 6.0, 0.35
#: A pace fades towards the slower one in so many steps.
_FADES_IN = 16.0
#: Without experience the reckoning is off by this (as a logarithm): for the next step, and in the long run, which is
#: reached in so many steps. It counts as so many earlier moments.
_MISS_NEXT, _MISS_LATER, _MISS_STEPS, _USUAL_WEIGHT = 0.15, 0.9, 16.0, 6.0
#: The course of a day of which nothing is known, by hour: few from 22 to 6.
_PLAIN_DAY: Final = (0.2, 0.1, 0.1, 0.1, 0.2, 0.5, *[1.0] * 15, 0.8, 0.6, 0.4)
#: Plain days by which the learned course is held.
_PLAIN_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class Forecast:
    """Registrations at the deadline: as expected, and an interval that holds the true end four times in five."""

    expected: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """What a projection needs of the past. Steps are numbered from the curve's first one on."""

    counts: Sequence[int]
    course: Sequence[float]
    first: int

    def weight(self, step: int) -> float:
        """The share of a step in the course of its day."""
        return self.course[(self.first + step) % _A_DAY]

    def pace(self, now: int, steps: int, deadline: float) -> float:
        """Registrations in the last ``steps`` before ``now``, against the course of the day and the rush."""
        span = range(max(0, now - steps), now)
        usual = sum(self.weight(step) * _rush(deadline - step) for step in span)
        # As if a little had come at the usual pace besides: a silent quarter of an hour does not stop a campaign.
        return (sum(self.counts[step] for step in span) + 0.5) / (usual + 0.5 / max(1.0, len(span)))

    def project(self, now: int, until: float, deadline: float) -> tuple[float, float]:
        """What is to come in the steps from ``now`` to ``until``, and how much of it is the rush."""
        fast, slow, slowest = (self.pace(now, hours * _AN_HOUR, deadline) for hours in (2, 8, 24))
        expected = rushed = 0.0
        step = now
        while step < until:
            fading = math.exp(-(step - now) / _FADES_IN)
            base = slow + (slowest - slow) * (1 - math.exp(-(step - now) / (4 * _FADES_IN)))
            here = self.weight(step) * (base + (fast - base) * fading) * min(1.0, until - step)
            more = here * (_rush(deadline - step) - 1)
            expected, rushed, step = expected + here + more, rushed + more, step + 1
        return max(0.0, expected), max(0.0, rushed)


def forecast(
    counts: Sequence[int], start: datetime, now: datetime, deadline: datetime, *, target: int | None = None
) -> Forecast | None:
    """Where it will end by ``deadline``, from registrations per step since ``start``; None where nothing can be said.

    ``start``: a full quarter of an hour, in the zone whose days are meant; ``counts`` reach to ``now`` (the last step may
    not be over). The end is never below what is there, nor above ``target``.
    """
    done = int((now - start) / STEP)
    registered = sum(counts)
    if done < FEWEST_STEPS or registered < FEWEST_REGISTRATIONS or not now < deadline <= now + LONGEST:
        return None
    past = [max(0, count) for count in counts[:done]]
    past += [0] * (done - len(past))
    first = (start.hour * 60 + start.minute) // 15
    reckoning = _Reckoning(past, _course(past, first), first)
    ahead, until = done, (deadline - start) / STEP
    expected, rushed = reckoning.project(ahead, until, until)
    doubt = math.sqrt(_missed(reckoning, done, until - done) ** 2 + (_RUSH_DOUBT * rushed / max(expected, 1e-9)) ** 2)
    doubt = math.sqrt(doubt**2 + 1.5 / (expected + 1.5))
    base = sum(counts[:done])
    most = math.inf if target is None else max(target, registered)

    def end(more: float) -> int:
        return round(min(max(base + more, registered), most))

    spread = math.exp(_WITHIN_80 * doubt)
    return Forecast(end(expected), end(expected / spread), end(expected * spread))


def _rush(steps_left: float) -> float:
    """How much more than the pace comes so many steps before the deadline."""
    return 1 + _RUSH * math.exp(-max(0.0, steps_left) / _RUSH_STEPS)


def _course(past: Sequence[int], first: int) -> list[float]:
    """The course of the day, a weight for each step of it, 1 on average: of the last days, smoothed over two hours."""
    sums = [0.0] * _A_DAY
    for step in range(max(0, len(past) - 7 * _A_DAY), len(past)):
        sums[(first + step) % _A_DAY] += past[step]
    plain = [_PLAIN_DAY[step // _AN_HOUR] for step in range(_A_DAY)]
    plain_sum = sum(plain)
    days = min(7.0, len(past) / _A_DAY)
    if days < 1:
        return [weight * _A_DAY / plain_sum for weight in plain]
    learned_sum = sum(sums) or 1.0
    smooth = [sum(sums[(step + near) % _A_DAY] for near in range(-4, 5)) / 9 for step in range(_A_DAY)]
    share = days / (days + _PLAIN_WEIGHT)
    return [
        _A_DAY * (share * smooth[step] / learned_sum + (1 - share) * plain[step] / plain_sum) for step in range(_A_DAY)
    ]


def _missed(reckoning: _Reckoning, done: int, steps: float) -> float:
    """By how much the reckoning was off at earlier moments of the last two days, as a logarithm."""
    ahead = max(1, min(round(steps), 6 * _AN_HOUR))
    usual = _MISS_LATER - (_MISS_LATER - _MISS_NEXT) * math.exp(-steps / _MISS_STEPS)
    squares, weights = _USUAL_WEIGHT * usual**2, _USUAL_WEIGHT
    for moment in range(done - ahead, max(FEWEST_STEPS, done - 2 * _A_DAY), -_AN_HOUR):
        told, _ = reckoning.project(moment, moment + ahead, math.inf)
        came = sum(reckoning.counts[moment : moment + ahead])
        if told + came >= 20:
            # What a blast brought in between, no reckoning could know: one bad miss does not count for more than that.
            off = max(-1.0, min(1.0, math.log((came + 1) / (told + 1))))
            weight = math.exp(-(done - moment) / _A_DAY) / 2
            squares, weights = squares + weight * off**2, weights + weight
    return math.sqrt(squares / weights)
