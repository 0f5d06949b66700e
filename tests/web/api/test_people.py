"""People and bookings by programs: masked where they are looked up, booked by the same rules as elsewhere."""

from __future__ import annotations

from datetime import time

import pytest

from bot.officers.accounts import Role
from bot.web.admin.person_booking import CONDITIONS
from bot.web.api.person_booking import WishAsked
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import Program, Programs, problem


@pytest.fixture
def caller(program: Programs, town: Neighbours) -> Program:
    return program(Role.DISTRICT, "3273")


def test_who_is_looked_up_is_masked(caller: Program, town: Neighbours) -> None:
    [one] = caller.reads("/people", phone=town.here.phone)["people"]
    assert one["nik"] == f"************{town.here.nik[-4:]}"
    assert "*" in one["phone"]
    person = caller.reads(f"/people/{town.here.id}")
    assert (person["phone"], person["nik"]) == (town.here.phone, one["nik"])
    assert town.here.nik not in str(person)


def test_what_was_named_is_what_is_sought(caller: Program, town: Neighbours) -> None:
    """A name is no number, and a number no name."""
    for wrong in ({"nik": "siti"}, {"ticket": "siti"}, {"phone": "siti"}, {"name": " "}, {}, {"nik": None}):
        problem(caller.asks("POST", "/people/search", wrong, key=None), 422, "invalid")
    assert caller.does("/people/search", {"name": str(town.here.phone)}, key=None)["people"] == []


def test_who_looks_up_for_callers_is_written_down(program: Programs, town: Neighbours) -> None:
    caller = program(Role.CALL_CENTRE, name="call")
    caller.reads("/people", phone=town.here.phone)
    caller.reads(f"/people/{town.here.id}")
    assert town.audit("people.search") == [("api:call", "people", {"by": "phone", "found": 1})]
    assert town.audit("person.look") == [("api:call", f"worker:{town.here.id}", {})]


def test_a_place_is_booked_changed_and_given_back(caller: Program, town: Neighbours) -> None:
    at = f"/people/{town.here.id}/booking"
    other = town.world.session(town.place, capacity=1, start=time(11), end=time(12))
    problem(caller.asks("POST", at, {"session": town.session}), 409, "screening-wanted")
    booked = caller.does(at, {"session": town.session, "condition": "none"})["booking"]
    assert (booked["facility"], booked["day"], booked["start"]) == ("Puskesmas Melati", "2021-01-14", "08:00:00")
    assert booked["ticket"] == town.ticket(town.here)
    assert len(town.world.messages(str(town.here.phone))) == 1
    problem(caller.asks("POST", at, {"session": other}), 409, "already-booked")
    changed = caller.does(at, {"session": other, "instead_of": booked["booking_id"]})["booking"]
    [found] = caller.reads("/people", ticket=changed["ticket"].lower())["people"]
    assert (found["id"], found["state"]) == (town.here.id, "booked")
    assert [each["state"] for each in caller.reads(f"/people/{town.here.id}")["bookings"]] == ["booked", "changed"]
    problem(caller.asks("DELETE", at, booking=booked["booking_id"]), 409, "changed")
    assert caller.asks("DELETE", at, booking=changed["booking_id"]).json == {"outcome": "cancelled", "booking": None}
    assert town.world.booking(town.here) is None
    town.all_is_well()


def test_a_session_that_is_full(caller: Program, town: Neighbours) -> None:
    full = town.world.session(town.place, capacity=1, start=time(11), end=time(12))
    first = town.world.worker(town.place)
    caller.does(f"/people/{first.id}/booking", {"session": full, "condition": "none"})
    wish = {"session": full, "condition": "none"}
    problem(caller.asks("POST", f"/people/{town.here.id}/booking", wish), 409, "session-full")


def test_a_condition_defers(caller: Program, town: Neighbours) -> None:
    wish = {"session": town.session, "condition": "pregnant"}
    assert caller.does(f"/people/{town.here.id}/booking", wish) == {"outcome": "deferred", "booking": None}
    assert "pregnant" not in str(caller.reads(f"/people/{town.here.id}"))


def test_the_conditions_are_those_of_the_pages() -> None:
    schema = WishAsked.model_json_schema()["properties"]["condition"]["anyOf"][0]
    assert schema["enum"] == list(CONDITIONS)


def test_a_facilitys_day_by_the_page(program: Programs, town: Neighbours) -> None:
    ministry, desk = program(), program(Role.FACILITY, "F-HERE")
    people = [town.here, *(town.world.worker(town.place, name=f"Ani {letter}") for letter in "ABC")]
    for worker in people:
        ministry.does(f"/people/{worker.id}/booking", {"session": town.session, "condition": "none"})
    names: list[str] = []
    page: dict[str, object] = {}
    for pages in range(3):
        more = {"cursor": page["next"]} if pages else {}
        page = desk.reads("/facilities/F-HERE/bookings", date="2021-01-14", limit=2, **more)
        names += [each["name"] for each in page["bookings"]]  # type: ignore[attr-defined]
        if page["next"] is None:
            break
    assert names == ["Ani A", "Ani B", "Ani C", "Siti Wulandari"]
    assert desk.reads("/facilities/F-HERE/bookings")["bookings"] == []
    problem(desk.asks("GET", "/facilities/F-HERE/bookings", date="soon"), 422, "invalid")
    problem(desk.asks("GET", "/facilities/F-HERE/bookings", cursor=999), 422, "invalid")
