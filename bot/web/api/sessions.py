"""``/sessions``: when people are vaccinated where, and how many places are left."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.evaluation.places import NoSuchPlace, locate
from bot.officers.permissions import May
from bot.registration import session_list
from bot.registration.session_list import Wanted
from bot.web.api.problems import nothing_here, wrong
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Code, Hour, Limit, Next, Told


class SessionsAsked(Asked):
    """Which sessions; everything that is given must hold. `date`: where the facility is."""

    facility: Code | None = None
    day: date | None = Field(default=None, alias="date")
    open: Literal["true", "false"] | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,18}_[0-9]{1,18})?$")] = ""
    limit: Limit = 50


class SessionTold(Told):
    """A session, its day and hours in the time of `time_zone`. `open`: it takes bookings; `left`: places that are free."""

    id: int
    facility_code: str
    facility: str
    district_code: str
    district: str
    day: date
    start: Hour
    end: Hour
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    dose: int
    capacity: int
    left: int
    open: bool = Field(validation_alias="is_open")
    cancelled_at: datetime | None


class SessionsTold(Told):
    """A page of sessions: by facility, and there by the hour. It may be short and have a `next` all the same."""

    sessions: list[SessionTold]
    next: Next


def register(api: Api) -> None:
    """The routes."""

    @api.get("/sessions", needs=May.SEE_SESSIONS, tells=SessionsTold, query=SessionsAsked)
    def list_sessions(call: Call, query: SessionsAsked) -> SessionsTold:
        """The sessions of the area, or of a facility, on a day or on all of them."""
        is_open = None if query.open is None else query.open == "true"
        wanted = Wanted(_facility(call, query.facility), query.day, is_open, query.cursor)
        try:
            page = session_list.page(call.services.database, wanted, query.limit, call.officer, call.now)
        except ValueError:
            raise wrong("query.cursor", "That is no cursor of this list.") from None
        return SessionsTold(sessions=[SessionTold.model_validate(each) for each in page.sessions], next=page.cursor)

    @api.get("/sessions/<int:number>", needs=May.SEE_SESSIONS, tells=SessionTold)
    def one_session(call: Call, number: int) -> SessionTold:
        """One session."""
        return SessionTold.model_validate(session_list.one(call.services.database, number, call.officer, call.now))


def _facility(call: Call, code: str | None) -> int | None:
    if code is None:
        return None
    try:
        return locate(call.services.database, call.area, facility=code).place.facility_id
    except NoSuchPlace:
        raise nothing_here() from None
