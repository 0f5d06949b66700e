"""Sessions for programs: what is told of one, which ones are found, and page after page of them."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest

from bot.services import Services
from tests.web.admin.neighbours import Neighbours
from tests.web.api.conftest import MovableClock, Program, Programs, problem


@pytest.fixture
def caller(program: Programs, town: Neighbours) -> Program:
    return program()


def ids(caller: Program, **query: Any) -> list[int]:
    return [each["id"] for each in caller.reads("/sessions", **query)["sessions"]]


def test_a_session_is_told_with_its_place_and_the_places_left(caller: Program, town: Neighbours) -> None:
    wish = {"session": town.session, "condition": "none"}
    caller.does(f"/people/{town.here.id}/booking", wish)
    one = caller.reads(f"/sessions/{town.session}")
    assert caller.reads("/sessions", facility="F-HERE") == {"sessions": [one], "next": None}
    assert one == {
        "id": town.session,
        "facility_code": "F-HERE",
        "facility": "Puskesmas Melati",
        "district_code": "3273",
        "district": "Kota Bandung",
        "day": "2021-01-14",
        "start": "08:00:00",
        "end": "10:00:00",
        "time_zone": "Asia/Jakarta",
        "starts_at": "2021-01-14T01:00:00Z",
        "ends_at": "2021-01-14T03:00:00Z",
        "dose": 1,
        "capacity": 10,
        "left": 9,
        "open": True,
        "cancelled_at": None,
    }


def test_a_session_takes_bookings_until_it_is_closed_or_has_begun(
    caller: Program, town: Neighbours, clock: MovableClock, services: Services
) -> None:
    both = [town.session, town.session_there]
    assert (ids(caller, open="true"), ids(caller, open="false")) == (both, [])
    services.database.rows("UPDATE vaccination_session SET open = false WHERE id = %s", (town.session,))
    assert (ids(caller, open="true"), ids(caller, open="false")) == ([town.session_there], [town.session])
    services.database.rows("UPDATE vaccination_session SET cancelled_at = %s WHERE id = %s", (clock.now, town.session))
    assert caller.reads(f"/sessions/{town.session}")["cancelled_at"] is not None
    clock.passes(days=2)
    assert (ids(caller, open="true"), ids(caller, open="false")) == ([], both)
    problem(caller.asks("GET", "/sessions", open="yes"), 422, "invalid")


@pytest.mark.parametrize("zone", ["Asia/Jayapura", "Asia/Jakarta", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_day_is_the_facilitys_own(caller: Program, town: Neighbours, zone: str) -> None:
    town.world.district("9171", "Kota Jayapura", zone=zone)
    place = town.world.facility("Puskesmas Mawar", "9171")
    first, last = (
        town.world.session(place, day=date(2021, 2, 1), start=start, end=end, zone=zone)
        for start, end in ((time(0), time(1)), (time(23), time(23, 59)))
    )
    for day in (date(2021, 1, 31), date(2021, 2, 2)):
        town.world.session(place, day=day, zone=zone)
    assert ids(caller, date="2021-02-01") == [first, last]


def test_no_session_on_that_day(caller: Program) -> None:
    for day in ("2021-01-13", "0001-01-01", "9999-12-31"):
        assert caller.reads("/sessions", date=day) == {"sessions": [], "next": None}
    problem(caller.asks("GET", "/sessions", date="2021-02-30"), 422, "invalid")


def test_page_after_page_every_session_comes_once(caller: Program, town: Neighbours) -> None:
    days = [date(2021, 2, 1) + timedelta(days=number) for number in (4, 2, 0, 3, 1)]
    for place in (town.place_there, town.place):
        for day in days:
            town.world.session(place, day=day)
            town.world.session(place, day=day, start=time(13), end=time(15))
    for query in ({}, {"facility": "F-HERE"}, {"date": "2021-02-03"}, {"open": "true"}):
        whole = caller.reads("/sessions", limit=100, **query)
        assert whole["next"] is None
        paged, cursor = [], {}
        while cursor is not None:
            page = caller.reads("/sessions", limit=3, **query, **cursor)
            paged += page["sessions"]
            cursor = {"cursor": page["next"]} if page["next"] else None
        assert paged == whole["sessions"]
        told = [(each["facility_code"], each["starts_at"]) for each in paged]
        assert told == sorted(told)
    assert len(ids(caller, limit=100)) == 22


def test_a_page_looks_at_so_many_facilities_and_says_where_to_go_on(caller: Program, town: Neighbours) -> None:
    town.world.database.rows(
        "INSERT INTO facility (code, name, district_code) SELECT 'G' || n, 'Klinik ' || n, '3273' "
        "FROM generate_series(1, 4000) n"
    )
    last = town.world.session(town.world.facility("Puskesmas Akhir", code="F-LAST"))
    seen, pages, cursor = [], 0, ""
    while cursor is not None:
        page = caller.reads("/sessions", date="2021-01-14", cursor=cursor)
        seen += [each["id"] for each in page["sessions"]]
        pages, cursor = pages + 1, page["next"]
    assert seen == [town.session, town.session_there, last]
    assert pages == 3
    assert ids(caller, facility="F-LAST") == [last]


@pytest.mark.parametrize("cursor", ["x", "999999", "1_", f"{9**30}_1", "1_999999"])
def test_what_is_no_cursor(caller: Program, cursor: str) -> None:
    problem(caller.asks("GET", "/sessions", cursor=cursor), 422, "invalid")
