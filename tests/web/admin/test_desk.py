"""A facility's desk: the day's list, who stands before it, marks and taking them back."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pytest

from bot import invariants
from bot.officers.accounts import Role
from bot.registration import attendance
from bot.registration.attendance import Mark, Marking
from bot.registration.day_list import meant_ticket
from bot.registration.officer import Officer as Clerk
from bot.registration.officer import Reach
from bot.registration.tickets import new_ticket
from bot.services import Services
from tests.web.admin.conftest import MovableClock, SignIn
from tests.world import Worker, World

DAY = date(2021, 1, 14)
#: 08.30 WIB on the day.
AT_THE_DESK = datetime(2021, 1, 14, 1, 30, tzinfo=UTC)
CLERK = Clerk("rina", Reach())


@dataclass
class Town:
    """A facility with a morning session, and one in another district."""

    world: World
    own: int
    other: int
    morning: int
    elsewhere: int

    def books(self, name: str, session: int | None = None) -> tuple[Worker, int, str]:
        """Somebody with a place: (worker, booking, ticket)."""
        session = session or self.morning
        worker = self.world.worker(self.own, name=name)
        ticket = new_ticket()
        booking: int = self.world.database.value(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
            "VALUES (%s, %s, 'booked', %s, %s, %s) RETURNING id",
            (worker.id, session, ticket, self.world.now, self.world.now),
        )
        self.world.database.rows("UPDATE vaccination_session SET taken = taken + 1 WHERE id = %s", (session,))
        self.world.database.rows(
            "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', %s)",
            (worker.id, self.world.now),
        )
        return worker, booking, ticket

    def state(self, booking: int) -> str:
        return str(self.world.database.value("SELECT state FROM booking WHERE id = %s", (booking,)))

    def audited(self, action: str) -> int:
        return int(self.world.database.value("SELECT count(*) FROM audit WHERE action = %s", (action,)))


@pytest.fixture
def town(world: World, clock: MovableClock) -> Town:
    world.district("7371", "Kota Makassar", "Asia/Makassar")
    own, other = world.facility(code="F-OWN"), world.facility("Puskesmas Bara", "7371", code="F-FAR")
    made = Town(world, own, other, world.session(own), world.session(other, zone="Asia/Makassar"))
    clock.set(AT_THE_DESK)
    return made


def _holds(services: Services) -> None:
    broken = [found for found in invariants.check(services.database, services.clock.now()) if found.count]
    assert broken == []


def test_staff_open_their_own_day_and_check_somebody_in_twice_by_a_double_tap(
    sign_in: SignIn, town: Town, services: Services
) -> None:
    worker, booking, ticket = town.books("Siti Wulandari")
    rina = sign_in(Role.FACILITY, "F-OWN", name="rina")
    page = rina.reads("/admin/desk/")
    assert "Siti Wulandari" in page
    assert ticket in page
    assert worker.nik not in page
    assert f"************{worker.nik[-4:]}" in page
    for said in ("Noted: vaccinated.", "It was noted before"):
        answer = rina.sends(f"/admin/desk/bookings/{booking}/mark", {"what": "attended", "facility": town.own})
        assert answer.status_code == 302
        assert said in rina.reads("/admin/desk/")
    assert town.state(booking) == "attended"
    assert town.audited("desk.attended") == 1
    assert town.world.taken(town.morning) == 1
    _holds(services)


def test_a_ticket_may_be_typed_as_it_is_heard(sign_in: SignIn, town: Town) -> None:
    _, _, ticket = town.books("Siti Wulandari")
    rina = sign_in(Role.FACILITY, "F-OWN")
    sloppy = f" {ticket[:3].lower()} - {ticket[3:].lower()} "
    found = rina.sends(f"/admin/desk/{town.own}/find", {"typed": sloppy}).get_data(as_text=True)
    assert "Siti Wulandari" in found.partition("The day")[0]


def test_look_alikes_are_read_as_what_the_alphabet_has() -> None:
    ticket = next(code for code in iter(new_ticket, "") if "5" in code and "2" in code)
    assert meant_ticket(ticket.lower().replace("5", "s").replace("2", "z")) == ticket
    assert meant_ticket("NOBODY") is None


def test_people_are_found_by_nik_and_name_and_nik_never_stands_in_an_address(sign_in: SignIn, town: Town) -> None:
    worker, _, _ = town.books("Siti Wulandari")
    town.books("Budi Santoso")
    rina = sign_in(Role.FACILITY, "F-OWN")
    for typed in (worker.nik, "wulan"):
        found = rina.sends(f"/admin/desk/{town.own}/find", {"typed": typed}).get_data(as_text=True)
        before_list = found.partition("The day")[0]
        assert "Siti Wulandari" in before_list
        assert "Budi" not in before_list
        assert worker.nik not in found


def test_who_has_come_to_the_wrong_place_or_day_is_told(sign_in: SignIn, town: Town) -> None:
    later = town.world.session(town.own, day=date(2021, 1, 15))
    _, _, far_ticket = town.books("Andi Far", town.elsewhere)
    _, _, later_ticket = town.books("Lina Later", later)
    rina = sign_in(Role.FACILITY, "F-OWN")
    far = rina.sends(f"/admin/desk/{town.own}/find", {"typed": far_ticket}).get_data(as_text=True)
    assert "at another facility" in far
    assert "Andi Far" not in far
    assert "Puskesmas Bara" not in far
    wrong_day = rina.sends(f"/admin/desk/{town.own}/find", {"typed": later_ticket}).get_data(as_text=True)
    assert "Booked for another day: Fri 15 Jan" in wrong_day
    evening = town.world.session(town.own, start=time(18), end=time(20))
    _, _, evening_ticket = town.books("Eva Evening", evening)
    too_early = rina.sends(f"/admin/desk/{town.own}/find", {"typed": evening_ticket}).get_data(as_text=True)
    assert "Booked for a later session: 18:00-20:00" in too_early
    # the ministry sees where it is
    seen = sign_in().sends(f"/admin/desk/{town.own}/find", {"typed": far_ticket}).get_data(as_text=True)
    assert "Booked at another facility: Puskesmas Bara." in seen


def test_a_ticket_that_was_replaced_is_recognised(sign_in: SignIn, town: Town) -> None:
    _, booking, ticket = town.books("Siti Wulandari")
    town.world.database.rows(
        "UPDATE booking SET state = 'changed', ended_at = %s WHERE id = %s", (AT_THE_DESK, booking)
    )
    town.world.database.rows("UPDATE vaccination_session SET taken = 0 WHERE id = %s", (town.morning,))
    found = sign_in(Role.FACILITY, "F-OWN").sends(f"/admin/desk/{town.own}/find", {"typed": ticket})
    assert "not good any more" in found.get_data(as_text=True)


def test_a_deferral_keeps_its_reason_sealed_gives_the_place_back_and_can_be_taken_back(
    sign_in: SignIn, town: Town, services: Services
) -> None:
    worker, booking, _ = town.books("Siti Wulandari")
    rina = sign_in(Role.FACILITY, "F-OWN")
    assert "High blood pressure" in rina.reads(f"/admin/desk/bookings/{booking}/defer")
    answer = rina.sends(f"/admin/desk/bookings/{booking}/defer", {"condition": "hypertension", "facility": town.own})
    assert answer.status_code == 302
    page = rina.reads("/admin/desk/")
    assert "deferred: 1" in page
    assert town.world.taken(town.morning) == 0
    outcome, sealed = town.world.database.rows(
        "SELECT outcome, answer_sealed FROM screening WHERE worker_id = %s", (worker.id,)
    )[0]
    assert outcome == "deferred"
    assert services.vault.open(bytes(sealed), "screening") == "hypertension"
    _holds(services)
    rina.sends(f"/admin/desk/bookings/{booking}/mark", {"what": "undo", "facility": town.own})
    assert town.state(booking) == "booked"
    assert town.world.taken(town.morning) == 1
    assert town.world.database.value("SELECT outcome FROM screening WHERE worker_id = %s", (worker.id,)) == "fit"
    _holds(services)


def test_a_deferral_needs_a_reason(sign_in: SignIn, town: Town) -> None:
    _, booking, _ = town.books("Siti Wulandari")
    sign_in(Role.FACILITY, "F-OWN").sends(f"/admin/desk/bookings/{booking}/defer", {"condition": "none"})
    assert town.state(booking) == "booked"


def test_a_mark_is_taken_back_on_its_day_only(town: Town, services: Services, clock: MovableClock) -> None:
    _, booking, _ = town.books("Siti Wulandari")
    database = services.database
    assert attendance.mark(database, booking, Mark.NO_SHOW, CLERK, clock.now) is Marking.DONE
    assert attendance.undo(database, booking, CLERK, clock.now) is Marking.DONE
    assert attendance.undo(database, booking, CLERK, clock.now) is Marking.ALREADY
    assert attendance.mark(database, booking, Mark.ATTENDED, CLERK, clock.now) is Marking.DONE
    assert attendance.mark(database, booking, Mark.NO_SHOW, CLERK, clock.now) is Marking.CHANGED
    clock.passes(hours=23)
    assert attendance.undo(database, booking, CLERK, clock.now) is Marking.TOO_LATE
    assert town.state(booking) == "attended"
    _holds(services)


def test_who_was_taken_for_missing_may_still_come_unless_they_booked_again(town: Town, services: Services) -> None:
    worker, booking, _ = town.books("Siti Wulandari")
    attendance.mark(services.database, booking, Mark.NO_SHOW, CLERK, AT_THE_DESK)
    assert attendance.mark(services.database, booking, Mark.ATTENDED, CLERK, AT_THE_DESK) is Marking.DONE
    attendance.undo(services.database, booking, CLERK, AT_THE_DESK)
    attendance.mark(services.database, booking, Mark.NO_SHOW, CLERK, AT_THE_DESK)
    later = town.world.session(town.own, day=date(2021, 1, 15))
    town.world.database.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at) VALUES (%s, %s, 'booked', %s, %s)",
        (worker.id, later, new_ticket(), AT_THE_DESK),
    )
    town.world.database.rows("UPDATE vaccination_session SET taken = 1 WHERE id = %s", (later,))
    for act in (
        attendance.mark(services.database, booking, Mark.ATTENDED, CLERK, AT_THE_DESK),
        attendance.undo(services.database, booking, CLERK, AT_THE_DESK),
    ):
        assert act is Marking.BOOKED_AGAIN
    _holds(services)


def test_nobody_is_marked_before_their_day(town: Town, services: Services) -> None:
    later = town.world.session(town.own, day=date(2021, 1, 15))
    _, booking, _ = town.books("Lina Later", later)
    assert attendance.mark(services.database, booking, Mark.ATTENDED, CLERK, AT_THE_DESK) is Marking.TOO_EARLY
    assert attendance.defer(services.database, services.vault, booking, "chronic", CLERK, AT_THE_DESK) is (
        Marking.TOO_EARLY
    )


def test_at_the_end_of_the_day_all_left_over_are_noted_with_one_confirmation(
    sign_in: SignIn, town: Town, services: Services, clock: MovableClock
) -> None:
    evening = town.world.session(town.own, start=time(18), end=time(20))
    came, missing, still_to_come = (town.books(name)[1] for name in ("A", "B", "C"))
    town.world.database.rows("UPDATE booking SET session_id = %s WHERE id = %s", (evening, still_to_come))
    town.world.database.rows("UPDATE vaccination_session SET taken = 2 WHERE id = %s", (town.morning,))
    town.world.database.rows("UPDATE vaccination_session SET taken = 1 WHERE id = %s", (evening,))
    attendance.mark(services.database, came, Mark.ATTENDED, CLERK, AT_THE_DESK)
    clock.passes(hours=2)
    rina = sign_in(Role.FACILITY, "F-OWN")
    assert "data-confirm" in rina.reads("/admin/desk/")
    for _again in range(2):
        rina.sends(f"/admin/desk/{town.own}/left-over", {"day": "2021-01-14"})
    assert [town.state(each) for each in (came, missing, still_to_come)] == ["attended", "no_show", "booked"]
    assert town.audited("desk.no_show") == 1
    _holds(services)


@pytest.mark.parametrize("second", [Mark.ATTENDED, Mark.NO_SHOW])
def test_two_desks_at_once_mark_once(town: Town, services: Services, second: Mark) -> None:
    _, booking, _ = town.books("Siti Wulandari")
    outcomes: list[Marking] = []
    ready = threading.Barrier(2)

    def taps(what: Mark) -> None:
        ready.wait()
        outcomes.append(attendance.mark(services.database, booking, what, CLERK, AT_THE_DESK))

    desks = [threading.Thread(target=taps, args=(what,)) for what in (Mark.ATTENDED, second)]
    for each in desks:
        each.start()
    for each in desks:
        each.join()
    assert outcomes.count(Marking.DONE) == (1 if second is Mark.ATTENDED or town.audited("desk.no_show") == 0 else 2)
    assert town.state(booking) == "attended"
    assert town.audited("desk.attended") == 1
    _holds(services)


def test_the_desk_of_another_area_is_not_there(sign_in: SignIn, town: Town) -> None:
    _, booking, _ = town.books("Andi Far", town.elsewhere)
    for officer in (sign_in(Role.FACILITY, "F-OWN"), sign_in(Role.DISTRICT, "3273")):
        assert officer.opens("/admin/desk/", facility=str(town.other)).status_code == 404
        assert officer.opens(f"/admin/desk/{town.other}/list.csv").status_code == 404
        assert officer.opens(f"/admin/desk/bookings/{booking}/defer").status_code == 404
        forms: list[tuple[str, dict[str, object]]] = [
            (f"/admin/desk/{town.other}/find", {"typed": "Andi"}),
            (f"/admin/desk/{town.other}/left-over", {}),
            (f"/admin/desk/bookings/{booking}/mark", {"what": "attended"}),
            (f"/admin/desk/bookings/{booking}/defer", {"condition": "chronic"}),
        ]
        for path, form in forms:
            assert officer.sends(path, form).status_code == 404, path
    assert town.state(booking) == "booked"
    cici = sign_in(Role.DISTRICT, "3273", name="cici")
    assert "Puskesmas Bara" not in cici.reads("/admin/desk/")


def test_the_list_as_csv_has_whole_niks_only_for_a_reason_that_is_kept(sign_in: SignIn, town: Town) -> None:
    worker, _, ticket = town.books("Siti Wulandari")
    cici = sign_in(Role.DISTRICT, "3273")
    masked = cici.reads(f"/admin/desk/{town.own}/list.csv", day="2021-01-14")
    assert masked.lstrip("\ufeff").startswith("ticket,name,nik,phone,start,end,dose,status")
    assert ticket in masked
    assert worker.nik not in masked
    refused = cici.sends(f"/admin/desk/{town.own}/list.csv", {"day": "2021-01-14", "reason": "x"})
    assert refused.status_code == 302
    whole = cici.sends(f"/admin/desk/{town.own}/list.csv", {"day": "2021-01-14", "reason": "for the vaccine registry"})
    assert worker.nik in whole.get_data(as_text=True)
    [detail] = town.world.database.rows("SELECT detail FROM audit WHERE action = 'bookings.export-with-nik'")
    assert detail[0] == {"date": "2021-01-14", "rows": 1, "reason": "for the vaccine registry"}


def test_an_empty_day_says_what_to_do(sign_in: SignIn, town: Town) -> None:
    assert "Nobody is expected on this day." in sign_in(Role.FACILITY, "F-OWN").reads("/admin/desk/", day="2021-02-01")
