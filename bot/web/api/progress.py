"""``/progress``: how many of how many have registered, where, and where it will end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import Field

from bot.evaluation.outlook import outlook
from bot.evaluation.places import NoSuchPlace, locate
from bot.evaluation.standing import standing
from bot.officers.permissions import May
from bot.web.api.problems import nothing_here
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Code, Told


class PlaceAsked(Asked):
    """Which place; the narrowest counts, and the whole of the admin's area where none is given."""

    province: Code | None = None
    district: Code | None = None
    facility: Code | None = None


class CountsTold(Told):
    """Workers by how far they are. `silent`: a message was delivered, and nothing came back."""

    target: int
    with_phone: int
    invited: int
    delivered: int
    started: int
    verified: int
    screened: int
    registered: int
    attended: int
    silent: int
    places_left: int


class PartTold(Told):
    """A district of a country or province, or a facility of a district. `code` is empty for those without a facility."""

    code: str
    name: str
    province_code: str
    province: str
    counts: CountsTold


class ForecastTold(Told):
    """Registrations at the end, and an interval that holds it four times in five."""

    expected: int
    low: int
    high: int


class StandingTold(Told):
    """A place as it stood. `as_of`: of the registrations; `people_as_of`: of all other counts."""

    as_of: datetime
    people_as_of: datetime
    counts: CountsTold
    parts: list[PartTold]
    closes_at: datetime | None
    forecast: ForecastTold | None


class ProgressTold(Told):
    """A place and how it stands; `standing` is null until figures have been made for the first time."""

    kind: str = Field(examples=["", "province", "district", "facility"])
    code: str
    name: str
    standing: StandingTold | None


def register(api: Api) -> None:
    """The route."""

    @api.get("/progress", needs=May.SEE_PROGRESS, tells=ProgressTold, query=PlaceAsked)
    def progress(call: Call, query: PlaceAsked) -> ProgressTold:
        """How many of how many have registered in a place of the area, and in its parts."""
        database = call.services.reading
        wanted: dict[str, Any] = query.model_dump(exclude_none=True)
        try:
            located = locate(database, call.area, **wanted)
        except NoSuchPlace:
            raise nothing_here() from None
        here, found = located.crumbs[-1], standing(database, located.place)
        told: StandingTold | None = None
        if found is not None:
            seen = outlook(database, located.place, found.counts, found.as_of, call.services.settings.time_zone)
            told = StandingTold(
                as_of=found.as_of,
                people_as_of=found.people_as_of,
                counts=CountsTold(**asdict(found.counts)),
                parts=[PartTold.model_validate(each) for each in found.parts],
                closes_at=seen.closes_at,
                forecast=None if seen.forecast is None else ForecastTold.model_validate(seen.forecast),
            )
        return ProgressTold(kind=here.kind, code=here.code, name=here.name, standing=told)
