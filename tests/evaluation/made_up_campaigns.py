"""Made-up campaigns: how registrations arrive, with blasts, nights, noise and a rush before the end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=15)
JAKARTA = ZoneInfo("Asia/Jakarta")


@dataclass(frozen=True)
class MadeUpCampaign:
    """Registrations of each quarter of an hour from ``start`` to ``deadline``."""

    start: datetime
    deadline: datetime
    counts: tuple[int, ...]

    def so_far(self, now: datetime) -> tuple[int, ...]:
        return self.counts[: int((now - self.start) / STEP)]


@cache
def make_up(seed: int) -> MadeUpCampaign:
    """One of 1 to 10 days that ends at midnight: every chance in it comes from ``seed``."""
    random = Random(seed)
    days = random.choice([1, 2, 3, 4, 5, 7, 10])
    deadline = datetime(2021, 1, 14, tzinfo=JAKARTA)
    start = deadline - timedelta(days=days) + timedelta(hours=random.choice([0, 7, 8, 9]))
    steps = int((deadline - start) / STEP)
    base = random.lognormvariate(math.log(60), 1.0)  # registrations of a quarter of an hour by day
    peak, depth = random.uniform(10, 20), random.uniform(0.5, 0.95)
    blasts = [
        (random.uniform(0, steps - 8), random.uniform(1, 8), random.uniform(4, 20)) for _ in range(random.randint(1, 5))
    ]
    # What people were told in the morning, they answer by evening: no blast in the last two hours.
    rush, rush_steps = random.lognormvariate(math.log(1.4), 0.6), random.uniform(2, 10)
    drift, noise = 0.0, random.uniform(0.05, 0.2)
    counts = []
    for step in range(steps):
        at = start + step * STEP
        hour = at.hour + at.minute / 60
        course = 1 - depth * (1 - math.cos((hour - peak) * math.pi / 12)) / 2
        after = sum(height * math.exp(-(step - sent) / fades) for sent, height, fades in blasts if step >= sent)
        drift = 0.95 * drift + random.gauss(0, noise)
        mean = base * course * (1 + after) * (1 + rush * math.exp(-(steps - step) / rush_steps)) * math.exp(drift)
        counts.append(arrivals(random, mean))
    return MadeUpCampaign(start, deadline, tuple(counts))


def arrivals(random: Random, mean: float) -> int:
    """How many come where ``mean`` are expected: more scattered than chance alone would have it."""
    rate = random.gammavariate(10, mean / 10) if mean > 0 else 0.0
    if rate > 50:
        return max(0, round(random.gauss(rate, math.sqrt(rate))))
    left, found = math.exp(-rate), -1
    product = 1.0
    while product > left:
        product *= random.random()
        found += 1
    return max(0, found)
