"""Two districts' data on every route: what lies in the other is not there, whatever is asked."""

from __future__ import annotations

import pytest

from bot.officers.accounts import Role
from bot.services import Services
from bot.web.api.front import declared
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import Program, Programs, draft_of, problem, told

#: Routes that only the whole country's admins may use: there is no other area to keep apart.
_COUNTRY = {"system", "sending", "audit"}


@pytest.fixture
def district(program: Programs, town: Neighbours) -> Program:
    return program(Role.DISTRICT, "3273")


class TestEachRoute:
    """A method for each route, by its name: ``test_every_route_is_here`` sees to it."""

    def test_progress(self, district: Program) -> None:
        own = district.reads("/progress")
        assert (own["code"], own["standing"]["counts"]["target"]) == ("3273", 1)
        assert [part["name"] for part in own["standing"]["parts"]] == ["Puskesmas Melati"]
        for query in ({"district": "3578"}, {"province": "35"}, {"facility": "F-THERE"}, {"province": "32"}):
            problem(district.asks("GET", "/progress", **query), 404)

    def test_progress_of_the_country(self, program: Programs, town: Neighbours) -> None:
        ministry = program()
        assert ministry.reads("/progress")["standing"]["counts"]["target"] == 2
        assert ministry.reads("/progress", district="3578")["standing"]["counts"]["target"] == 1
        assert ministry.reads("/progress", facility="F-THERE")["name"] == "Puskesmas Kenanga"

    def test_list_campaigns(self, district: Program, services: Services) -> None:
        draft_of(services, "own", {"district": "3273"})
        draft_of(services, "other", {"district": "3578"})
        draft_of(services, "all")
        found = {each["name"]: each["is_own"] for each in district.reads("/campaigns")["campaigns"]}
        assert found == {"all": False, "own": True}

    def test_one_campaign(self, district: Program, services: Services) -> None:
        other, everybody = draft_of(services, "other", {"district": "3578"}), draft_of(services, "all")
        problem(district.asks("GET", f"/campaigns/{other.id}"), 404)
        assert district.reads(f"/campaigns/{everybody.id}")["preview"] is None

    def test_make_draft(self, district: Program, services: Services) -> None:
        draft_of(services, "other", {"district": "3578"})
        body = {"name": "mine", "texts": {"id": "Halo"}, "audience": {"districts": ["3578"]}}
        made = district.does("/campaigns", body)
        assert made["campaign"]["audience"] == {"districts": ["3578"], "area": {"district": "3273"}}
        body = {**body, "name": "again", "audience": {"campaign": {"name": "other", "outcome": ["delivered"]}}}
        problem(district.asks("POST", "/campaigns", body), 422, "invalid")

    @pytest.mark.parametrize("act", ["approve", "send", "pause", "resume", "cancel"])
    def test_acts_on_campaigns(self, program: Programs, services: Services, town: Neighbours, act: str) -> None:
        province = program(Role.PROVINCE, "32")
        other, everybody = draft_of(services, "other", {"district": "3578"}), draft_of(services, "all")
        body = {"seen": province.reads(f"/campaigns/{everybody.id}")["seen"]} if act in {"approve", "send"} else None
        problem(province.asks("POST", f"/campaigns/{other.id}/{act}", body), 404)
        problem(province.asks("POST", f"/campaigns/{everybody.id}/{act}", body), 403, "area")
        states = services.database.rows("SELECT DISTINCT state FROM campaign")
        assert states == [("draft",)]

    test_approve_campaign = test_send_campaign = test_pause_campaign = test_resume_campaign = test_acts_on_campaigns
    test_cancel_campaign = test_acts_on_campaigns

    def test_find_people(self, district: Program, town: Neighbours) -> None:
        assert [each["id"] for each in district.reads("/people", phone=town.here.phone)["people"]] == [town.here.id]
        assert district.reads("/people", phone=town.there.phone) == {"people": [], "more": False}

    def test_search_people(self, district: Program, town: Neighbours) -> None:
        def found(**wanted: str) -> list[int]:
            return [each["id"] for each in district.does("/people/search", wanted, key=None)["people"]]

        assert found(name="siti") == [town.here.id]
        assert found(nik=town.here.nik) == [town.here.id]
        assert found(nik=town.there.nik) == []

    def test_one_person(self, district: Program, town: Neighbours) -> None:
        assert district.reads(f"/people/{town.here.id}")["name"] == "Siti Wulandari"
        problem(district.asks("GET", f"/people/{town.there.id}"), 404)

    def test_book_place(self, district: Program, town: Neighbours) -> None:
        there = {"session": town.session_there, "condition": "none"}
        problem(district.asks("POST", f"/people/{town.there.id}/booking", there), 404)
        problem(district.asks("POST", f"/people/{town.here.id}/booking", there), 404)
        assert town.world.booking(town.there) is None
        assert town.world.booking(town.here) is None

    def test_cancel_booking(self, program: Programs, district: Program, town: Neighbours) -> None:
        wish = {"session": town.session_there, "condition": "none"}
        booked = program().does(f"/people/{town.there.id}/booking", wish)["booking"]["booking_id"]
        problem(district.asks("DELETE", f"/people/{town.there.id}/booking", booking=booked), 404)
        problem(district.asks("DELETE", f"/people/{town.here.id}/booking", booking=booked), 409, "changed")
        assert town.world.booking(town.there) is not None

    def test_day_bookings(self, program: Programs, district: Program, town: Neighbours) -> None:
        assert district.reads("/facilities/F-HERE/bookings")["bookings"] == []
        problem(district.asks("GET", "/facilities/F-THERE/bookings"), 404)
        facility = program(Role.FACILITY, "F-HERE")
        told(facility.asks("GET", "/facilities/F-HERE/bookings"))
        problem(facility.asks("GET", "/facilities/F-THERE/bookings"), 404)

    def test_list_sessions(self, program: Programs, district: Program, town: Neighbours) -> None:
        for caller in (district, program(Role.PROVINCE, "32"), program(Role.FACILITY, "F-HERE")):
            assert [each["id"] for each in caller.reads("/sessions")["sessions"]] == [town.session]
            problem(caller.asks("GET", "/sessions", facility="F-THERE"), 404)
            for there in (f"{town.place_there}_{town.session_there}", f"{town.place_there}_999999"):
                problem(caller.asks("GET", "/sessions", cursor=there), 422, "invalid")
            assert caller.reads("/sessions", cursor=f"{town.place_there}_0") == {"sessions": [], "next": None}
        country = [town.session, town.session_there]
        assert [each["id"] for each in program().reads("/sessions")["sessions"]] == country
        assert [each["id"] for each in program(Role.CALL_CENTRE).reads("/sessions")["sessions"]] == country

    def test_one_session(self, program: Programs, district: Program, town: Neighbours) -> None:
        for caller in (district, program(Role.FACILITY, "F-HERE")):
            assert caller.reads(f"/sessions/{town.session}")["facility_code"] == "F-HERE"
            problem(caller.asks("GET", f"/sessions/{town.session_there}"), 404)

    def test_every_route_is_here(self) -> None:
        names = {route.name for route in declared().every()} - _COUNTRY
        assert {name for name in names if not hasattr(self, f"test_{name}")} == set()


@pytest.mark.parametrize(("method", "path"), [("GET", "/system"), ("POST", "/system/sending"), ("GET", "/audit")])
def test_the_countrys_routes_are_the_ministrys(district: Program, method: str, path: str) -> None:
    body = {"sending": "stop"} if method == "POST" else None
    problem(district.asks(method, path, body), 403, "right")
