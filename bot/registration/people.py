"""A worker as a conversation needs to know them, and what a number may do for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.conversation.driver import Caller
from bot.registration.acts import Access, Person, Slot
from bot.registration.closing import CLOSES_AT

#: The columns of a person, from ``worker w``. Read by ``person_of``.
PERSON = f"""
    w.id, w.name, d.code, d.name, w.facility_id, w.language, w.confirmed_at IS NOT NULL, sc.outcome, w.birth_date,
    w.phone, b.id, b.ticket, b.phone, vs.facility_id, f.name, vs.local_date, vs.start_time, vs.end_time, fd.time_zone,
    {CLOSES_AT}
"""

#: OFFSET 0: a planner who knows of no bookings yet would look through all that there will be, for each worker; and where there
#: are few districts, it would read and hash all of them to find one.
PERSON_FROM = """
    worker w
    CROSS JOIN LATERAL (SELECT code, name FROM district WHERE code = coalesce(w.domicile_code, w.district_code) OFFSET 0) d
    LEFT JOIN screening sc ON sc.worker_id = w.id
    LEFT JOIN LATERAL (SELECT id, session_id, ticket, phone FROM booking
                       WHERE worker_id = w.id AND dose = 1 AND state IN ('booked', 'attended') OFFSET 0) b ON true
    LEFT JOIN vaccination_session vs ON vs.id = b.session_id
    LEFT JOIN facility f ON f.id = vs.facility_id
    LEFT JOIN district fd ON fd.code = f.district_code
"""

#: Whether the number %(phone)s may act for ``worker w`` at all.
MAY_ACT = """(w.phone = %(phone)s OR EXISTS (
    SELECT 1 FROM phone_claim c WHERE c.worker_id = w.id AND c.phone = %(phone)s AND c.state <> 'rejected'))"""

#: Whether the number %(phone)s may see and change the confirmed ``booking b`` of ``worker w``.
OWNS_BOOKING = """(w.phone = %(phone)s OR b.phone = %(phone)s OR EXISTS (
    SELECT 1 FROM phone_claim c WHERE c.worker_id = w.id AND c.phone = %(phone)s AND c.state = 'accepted'))"""


@dataclass(frozen=True, slots=True)
class OnBehalf(Caller):
    """An officer who acts for a worker: nobody's number has to prove anything. ``phone``: the worker's, "" for none."""


def may_act(caller: Caller) -> str:
    """A condition: whether the caller may act for ``worker w`` at all."""
    return "true" if isinstance(caller, OnBehalf) else MAY_ACT


def owns_booking(caller: Caller) -> str:
    """A condition: whether the caller may see and change the confirmed ``booking b`` of ``worker w``."""
    return "true" if isinstance(caller, OnBehalf) else OWNS_BOOKING


def age_on(birth_date: date, day: date) -> int:
    """Completed years of life on ``day``. Somebody born on 29 February has their birthday on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def person_of(row: Sequence[Any], *, access: Access, now: datetime, age_fits: bool) -> Person:
    """The person of a row of ``PERSON``."""
    closes_at: datetime | None = row[19]
    booked = None
    if row[10] is not None:
        booked = Slot(row[10], row[13], row[14], row[15], row[16], row[17], row[18], row[11])
    return Person(
        worker_id=row[0],
        name=row[1],
        district_code=row[2],
        district=row[3],
        facility_id=row[4],
        language=row[5],
        access=access,
        confirmed=row[6],
        screened_out=row[7] == "deferred",
        fit=row[7] == "fit",
        age_fits=age_fits,
        booked=booked,
        closed=closes_at is not None and now >= closes_at,
    )
