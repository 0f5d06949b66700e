"""Guessing at birth dates: every way around the locks that we could think of, and what it comes to."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from statistics import median

import pytest

from bot.registration import guards
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.world import Worker, World

PhoneOf = Callable[[str], Phone]
WRONG = "01011990"


def _guesses(phone: Phone, nik: str, typed: str) -> int:
    """Tries a NIK with a birth date; how many were tried: none where the phone is hung up on."""
    phone.dials()
    for answer in (nik, typed):
        if not _is_asked(phone):
            return 0
        phone.types(answer)
    return 1


def _is_asked(phone: Phone) -> bool:
    return phone.goes_on


def _locks_itself_out(phone: Phone) -> None:
    phone.dials()
    while phone.goes_on:
        phone.types(WRONG)


def test_each_further_lock_lasts_longer(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    for hours in (1, 4, 24, 24):
        _locks_itself_out(phone)
        clock.passes(hours=hours, seconds=-1)
        phone.dials().is_hung_up_on().sees("Terlalu banyak jawaban salah")
        clock.passes(seconds=1)
        phone.dials().is_asked()
    # what is a week old is forgiven
    clock.passes(days=8)
    _locks_itself_out(phone)
    clock.passes(hours=1)
    phone.dials().is_asked().types(siti.typed_birth_date).sees("Siti Wulandari")


def test_neither_redialling_nor_sms_in_between_gives_another_try(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    phone.dials().types("01011990").sees("Sisa 4 kali")
    phone.dials().types("02011990").sees("Sisa 3 kali")
    phone.texts("03011990")
    phone.dials().types("04011990").sees("Sisa 1 kali")
    phone.texts("05011990")
    assert "Terlalu banyak jawaban salah" in world.messages(siti.phone)[-1]
    phone.texts(siti.typed_birth_date)
    phone.texts("MULAI")
    assert all("Siti Wulandari" not in body for body in world.messages(siti.phone))
    phone.dials().is_hung_up_on()


def test_many_strange_phones_against_one_worker_have_five_tries_together(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    tries = sum(_guesses(phone_of(f"+62857{number:04d}0001"), siti.nik, WRONG) for number in range(20))
    assert tries == 20
    assert world.database.value("SELECT failures FROM identity_guard WHERE kind = 'nik'") == 5
    # the right one would not have helped any of them
    late = phone_of("+6285799990001").dials().types(siti.nik).types(siti.typed_birth_date)
    late.is_hung_up_on().sees("Terlalu banyak jawaban salah")


def test_one_phone_against_many_niks_has_five_tries(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    people = [world.worker(place) for _ in range(8)]
    phone = phone_of("+6285700000001").dials()
    for who in people:
        if phone.goes_on:
            phone.types(who.nik).types(WRONG)
        if phone.goes_on:
            phone.types("1")
    phone.dials().is_hung_up_on()
    assert world.database.value("SELECT count(*) FROM identity_guard WHERE kind = 'nik'") == 5


def test_a_shared_phone_does_not_win_tries_at_the_others_by_ones_own_birth_date(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    place = world.facility()
    own = world.worker(place, name="Dewi Lestari", birth_date=date(1986, 3, 2))
    world.worker(place, name="Agus Santoso", birth_date=date(1984, 5, 9), phone=own.phone, sex="M")
    assert own.phone is not None
    phone = phone_of(own.phone)
    for _ in range(2):
        phone.dials().types("01011984").types("02011984").sees("Sisa")
        if phone.goes_on:
            phone.types(own.typed_birth_date).sees("Dewi Lestari")
        clock.passes(minutes=16)
    phone.dials().types("05011984").is_hung_up_on().sees("Terlalu banyak jawaban salah")


def test_a_box_of_sim_cards_is_noticed_and_shut_out_as_a_whole(
    world: World, phone_of: PhoneOf, services: Services, clock: MovableClock
) -> None:
    siti = world.worker(world.facility())
    tries = 0
    for number in range(40):
        for serial in range(3):
            tries += _guesses(phone_of(f"+62857000{number:05d}"), f"3273015708851{number:02d}{serial}", "17081985")
    # 40 numbers of one block: the first answer of each counts for itself alone
    assert guards.MOST_WRONG_OF_BLOCK <= tries - 40 <= 80
    found = guards.guessing(services.database, clock.now)
    assert found.locked["block"] == 1
    assert found.looks_like_an_attack
    fresh = phone_of("+6285700009999").dials().types(siti.nik).types(siti.typed_birth_date)
    fresh.is_hung_up_on().sees("Terlalu banyak jawaban salah")
    # neighbours outside the block, and the roster's own number, go on
    phone_of("+6285700110001").dials().types(siti.nik).types(siti.typed_birth_date).is_asked().sees("Siti Wulandari")
    assert (
        world.database.value("SELECT count(*) FROM audit WHERE subject LIKE 'block:%%' AND action = 'identity.lock'")
        == 1
    )
    clock.passes(hours=1)
    assert not guards.guessing(services.database, clock.now).looks_like_an_attack
    phone_of("+6285700009998").dials().types(siti.nik).types(siti.typed_birth_date).is_asked()


def test_the_unlisted_who_try_once_lock_nobody_out(world: World, phone_of: PhoneOf, services: Services) -> None:
    for number in range(60):
        phone_of(f"+62857000{number:05d}").dials().types(f"32730157088512{number:02d}").types("17081985").types("2")
    assert world.database.value("SELECT count(*) FROM identity_guard WHERE kind = 'block'") == 0
    assert world.database.value("SELECT count(*) FROM enquiry") == 60
    assert guards.guessing(services.database, services.clock.now()).wrong_pairs == 60


def test_prometheus_is_told(world: World, phone_of: PhoneOf, services: Services) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    _locks_itself_out(phone_of(siti.phone))
    from bot import gauges
    from bot.metrics import render

    gauges.look(services)
    told = render().decode()
    assert 'balas_identity_locked{kind="phone"} 1.0' in told
    assert siti.phone not in told


@pytest.fixture
def hundred(world: World) -> list[Worker]:
    place = world.facility()
    return [world.worker(place) for _ in range(100)]


def test_a_strange_phone_learns_nothing_of_the_roster_from_words_or_time(
    world: World, phone_of: PhoneOf, hundred: list[Worker]
) -> None:
    """A listed NIK with a wrong birth date against an unlisted one: same words, and times that cannot be told apart.

    In turn, so that whatever else the machine does falls on both alike. What is compared is how often a time of the one
    is above a time of the other: one half where they are alike. With 100 of each its standard deviation is 0.04; one
    statement more on one side moves it to 0.9.
    """
    took: dict[bool, list[float]] = {True: [], False: []}
    words: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    for number, who in enumerate(hundred):
        order = (True, False) if number % 2 else (False, True)
        for listed in order:
            nik = who.nik if listed else f"{who.nik[:-4]}{9000 + number}"
            phone = phone_of(f"+62857{number:04d}{'1' if listed else '2'}001").dials().types(nik)
            started = time.perf_counter()
            phone.types(WRONG)
            took[listed].append(time.perf_counter() - started)
            words[listed].add(tuple(phone.screens))
    assert words[True] == words[False]
    assert len(words[True]) == 1
    above = sum(a > b for a in took[True] for b in took[False]) / (100 * 100)
    assert 0.25 < above < 0.75, (above, median(took[True]), median(took[False]))
