"""Offers, other places and times, change, cancel, the end of registration."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta

from bot.invariants import check
from bot.registration import closing, taking
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.world import Worker, World

PhoneOf = Callable[[str], Phone]


def _nothing_broken(services: Services) -> None:
    assert [f.invariant.name for f in check(services.database, services.clock.now()) if f.count] == []


def _on_offer(phone_of: PhoneOf, worker: Worker) -> Phone:
    assert worker.phone is not None
    return phone_of(worker.phone).dials().types(worker.typed_birth_date).types("1").types("1")


def test_sixty_four_race_for_fifty_places(world: World, phone_of: PhoneOf, services: Services) -> None:
    place, other = world.facility(), world.facility("Puskesmas Kenanga")
    session = world.session(place, capacity=50)
    elsewhere = world.session(other, capacity=50)
    workers = [world.worker(place) for _ in range(64)]

    def register(worker: Worker) -> str:
        assert worker.phone is not None
        return phone_of(worker.phone).registers(worker.typed_birth_date).screen

    with ThreadPoolExecutor(8) as pool:
        screens = list(pool.map(register, workers))
    assert all("Terdaftar" in screen for screen in screens)
    assert (world.taken(session), world.taken(elsewhere)) == (50, 14)
    _nothing_broken(services)


def test_a_rush_leaves_the_facility_only_when_it_is_full(world: World, phone_of: PhoneOf, services: Services) -> None:
    place, other = world.facility(), world.facility("Puskesmas Kenanga")
    own = [world.session(place, capacity=20, start=time(hour), end=time(hour + 1)) for hour in (8, 9)]
    elsewhere = world.session(other, capacity=50)
    workers = [world.worker(place) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda worker: _on_offer(phone_of, worker).types("1").sees("Terdaftar"), workers))
    assert [world.taken(session) for session in own] == [20, 20]
    assert world.taken(elsewhere) == 0
    _nothing_broken(services)


def test_a_place_lost_between_offer_and_acceptance_is_replaced_by_the_next(
    world: World, phone_of: PhoneOf, clock: MovableClock, services: Services
) -> None:
    place = world.facility()
    first = world.session(place, capacity=1)
    second = world.session(place, capacity=1, start=time(10), end=time(12))
    siti, dewi = world.worker(place), world.worker(place, name="Dewi Lestari")
    slow = _on_offer(phone_of, siti).sees("08.00-10.00")
    clock.passes(minutes=6)
    _on_offer(phone_of, dewi).types("1").sees("08.00-10.00")
    slow.types("1").is_asked().sees("aru saja penuh", "10.00-12.00").types("1").is_hung_up_on().sees("Terdaftar")
    assert (world.taken(first), world.taken(second)) == (1, 1)
    _nothing_broken(services)


def test_an_expired_hold_that_nobody_wanted_is_still_ones_own(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    place = world.facility()
    session = world.session(place)
    slow = _on_offer(phone_of, world.worker(place))
    clock.passes(minutes=6)
    slow.types("1").is_asked().sees("08.00-10.00").types("1").sees("Terdaftar")
    assert world.taken(session) == 1


def test_the_sweep_lets_expired_holds_go(
    world: World, phone_of: PhoneOf, clock: MovableClock, services: Services
) -> None:
    place = world.facility()
    session = world.session(place)
    _on_offer(phone_of, world.worker(place))
    assert taking.sweep_expired(services.database, clock.now) == 0
    assert world.taken(session) == 1
    clock.passes(minutes=6)
    assert taking.sweep_expired(services.database, clock.now) == 1
    assert world.taken(session) == 0
    _nothing_broken(services)


def test_another_place_costs_three_more_screens(world: World, phone_of: PhoneOf) -> None:
    place, other = world.facility(), world.facility("Puskesmas Kenanga")
    world.session(place)
    wanted = world.session(other, start=time(13), end=time(15))
    siti = world.worker(place)
    phone = _on_offer(phone_of, siti).types("2").sees("1 Puskesmas Melati", "2 Puskesmas Kenanga")
    phone.types("2").sees("Kam 14 Jan 13.00-15.00 (10)").types("1").sees("Puskesmas Kenanga", "1 Ambil")
    phone.types("1").sees("Terdaftar: Puskesmas Kenanga")
    booked = world.booking(siti)
    assert booked is not None
    assert booked[2] == wanted


def test_long_lists_are_paged_and_searched(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    for number in range(12):
        world.session(world.facility(f"Puskesmas Cempaka {number + 1:02d}"))
    siti = world.worker(place)
    phone = _on_offer(phone_of, siti).types("2").sees("1 Puskesmas Melati", "9 Lainnya", "0 Kembali")
    first = phone.screen
    phone.types("9").does_not_see("Melati").sees("Cempaka").types("0")
    assert phone.screen == first
    phone.types("8").sees("Ketik sebagian").types("cempaka 12").sees("1 Puskesmas Cempaka 12").does_not_see("2 Pus")
    phone.types("1").types("1").types("1").sees("Terdaftar: Puskesmas Cempaka 12")


def test_every_place_can_be_reached_by_paging(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    names = {f"Puskesmas Cempaka Nomor {number:02d}" for number in range(12)}
    for name in names:
        world.session(world.facility(name))
    world.session(place)
    phone = _on_offer(phone_of, world.worker(place)).types("2")
    seen = phone.screen
    while "9 Lainnya" in phone.screen:
        seen += phone.types("9").screen
    assert all(name in seen for name in names)


def test_a_facility_without_sessions_offers_the_districts_nearest(world: World, phone_of: PhoneOf) -> None:
    place, other = world.facility(), world.facility("Puskesmas Kenanga")
    world.session(other)
    _on_offer(phone_of, world.worker(place)).sees("Puskesmas Kenanga").types("1").sees("Terdaftar")


def test_no_place_at_all_is_told_kindly(world: World, phone_of: PhoneOf) -> None:
    _on_offer(phone_of, world.worker(world.facility())).is_hung_up_on().sees("sedang penuh", "119")


def test_change_secures_the_new_place_before_the_old_is_given_up(
    world: World, phone_of: PhoneOf, services: Services
) -> None:
    place = world.facility()
    old = world.session(place)
    new = world.session(place, start=time(13), end=time(15))
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).registers(siti.typed_birth_date)
    phone.dials().types(siti.typed_birth_date).sees("Tiket", "1 Ubah", "2 Batal").types("1")
    phone.sees("08.00-10.00", "13.00-15.00").types("2").sees("13.00-15.00")
    assert (world.taken(old), world.taken(new)) == (1, 1)
    phone.types("1").is_hung_up_on().sees("Terdaftar", "13.00-15.00")
    assert (world.taken(old), world.taken(new)) == (0, 1)
    assert len(world.messages(siti.phone, "ticket")) == 2
    _nothing_broken(services)


def test_a_change_that_is_dropped_keeps_the_old_place(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    place = world.facility()
    old = world.session(place)
    world.session(place, start=time(13), end=time(15))
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).registers(siti.typed_birth_date)
    phone.dials().types(siti.typed_birth_date).types("1").types("2").sees("0 Tetap jadwal lama")
    phone.types("0").sees("08.00-10.00", "Tiket")
    booked = world.booking(siti)
    assert booked is not None
    assert booked[2] == old


def test_cancel_asks_first_and_gives_the_place_back(world: World, phone_of: PhoneOf, services: Services) -> None:
    place = world.facility()
    session = world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).registers(siti.typed_birth_date)
    phone.dials().types(siti.typed_birth_date).types("2").sees("Batalkan").types("2").sees("Tiket")
    assert world.taken(session) == 1
    phone.dials().types(siti.typed_birth_date).types("2").types("1").is_hung_up_on().sees("dibatalkan")
    assert world.taken(session) == 0
    phone.dials().types(siti.typed_birth_date).sees("1 Ambil").types("1").sees("Terdaftar")
    _nothing_broken(services)


def test_the_ticket_is_sent_again_once_per_request(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).registers(siti.typed_birth_date)
    phone.dials().types(siti.typed_birth_date).types("3").is_hung_up_on().sees("SMS sedang dikirim")
    phone.repeats()
    assert len(world.messages(siti.phone, "ticket")) == 2
    assert len(set(world.messages(siti.phone, "ticket"))) == 1


def test_screened_out_with_advice_and_asked_again_later(world: World, phone_of: PhoneOf, services: Services) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = (
        phone_of(siti.phone).dials().types(siti.typed_birth_date).types("1").types("2").sees("1 Hamil", "5 Diabetes")
    )
    phone.types("4").is_hung_up_on().sees("ditunda")
    row = world.database.row("SELECT outcome, answer_sealed FROM screening WHERE worker_id = %s", (siti.id,))
    assert row is not None
    assert row[0] == "deferred"
    assert b"hypertension" not in bytes(row[1])
    assert services.vault.open(bytes(row[1]), "screening") == "hypertension"
    phone.dials().types(siti.typed_birth_date).sees("ditunda").types("1").types("1").sees("1 Ambil")
    phone.types("1").sees("Terdaftar")


def test_another_district_moves_the_offer_there(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    world.district("3578", "Kota Surabaya")
    there = world.facility("Puskesmas Gubeng", "3578")
    world.session(there)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types(siti.typed_birth_date).types("2").sees("kab/kota mana")
    phone.types("atlantis").sees("Tidak ada kab/kota").types("1").types("suraba").sees("1 Kota Surabaya")
    phone.types("1").types("1").sees("Puskesmas Gubeng").types("1").sees("Terdaftar: Puskesmas Gubeng")


def test_times_are_told_in_the_districts_own_zone(world: World, phone_of: PhoneOf) -> None:
    world.district("9171", "Kota Jayapura", "Asia/Jayapura")
    place = world.facility("Puskesmas Abepura", "9171")
    world.session(place, zone="Asia/Jayapura")
    siti = world.worker(place, district="9171")
    _on_offer(phone_of, siti).sees("08.00-10.00 WIT")


class TestTheEnd:
    def test_new_callers_are_told_and_the_booked_see_their_ticket(
        self, world: World, phone_of: PhoneOf, services: Services, clock: MovableClock
    ) -> None:
        place = world.facility()
        world.session(place)
        siti, late = world.worker(place), world.worker(place, name="Agus Santoso", sex="M")
        assert siti.phone is not None
        assert late.phone is not None
        phone_of(siti.phone).registers(siti.typed_birth_date)
        closing.close_at(services.database, clock.now, now=clock.now, actor="test")
        phone_of(late.phone).dials().is_hung_up_on().sees("sudah ditutup", "119")
        phone_of("+6285700000001").dials().is_hung_up_on().sees("sudah ditutup")
        phone_of(siti.phone).dials().types(siti.typed_birth_date).sees("Tiket").does_not_see("1 Ubah")

    def test_open_sessions_may_finish_within_five_minutes(
        self, world: World, phone_of: PhoneOf, services: Services, clock: MovableClock
    ) -> None:
        place = world.facility()
        world.session(place)
        early, late = world.worker(place), world.worker(place, name="Agus Santoso", sex="M")
        one, other = _on_offer(phone_of, early), _on_offer(phone_of, late)
        clock.passes(seconds=30)
        closing.close_at(services.database, clock.now, now=clock.now, actor="test")
        clock.passes(minutes=4)
        one.types("1").sees("Terdaftar")
        clock.passes(minutes=1)
        other.types("1").is_hung_up_on().sees("sudah ditutup")
        assert world.booking(late) is None
        _nothing_broken(services)

    def test_it_can_be_moved_while_running_and_is_audited(
        self, world: World, phone_of: PhoneOf, services: Services, clock: MovableClock
    ) -> None:
        siti = world.worker(world.facility())
        assert siti.phone is not None
        closing.close_at(services.database, clock.now - timedelta(hours=1), now=clock.now, actor="test")
        phone_of(siti.phone).dials().is_hung_up_on()
        closing.close_at(services.database, clock.now + timedelta(hours=1), now=clock.now, actor="test")
        phone_of(siti.phone).dials().is_asked()
        assert world.database.value("SELECT count(*) FROM audit WHERE action = 'registration.close-at'") == 2


def test_a_session_that_has_begun_is_not_offered(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    place = world.facility()
    world.session(place, day=date(2021, 1, 13), start=time(8), end=time(10))
    world.session(place, day=date(2021, 1, 13), start=time(14), end=time(16))
    _on_offer(phone_of, world.worker(place)).sees("14.00-16.00")
