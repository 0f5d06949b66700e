"""``/facilities/<code>/bookings``: who is expected at a facility on a day."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from bot.evaluation.places import NoSuchPlace, locate
from bot.officers.permissions import May
from bot.registration import day_list
from bot.web.api.problems import nothing_here, wrong
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Hour, Id, Limit, Next, Told


class DayAsked(Asked):
    """Which day, in the facility's own time: today where none is given."""

    day: date | None = Field(default=None, alias="date")
    cursor: Id | None = None
    limit: Limit = 100


class ExpectedTold(Told):
    """Somebody with a place. `state`: booked, attended, no_show, or deferred at the desk. NIK masked."""

    booking_id: int
    worker_id: int
    session_id: int
    name: str
    nik: str
    ticket: str
    state: str
    start: Hour
    end: Hour


class DayTold(Told):
    """A page of a facility's day, by session and name."""

    facility: str
    date: date
    time_zone: str
    bookings: list[ExpectedTold]
    next: Next


def register(api: Api) -> None:
    """The route."""

    @api.get("/facilities/<code>/bookings", needs=May.DESK, tells=DayTold, query=DayAsked)
    def day_bookings(call: Call, code: str, query: DayAsked) -> DayTold:
        """Who is expected at a facility on a day."""
        database = call.services.database
        try:
            number = locate(database, call.area, facility=code).place.facility_id
        except NoSuchPlace:
            raise nothing_here() from None
        place = day_list.facility(database, number or 0, call.officer, call.now)
        day = query.day or place.today
        people = day_list.expected(database, place.id, day, call.officer, call.now)
        first = 0
        if query.cursor is not None:
            at = [each.booking_id for each in people]
            if query.cursor not in at:
                raise wrong("query.cursor", "The list has changed there. Begin again with its first page.")
            first = at.index(query.cursor) + 1
        page = people[first : first + query.limit]
        more = len(people) > first + query.limit
        return DayTold(
            facility=place.name,
            date=day,
            time_zone=place.time_zone,
            bookings=[ExpectedTold.model_validate(each) for each in page],
            next=str(page[-1].booking_id) if more else None,
        )
