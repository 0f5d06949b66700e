"""Booking for somebody: every rule holds that holds for themselves, but nobody has to prove who they are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta

import pytest

from bot.officers.accounts import Role
from bot.registration import closing, on_behalf
from bot.registration.acts import Ticketed
from bot.registration.officer import Officer as ActingOfficer
from bot.registration.officer import Reach
from bot.registration.on_behalf import Wish
from bot.services import Services
from bot.web.admin.person_booking import ticket_sms
from tests.journeys.conftest import phone_of, post
from tests.phones import Phone
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.web.admin.neighbours import Neighbours, is_told, neighbours, page_of
from tests.world import Worker, World

__all__ = ["phone_of", "post"]

PhoneOf = Callable[[str], Phone]


@pytest.fixture
def town(world: World) -> Neighbours:
    return neighbours(world)


@pytest.fixture
def district(sign_in: SignIn, town: Neighbours) -> Officer:
    return sign_in(Role.DISTRICT, "3273")


def books(
    officer: Officer, worker: Worker, session: int, condition: str | None = "none", instead_of: int | str = ""
) -> int:
    """The status of the answer."""
    form: dict[str, object] = {"session": session, "instead_of": instead_of}
    if condition is not None:
        form["condition"] = condition
    return officer.sends(f"{page_of(worker)}/book", form).status_code


def test_a_place_is_chosen_and_booked(district: Officer, town: Neighbours, world: World) -> None:
    page = district.reads(f"{page_of(town.here)}/book")
    assert "Puskesmas Melati" in page
    assert f'value="{town.session}"' in page
    assert "Ask: does any of these apply?" in page
    assert books(district, town.here, town.session) == 302
    ticket = town.ticket(town.here)
    is_told(district, town.here, "Booked.", ticket, f"by {district.name}")
    assert world.taken(town.session) == 1
    [sms] = world.messages(str(town.here.phone), "ticket")
    assert ticket in sms
    assert "Puskesmas Melati" in sms
    [(actor, subject, detail)] = town.audit("booking.book")
    assert (actor, subject) == (district.name, f"worker:{town.here.id}")
    assert detail == {"booking": town.booking_id(town.here), "session": town.session}
    town.all_is_well()


def test_a_double_click_books_once(district: Officer, town: Neighbours, world: World) -> None:
    for _click in range(2):
        books(district, town.here, town.session)
    assert world.taken(town.session) == 1
    assert len(world.messages(str(town.here.phone), "ticket")) == 1
    assert len(town.audit("booking.book")) == 1
    town.all_is_well()


def test_clicks_at_the_very_same_moment_book_once(town: Neighbours, world: World, services: Services) -> None:
    full = world.session(town.place, capacity=1, start=time(13), end=time(14))
    sms = ticket_sms(services)

    def click(worker: Worker, session: int) -> object:
        wish = Wish(worker.id, session, None, "none")
        officer = ActingOfficer("tests", Reach())
        return on_behalf.book(services.database, services.vault, services.terms, wish, officer, sms, world.now)

    rivals = [world.worker(town.place) for _ in range(3)]
    with ThreadPoolExecutor(4) as clicks:
        same = list(clicks.map(click, [town.here] * 6, [town.session] * 6))
        last = list(clicks.map(click, rivals, [full] * 3))
    assert {type(outcome) for outcome in same} == {Ticketed}
    assert world.taken(town.session) == 1
    assert sorted(type(outcome).__name__ for outcome in last) == ["SessionFull", "SessionFull", "Ticketed"]
    assert len(town.audit("booking.book")) == 2
    town.all_is_well()


def test_the_worker_may_go_on_with_it_by_phone(district: Officer, town: Neighbours, phone_of: PhoneOf) -> None:
    assert town.here.phone is not None
    books(district, town.here, town.session)
    phone = phone_of(town.here.phone).dials().types(town.here.typed_birth_date).sees(town.ticket(town.here))
    phone.types("2").types("1")
    assert town.world.booking(town.here) is None
    town.all_is_well()


def test_a_hold_of_the_worker_gives_way(district: Officer, town: Neighbours, world: World, phone_of: PhoneOf) -> None:
    assert town.here.phone is not None
    phone = phone_of(town.here.phone).dials().types(town.here.typed_birth_date).types("1").types("1")
    assert world.taken(town.session) == 1
    later = world.session(town.place, day=date(2021, 1, 15))
    books(district, town.here, later)
    assert (world.taken(town.session), world.taken(later)) == (0, 1)
    phone.types("1").sees(town.ticket(town.here))
    town.all_is_well()


class TestRules:
    def test_who_may_not_be_vaccinated_is_deferred(self, district: Officer, town: Neighbours, world: World) -> None:
        books(district, town.here, town.session, "diabetes")
        is_told(district, town.here, "the vaccination is deferred for their safety")
        assert world.booking(town.here) is None
        assert world.taken(town.session) == 0
        outcome, sealed = world.database.rows("SELECT outcome, answer_sealed FROM screening")[0]
        assert (outcome, world.vault.open(bytes(sealed), "screening")) == ("deferred", "diabetes")
        assert town.audit("screening.defer") == [(district.name, f"worker:{town.here.id}", {})]
        books(district, town.here, town.session, "none")
        assert world.booking(town.here) is not None
        town.all_is_well()

    @pytest.mark.parametrize("answer", [None, "rubbish"])
    def test_nothing_is_booked_before_the_question_is_answered(
        self, district: Officer, town: Neighbours, world: World, answer: str | None
    ) -> None:
        books(district, town.here, town.session, answer)
        assert "Ask about health first" in district.reads(f"{page_of(town.here)}/book")
        assert world.booking(town.here) is None

    def test_who_has_answered_is_not_asked_again(self, district: Officer, town: Neighbours, world: World) -> None:
        world.database.rows(
            "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', now())", (town.here.id,)
        )
        assert "does any of these apply" not in district.reads(f"{page_of(town.here)}/book")
        books(district, town.here, town.session, None)
        assert world.booking(town.here) is not None

    @pytest.mark.parametrize("birth_date", [date(1950, 1, 1), date(2010, 1, 1)])
    def test_age_limits_hold(self, district: Officer, town: Neighbours, world: World, birth_date: date) -> None:
        somebody = world.worker(town.place, birth_date=birth_date)
        assert "No place with room was found." in district.reads(f"{page_of(somebody)}/book")
        books(district, somebody, town.session)
        is_told(district, somebody, "By their age they cannot be vaccinated")
        assert world.taken(town.session) == 0

    def test_a_full_session_stays_full(self, district: Officer, town: Neighbours, world: World) -> None:
        only = world.session(town.place, capacity=1, start=time(13), end=time(14))
        books(district, world.worker(town.place), only)
        answer = district.sends(f"{page_of(town.here)}/book", {"session": only, "condition": "none", "facility": 1})
        assert "/book" in answer.location
        assert "That session has no place left." in district.reads(f"{page_of(town.here)}/book")
        assert world.booking(town.here) is None
        assert world.taken(only) == 1
        town.all_is_well()

    def test_a_session_that_has_begun_or_is_closed_takes_nobody(
        self, district: Officer, town: Neighbours, world: World, clock: MovableClock
    ) -> None:
        world.database.rows("UPDATE vaccination_session SET open = false WHERE id = %s", (town.session,))
        books(district, town.here, town.session)
        world.database.rows("UPDATE vaccination_session SET open = true")
        clock.set(clock.now + timedelta(days=1))
        district.signs_in(district.name)
        books(district, town.here, town.session)
        assert world.booking(town.here) is None
        assert world.taken(town.session) == 0

    def test_after_the_end_only_data_can_be_corrected(
        self, district: Officer, town: Neighbours, world: World, services: Services, clock: MovableClock
    ) -> None:
        booked = world.worker(town.place, name="Ayu Lestari")
        books(district, booked, town.session)
        closing.close_at(services.database, clock.now, now=clock.now, actor="tests")
        assert "Registration has ended." in district.reads(f"{page_of(town.here)}/book")
        books(district, town.here, town.session)
        is_told(district, town.here, "Registration has ended. Data can still be corrected")
        assert world.booking(town.here) is None
        assert world.database.value("SELECT count(*) FROM screening WHERE worker_id = %s", (town.here.id,)) == 0
        district.sends(f"{page_of(town.here)}/number", {"phone": "081311112222"})
        assert town.number(town.here) == "+6281311112222"
        district.sends(f"{page_of(booked)}/cancel", {"booking": town.booking_id(booked)})
        assert world.booking(booked) is None
        town.all_is_well()

    def test_only_where_the_officer_or_the_worker_is(
        self, district: Officer, sign_in: SignIn, town: Neighbours, world: World
    ) -> None:
        assert books(district, town.here, town.session_there) == 404
        there = district.reads(f"{page_of(town.here)}/book", place="kenanga")
        assert "Kenanga" not in there.replace("kenanga", "")
        shown = district.reads(f"{page_of(town.here)}/book", facility=str(town.place_there))
        assert f'value="{town.session_there}"' not in shown
        assert world.booking(town.here) is None
        national = sign_in()
        assert "Puskesmas Kenanga" in national.reads(f"{page_of(town.here)}/book", place="kenanga")
        assert books(national, town.here, town.session_there) == 302
        assert world.taken(town.session_there) == 1

    def test_who_was_vaccinated_gets_no_other_place(self, district: Officer, town: Neighbours, world: World) -> None:
        books(district, town.here, town.session)
        world.database.rows("UPDATE booking SET state = 'attended'")
        later = world.session(town.place, day=date(2021, 1, 15))
        books(district, town.here, later, instead_of=1)
        is_told(district, town.here, "There is another booking by now.")
        assert "This person has been vaccinated." in district.reads(f"{page_of(town.here)}/book")
        assert world.taken(later) == 0
        town.all_is_well()


def test_a_person_without_a_number_gets_a_place_and_no_sms(district: Officer, town: Neighbours, world: World) -> None:
    somebody = world.worker(town.place, name="Made Tanpa", phone=None)
    books(district, somebody, town.session)
    ticket = town.ticket(somebody)
    district.sends(f"{page_of(somebody)}/ticket", {"booking": town.booking_id(somebody), "once": "a-token-of-tests"})
    is_told(district, somebody, "There is no number to send it to.", ticket)
    assert world.database.value("SELECT count(*) FROM message") == 0
    assert world.database.value("SELECT phone FROM booking") is None
    town.all_is_well()


class TestChange:
    def test_the_new_place_is_taken_before_the_old_one_is_free(
        self, district: Officer, town: Neighbours, world: World
    ) -> None:
        books(district, town.here, town.session)
        first, later = town.booking_id(town.here), world.session(town.place, day=date(2021, 1, 15))
        assert "It stays until the new place is taken." in district.reads(f"{page_of(town.here)}/book")
        for _click in range(2):
            books(district, town.here, later, None, instead_of=first)
        assert (world.taken(town.session), world.taken(later)) == (0, 1)
        assert len(world.messages(str(town.here.phone), "ticket")) == 2
        [(actor, _, detail)] = town.audit("booking.change")
        assert actor == district.name
        assert detail["instead_of"] == first
        is_told(district, town.here, "changed for another", town.ticket(town.here))
        town.all_is_well()

    def test_a_full_one_leaves_the_old_one(self, district: Officer, town: Neighbours, world: World) -> None:
        books(district, town.here, town.session)
        full = world.session(town.place, capacity=1, start=time(13), end=time(14))
        books(district, world.worker(town.place), full)
        books(district, town.here, full, None, instead_of=town.booking_id(town.here))
        booking = world.booking(town.here)
        assert booking is not None
        assert booking[2] == town.session
        town.all_is_well()

    def test_what_was_changed_meanwhile_is_not_changed_again(
        self, district: Officer, town: Neighbours, world: World
    ) -> None:
        later = world.session(town.place, day=date(2021, 1, 15))
        books(district, town.here, town.session)
        books(district, town.here, later)
        is_told(district, town.here, "There is another booking by now.")
        district.sends(f"{page_of(town.here)}/cancel", {"booking": town.booking_id(town.here)})
        books(district, town.here, later, instead_of=999)
        is_told(district, town.here, "The booking has changed meanwhile.")
        assert (world.taken(town.session), world.taken(later)) == (0, 0)
        town.all_is_well()


def test_a_booking_is_cancelled_once_and_after_a_question(district: Officer, town: Neighbours, world: World) -> None:
    books(district, town.here, town.session)
    booking = town.booking_id(town.here)
    is_told(district, town.here, 'data-confirm="Cancel this booking?')
    for _click in range(2):
        district.sends(f"{page_of(town.here)}/cancel", {"booking": booking})
    is_told(district, town.here, "The booking has changed meanwhile.", f"by {district.name}")
    assert world.taken(town.session) == 0
    assert town.audit("booking.cancel") == [(district.name, f"worker:{town.here.id}", {"booking": booking})]
    town.all_is_well()


def test_the_ticket_is_sent_again_once_a_click(district: Officer, town: Neighbours, world: World) -> None:
    books(district, town.here, town.session)
    form: dict[str, object] = {"booking": town.booking_id(town.here), "once": "a-token-of-tests"}
    for _click in range(2):
        district.sends(f"{page_of(town.here)}/ticket", form)
    assert len(world.messages(str(town.here.phone), "ticket")) == 2
    district.sends(f"{page_of(town.here)}/ticket", {**form, "once": "another-token-of-tests"})
    assert len(world.messages(str(town.here.phone), "ticket")) == 3
    assert len(town.audit("ticket.send")) == 2
    assert district.sends(f"{page_of(town.here)}/ticket", {**form, "once": "x"}).status_code == 404
    town.all_is_well()


def test_a_facilitys_staff_book_nothing(sign_in: SignIn, town: Neighbours, world: World) -> None:
    code = world.database.value("SELECT code FROM facility WHERE id = %s", (town.place,))
    officer = sign_in(Role.FACILITY, code)
    assert books(officer, town.here, town.session) == 403
    assert world.booking(town.here) is None
