"""Made-up vaccination sessions over the coming 14 days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from bot.registration.importing.sessions import SessionRow
from bot.registration.sample.apportioning import apportion
from bot.registration.sample.places import SampleFacility

DAYS: Final = 14
_PLACES_PER_WORKER: Final = 1.2
_PLACES_PER_SESSION: Final = 6
_FIRST_HOUR: Final = 8
_HOURS: Final = 7


def sample_sessions(
    facilities: Sequence[SampleFacility], workers_of: Sequence[int], now: datetime, seed: int
) -> Iterator[SessionRow]:
    """Hours of vaccination from 08:00 to 15:00, from the day after ``now`` on, as each facility's workers need them.

    All of them together have 1.2 places for each worker. What a facility offers repeats every 14 days, so that a sample
    loaded again another day adds the days that have come into sight and changes none.
    """
    places_of = apportion(round(sum(workers_of) * _PLACES_PER_WORKER), workers_of) if any(workers_of) else []
    for facility, places in zip(facilities, places_of, strict=False):
        if places:
            yield from _sessions_of(facility, places, now, seed)


def _sessions_of(facility: SampleFacility, places: int, now: datetime, seed: int) -> Iterator[SessionRow]:
    random = Random(f"sessions {seed} {facility.row.code}")  # noqa: S311 - chance, not secrets
    count = min(DAYS * _HOURS, -(-places // _PLACES_PER_SESSION))
    chosen = sorted(random.sample(range(DAYS * _HOURS), count))
    first_day = now.astimezone(ZoneInfo(facility.district.time_zone)).date() + timedelta(days=1)
    for slot, capacity in zip(chosen, apportion(places, [1.0] * count), strict=True):
        day_of_cycle, hour = divmod(slot, _HOURS)
        start = _FIRST_HOUR + hour
        day = _next_with(first_day, day_of_cycle)
        yield SessionRow(facility.row.code, 1, day, time(start), time(start + 1), capacity)


def _next_with(first_day: date, day_of_cycle: int) -> date:
    return first_day + timedelta(days=(day_of_cycle - first_day.toordinal()) % DAYS)
