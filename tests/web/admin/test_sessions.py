"""Sessions: the week of a facility, changes, and what becomes of the people of one that is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

import pytest

from bot import invariants, office
from bot.db.database import Database
from bot.officers.accounts import Role
from bot.registration import moving, session_changes
from bot.registration.acts import Slot
from bot.registration.officer import Officer as Clerk
from bot.registration.officer import Reach
from bot.registration.session_changes import Change
from bot.registration.tickets import new_ticket
from bot.services import Services
from bot.text import is_gsm7, septets
from flows.moved_sms import MovedSms
from tests.flows.worst_cases import CAMPAIGN, NAMES, OFFSET
from tests.web.admin.conftest import MovableClock, SignIn
from tests.world import Worker, World

DAY = date(2021, 1, 14)
CLERK = Clerk("dewi", Reach())
TEXTS = moving.Texts(MovedSms(CAMPAIGN).moved, MovedSms(CAMPAIGN).no_place)


@dataclass
class Town:
    """A facility with a morning session; another in its district; one in another district, with room."""

    world: World
    own: int
    near: int
    far: int
    morning: int

    def books(self, name: str, *, phone: str | None = "") -> tuple[Worker, int]:
        worker = self.world.worker(self.own, name=name, phone=phone)
        booking: int = self.world.database.value(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
            "VALUES (%s, %s, 'booked', %s, %s, %s) RETURNING id",
            (worker.id, self.morning, new_ticket(), self.world.now, self.world.now),
        )
        self.world.database.rows("UPDATE vaccination_session SET taken = taken + 1 WHERE id = %s", (self.morning,))
        return worker, booking

    def place(self, worker: Worker) -> int | None:
        found = self.world.booking(worker)
        return None if found is None else found[2]


@pytest.fixture
def town(world: World) -> Town:
    world.district("7371", "Kota Makassar", "Asia/Makassar")
    own, near = world.facility(code="F-OWN"), world.facility("Puskesmas Mawar")
    far = world.facility("Puskesmas Bara", "7371")
    world.session(far, zone="Asia/Makassar")
    return Town(world, own, near, far, world.session(own, capacity=3))


@pytest.fixture
def unlimited(services: Services) -> Iterator[Database]:
    database = Database(services.settings.database_url, limit=None)
    yield database
    database.close()


def _holds(services: Services) -> None:
    assert [found for found in invariants.check(services.database, services.clock.now()) if found.count] == []


def test_from_the_country_to_a_facility_s_week(sign_in: SignIn, town: Town) -> None:
    town.books("Siti Wulandari")
    sri = sign_in()
    assert "Kota Bandung" in sri.reads("/admin/sessions/")
    facilities = sri.reads("/admin/sessions/", district="3273", week="2021-01-13")
    assert "Puskesmas Melati" in facilities
    assert "1 / 3" in facilities
    assert "Puskesmas Bara" not in facilities
    week = sri.reads("/admin/sessions/", facility=str(town.own), week="2021-01-13")
    assert "08:00-10:00" in week
    assert "1 / 3" in week
    empty = sri.reads("/admin/sessions/", facility=str(town.own), week="2021-02-01")
    assert "08:00-10:00" not in empty


def test_staff_see_their_own_week_at_once(sign_in: SignIn, town: Town) -> None:
    assert "Puskesmas Melati" in sign_in(Role.FACILITY, "F-OWN").reads("/admin/sessions/")


def test_capacity_goes_up_and_down_but_never_below_what_is_taken(
    sign_in: SignIn, town: Town, services: Services
) -> None:
    town.books("A")
    town.books("B")
    dewi = sign_in(Role.DISTRICT, "3273")
    for capacity, told in (
        ("2", "Changed."),
        ("1", "More places are taken"),
        ("0", "from 1 to 10,000"),
        ("9", "Changed."),
    ):
        dewi.sends(f"/admin/sessions/{town.morning}/capacity", {"capacity": capacity})
        assert told in dewi.reads(f"/admin/sessions/{town.morning}"), capacity
    assert town.world.database.value("SELECT capacity FROM vaccination_session WHERE id = %s", (town.morning,)) == 9
    assert town.world.database.value("SELECT count(*) FROM audit WHERE action = 'session.capacity'") == 2
    _holds(services)


def test_a_session_is_closed_opened_and_added(sign_in: SignIn, town: Town) -> None:
    dewi = sign_in(Role.DISTRICT, "3273")
    for what, is_open in (("close", False), ("close", False), ("open", True)):
        dewi.sends(f"/admin/sessions/{town.morning}/{what}")
        assert (
            town.world.database.value("SELECT open FROM vaccination_session WHERE id = %s", (town.morning,)) is is_open
        )
    form: dict[str, object] = {
        "facility": town.own,
        "day": "2021-01-15",
        "start": "08:00",
        "end": "10:00",
        "capacity": "25",
    }
    for _double_click in range(2):
        dewi.sends("/admin/sessions/add", form)
    assert town.world.database.rows(
        "SELECT capacity, starts_at::text FROM vaccination_session WHERE local_date = '2021-01-15'"
    ) == [(25, "2021-01-15 01:00:00+00")]
    dewi.sends("/admin/sessions/add", {**form, "day": "2021-01-12"})
    assert "That hour has passed." in dewi.reads("/admin/sessions/")
    dewi.sends("/admin/sessions/add", {**form, "start": "11:00"})
    assert "The end must be after the start." in dewi.reads("/admin/sessions/")


def test_everybody_of_a_cancelled_session_is_moved_and_told_and_who_cannot_be_is_called(
    sign_in: SignIn, town: Town, services: Services, unlimited: Database
) -> None:
    afternoon = town.world.session(town.own, capacity=1, start=time(13), end=time(15))
    elsewhere = town.world.session(town.near, capacity=1)
    first, second, third = (town.books(name)[0] for name in ("Ani", "Budi", "Cici"))
    town.world.database.rows("UPDATE worker SET language = 'en' WHERE id = %s", (second.id,))
    dewi = sign_in(Role.DISTRICT, "3273", name="dewi")
    for _double_click in range(2):
        dewi.sends(f"/admin/sessions/{town.morning}/cancel")
    assert "Still to be moved: 3" in dewi.reads(f"/admin/sessions/{town.morning}")
    assert office.work_off(services, unlimited)["moved"] == 3
    assert office.work_off(services, unlimited)["moved"] == 0
    assert [town.place(each) for each in (first, second, third)] == [afternoon, elsewhere, None]
    assert town.world.taken(town.morning) == 0
    [told_first] = town.world.messages(str(first.phone))
    assert told_first.startswith("Sesi dibatalkan. Tempat baru: Puskesmas Melati, Kam 14 Jan 13.00-15.00 WIB.")
    booked = town.world.booking(first)
    assert booked is not None
    assert str(booked[1]) in told_first
    [told_second] = town.world.messages(str(second.phone))
    assert told_second.startswith("Session cancelled. Your new place: Puskesmas Mawar, Thu 14 Jan 08:00-10:00 WIB.")
    [told_third] = town.world.messages(str(third.phone))
    assert "Petugas akan menelepon" in told_third
    page = dewi.reads(f"/admin/sessions/{town.morning}")
    assert "Still to be moved: 0. With another place: 2. Without a place: 1." in page
    assert "Cici" in page
    assert str(third.phone) in page
    assert "Ani" not in page
    moved_by = town.world.database.rows(
        "SELECT DISTINCT actor FROM audit WHERE action IN ('booking.move', 'booking.no-place')"
    )
    assert moved_by == [("dewi",)]
    _holds(services)


def test_who_has_no_number_is_moved_and_listed(
    sign_in: SignIn, town: Town, services: Services, unlimited: Database
) -> None:
    town.world.session(town.near, capacity=5)
    worker, _ = town.books("Nomor Hilang", phone=None)
    session_changes.cancel(services.database, town.morning, CLERK, services.clock.now())
    office.work_off(services, unlimited)
    assert town.place(worker) is not None
    assert "has no number; new place: Puskesmas Mawar" in sign_in().reads(f"/admin/sessions/{town.morning}")


def test_a_worker_that_is_killed_in_the_middle_leaves_nobody_between_two_places(
    town: Town, services: Services, unlimited: Database
) -> None:
    town.world.session(town.near, capacity=3)
    people = [town.books(name)[0] for name in ("Ani", "Budi", "Cici")]
    session_changes.cancel(services.database, town.morning, CLERK, services.clock.now())
    goes = iter((True, False))
    moving.move_waiting(unlimited, services.terms, TEXTS, services.clock.now, lambda: next(goes))
    assert [town.place(each) == town.morning for each in people] == [False, True, True]
    _holds(services)
    office.work_off(services, unlimited)
    assert not [each for each in people if town.place(each) in {None, town.morning}]
    assert all(len(town.world.messages(str(each.phone))) == 1 for each in people)
    _holds(services)


def test_two_who_move_at_once_move_each_once(town: Town, services: Services, unlimited: Database) -> None:
    town.world.session(town.near, capacity=2)
    people = [town.books(name)[0] for name in ("Ani", "Budi", "Cici")]
    session_changes.cancel(services.database, town.morning, CLERK, services.clock.now())
    moved: list[int] = []
    ready = threading.Barrier(2)

    def moves() -> None:
        ready.wait()
        moved.append(moving.move_waiting(unlimited, services.terms, TEXTS, services.clock.now, lambda: True))

    movers = [threading.Thread(target=moves) for _ in range(2)]
    for each in movers:
        each.start()
    for each in movers:
        each.join()
    assert sum(moved) == 3
    assert sorted(len(town.world.messages(str(each.phone))) for each in people) == [1, 1, 1]
    assert sum(town.place(each) is None for each in people) == 1
    _holds(services)


def test_who_cancels_while_they_are_moved_is_left_alone(town: Town, services: Services, unlimited: Database) -> None:
    town.world.session(town.near, capacity=3)
    worker, booking = town.books("Ani")
    session_changes.cancel(services.database, town.morning, CLERK, services.clock.now())
    with services.database.transaction() as connection:
        connection.execute(
            "UPDATE booking SET state = 'cancelled', ended_at = %s WHERE id = %s", (town.world.now, booking)
        )
        connection.execute("UPDATE vaccination_session SET taken = taken - 1 WHERE id = %s", (town.morning,))
    assert not moving.move(unlimited, services.terms, TEXTS, booking, services.clock.now())
    assert town.world.messages(str(worker.phone)) == []
    _holds(services)


def test_a_cancelled_session_stays_so(town: Town, services: Services, clock: MovableClock) -> None:
    database, now = services.database, clock.now
    assert session_changes.cancel(database, town.morning, CLERK, now) is Change.DONE
    assert session_changes.cancel(database, town.morning, CLERK, now) is Change.SAME
    assert session_changes.set_open(database, town.morning, True, CLERK, now) is Change.CANCELLED
    assert session_changes.set_capacity(database, town.morning, 50, CLERK, now) is Change.CANCELLED
    late = town.world.session(town.near)
    assert session_changes.cancel(database, late, CLERK, now + timedelta(days=3)) is Change.OVER


def test_sessions_of_another_area_are_not_there(sign_in: SignIn, town: Town) -> None:
    far: int = town.world.database.value("SELECT id FROM vaccination_session WHERE facility_id = %s", (town.far,))
    for officer in (sign_in(Role.FACILITY, "F-OWN"), sign_in(Role.DISTRICT, "3273")):
        assert officer.opens("/admin/sessions/", facility=str(town.far)).status_code == 404
        assert officer.opens(f"/admin/sessions/{far}").status_code == 404
        for what in ("open", "close", "capacity", "cancel"):
            assert officer.sends(f"/admin/sessions/{far}/{what}", {"capacity": 5}).status_code == 404
        assert officer.sends("/admin/sessions/add", {"facility": town.far}).status_code == 404
    assert sign_in(Role.DISTRICT, "3273", name="cici").opens("/admin/sessions/", district="7371").status_code == 404
    assert town.world.database.value("SELECT cancelled_at FROM vaccination_session WHERE id = %s", (far,)) is None
    # the call centre looks, and changes nothing
    caller = sign_in(Role.CALL_CENTRE)
    assert "Close for booking" not in caller.reads(f"/admin/sessions/{far}")
    assert caller.sends(f"/admin/sessions/{far}/close").status_code == 403


@pytest.mark.parametrize("language", ["id", "en"])
def test_what_they_are_told_is_one_sms_on_every_phone(language: str) -> None:
    for names in NAMES:
        slot = Slot(1, 1, names.facility, date(2021, 11, 28), time(8), time(10), OFFSET, None)
        for text in (TEXTS.moved(slot, language).replace("{code}", "W7XQ3M"), TEXTS.no_place(slot, language)):
            assert is_gsm7(text)
            assert septets(text) <= 160, text
