"""The terms of registration that the settings decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.registration.acts import Access, Person
from bot.registration.people import age_on, person_of

#: How far ahead a place may be offered when the age on that day is judged.
HORIZON = timedelta(days=60)
#: How long an offered place is held.
HOLD = timedelta(minutes=5)
#: The dose that conversations book.
DOSE = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """Age limits, the campaign's own zone, and the gateway for messages that start here."""

    ages: tuple[int, int]
    time_zone: ZoneInfo
    sms_gateway: str

    def person(self, row: Sequence[Any], *, access: Access, now: datetime) -> Person:
        """The person of a row of ``people.PERSON``."""
        return person_of(row, access=access, now=now, age_fits=self.age_fits(row[8], now))

    def age_fits(self, birth_date: date, now: datetime) -> bool:
        """Whether the age is within the limits on any day that could be offered."""
        today = now.astimezone(self.time_zone).date()
        return age_on(birth_date, today) <= self.ages[1] and age_on(birth_date, today + HORIZON) >= self.ages[0]
