"""The terms of registration that the settings decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.registration.acts import Access, Person
from bot.registration.people import person_of

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
        today: date = now.astimezone(self.time_zone).date()
        return person_of(row, access=access, now=now, today=today, horizon=today + HORIZON, ages=self.ages)
