"""``/people``: somebody is looked up, and where they stand. NIK never stands in an address, and is always masked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, model_validator

from bot.officers.accounts import Role
from bot.officers.permissions import May
from bot.phone import NotAPhone, parse_phone
from bot.registration import people_search, story
from bot.registration.nik import is_nik_form
from bot.registration.people_search import By
from bot.registration.tickets import is_ticket
from bot.web.api.problems import wrong
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Code, Hour, Text, Told


class PersonSought(Asked):
    """A number in any spelling, or a ticket: one of them."""

    phone: Code | None = None
    ticket: Code | None = None


class PersonWanted(Asked):
    """One of them. `name`: beginnings of its words."""

    nik: Code | None = None
    phone: Code | None = None
    ticket: Code | None = None
    name: Annotated[Text, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> PersonWanted:
        if sum(each is not None for each in self.model_dump().values()) != 1:
            raise ValueError("give one of nik, phone, ticket and name")
        return self


class MatchTold(Told):
    """Somebody who was found, with NIK and number masked."""

    id: int
    name: str
    nik: str
    phone: str | None
    district: str
    facility: str | None
    state: str


class PeopleTold(Told):
    """Who was found, by name, 50 at most. `more`: there are others; ask more narrowly."""

    people: list[MatchTold]
    more: bool


class BookingTold(Told):
    """A booking there is or was, in the time of `time_zone`."""

    id: int
    state: str
    ticket: str | None
    facility: str
    day: date
    start: Hour
    end: Hour
    time_zone: str
    booked_at: datetime | None
    ended_at: datetime | None


class PersonTold(Told):
    """A worker. NIK masked, the number whole; `screening`: an outcome, never what was answered."""

    id: int
    name: str
    nik: str
    birth_year: int
    phone: str | None
    district: str
    domicile: str | None
    facility: str | None
    profession: str
    language: str
    state: str
    screening: str | None
    opted_out_since: datetime | None
    wrong_since: datetime | None
    locked_until: datetime | None
    has_closed: bool
    bookings: list[BookingTold]


def register(api: Api) -> None:
    """The routes."""

    @api.get("/people", needs=May.SEE_PEOPLE, tells=PeopleTold, query=PersonSought)
    def find_people(call: Call, query: PersonSought) -> PeopleTold:
        """Who has a number or a ticket."""
        if (query.phone is None) == (query.ticket is None):
            raise wrong("query", "give one of phone and ticket")
        return _found(call, By.PHONE if query.phone is not None else By.TICKET, query.phone or query.ticket or "")

    @api.post("/people/search", needs=May.SEE_PEOPLE, tells=PeopleTold, body=PersonWanted, once=False)
    def search_people(call: Call, body: PersonWanted) -> PeopleTold:
        """Who has a NIK, number, ticket or name; nothing of it stands in an address."""
        [(name, typed)] = [(name, each) for name, each in body.model_dump().items() if each is not None]
        return _found(call, By(name), typed)

    @api.get("/people/<int:worker>", needs=May.SEE_PEOPLE, tells=PersonTold)
    def one_person(call: Call, worker: int) -> PersonTold:
        """Who a worker is, where they stand, and what they booked."""
        database = call.services.database
        found = story.standing(database, worker, call.officer, call.now)
        lines = story.booking_lines(database, worker)
        if _is_noted(call):
            story.note_look(database, worker, call.officer, call.now)
        known = {name: getattr(found, name) for name in PersonTold.model_fields if name != "bookings"}
        return PersonTold(**known, bookings=[BookingTold.model_validate(each) for each in lines])


def _found(call: Call, by: By, typed: str) -> PeopleTold:
    services = call.services
    typed = " ".join(typed.split())
    if not _is(by, typed):
        raise wrong(by.value, f"That is no {by.value}.")
    found = people_search.search(services.database, services.vault, call.officer.reach, typed)
    # What could be something else as well is not what was asked for.
    people = found.people if found.by is by else ()
    if _is_noted(call):
        story.note_search(services.database, by, len(people), call.officer, call.now)
    return PeopleTold(people=[MatchTold.model_validate(each) for each in people], more=found.more and bool(people))


def _is(by: By, typed: str) -> bool:
    digits = "".join(each for each in typed if each not in " .-")
    if by is By.NIK:
        return is_nik_form(digits)
    if by is By.TICKET:
        return is_ticket(digits.upper())
    if by is By.PHONE:
        try:
            return bool(parse_phone(typed))
        except NotAPhone:
            return False
    return bool(typed)


def _is_noted(call: Call) -> bool:
    """Whether what this admin looks at is written to the audit log."""
    return call.bearer.admin.role is Role.CALL_CENTRE
