"""Who may do what: wrong answers, locks, strange numbers, shared phones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from bot.registration import claims
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.world import World

PhoneOf = Callable[[str], Phone]
STRANGE = "+6285700000001"


def test_the_fifth_wrong_birth_date_locks_the_phone_for_an_hour(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials()
    for left in (4, 3, 2, 1):
        phone.types("01011990").is_asked().sees(f"Sisa {left} kali")
    phone.types("01011990").is_hung_up_on().sees("Terlalu banyak jawaban salah", "10.00 WIB")

    phone.dials().is_hung_up_on().sees("Terlalu banyak jawaban salah")
    clock.passes(minutes=61)
    phone.dials().types("17081985").sees("Siti Wulandari")
    assert world.database.value("SELECT count(*) FROM audit WHERE action = 'identity.lock'") == 1


def test_what_is_no_date_is_asked_again_and_not_counted(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials()
    for nonsense in ("halo", "", "*", "#", "31021985", "9999999999999999999", "😀"):
        phone.types(nonsense).is_asked().sees("17 Agustus 1985")
    assert world.database.value("SELECT count(*) FROM identity_guard") == 0
    phone.types("17-8-85").sees("Siti Wulandari")


def test_a_wrong_answer_that_the_gateway_sends_twice_counts_once(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types("01011990").sees("Sisa 4 kali")
    phone.repeats().sees("Sisa 4 kali")
    phone.types("02011990").sees("Sisa 3 kali")


def test_a_strange_number_registers_with_nik_and_birth_date(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(STRANGE).dials().is_asked().sees("NIK")
    phone.types("3273O1ABC").is_asked().sees("16 angka")
    phone.types(siti.nik).is_asked().sees("tanggal lahir").does_not_see("Siti")
    phone.types(siti.typed_birth_date).is_asked().sees("Siti Wulandari")
    phone.types("1").types("1").types("1").is_hung_up_on().sees("Terdaftar")
    assert world.booking(siti) is not None
    # the roster's number is told, with the strange one masked, and can object
    [notice] = world.messages(siti.phone)
    assert "TOLAK" in notice
    assert STRANGE not in notice
    # whoever booked may come back to this booking
    phone.dials().types(siti.nik).types(siti.typed_birth_date).sees("Puskesmas Melati", "Tiket")


def test_a_strange_number_cannot_see_change_or_cancel_an_earlier_booking(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone_of(siti.phone).registers(siti.typed_birth_date).sees("Terdaftar")
    before = world.booking(siti)

    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date)
    stranger.is_hung_up_on().sees("24 jam").does_not_see("Melati", "Siti")
    for keyword in ("BATAL", "TIKET"):
        stranger.texts(keyword)
    stranger.texts(siti.nik)
    stranger.texts(siti.typed_birth_date)
    assert world.booking(siti) == before
    assert before is not None
    assert before[1] is not None
    assert not any(before[1] in body for body in world.messages(STRANGE))
    assert len([body for body in world.messages(siti.phone) if "TOLAK" in body]) == 1


def test_after_a_day_of_silence_the_strange_number_becomes_the_workers(
    world: World, phone_of: PhoneOf, clock: MovableClock
) -> None:
    place = world.facility()
    world.session(place, day=date(2021, 1, 20))
    siti = world.worker(place)
    assert siti.phone is not None
    phone_of(siti.phone).registers(siti.typed_birth_date)
    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).is_hung_up_on()
    clock.passes(hours=25)
    # a notice that no gateway took has told nobody
    stranger.dials().types(siti.nik).types(siti.typed_birth_date).is_hung_up_on()
    world.database.rows("UPDATE message SET state = 'accepted', settled_at = %s WHERE kind = 'claim'", (clock.now,))
    clock.passes(hours=23)
    stranger.dials().types(siti.nik).types(siti.typed_birth_date).is_hung_up_on()
    clock.passes(hours=2)
    stranger.dials().types(siti.nik).types(siti.typed_birth_date).is_asked().sees("Puskesmas Melati", "Tiket")
    assert world.database.value("SELECT phone FROM worker WHERE id = %s", (siti.id,)) == STRANGE


def test_tolak_shuts_the_strange_number_out_for_good(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    place = world.facility()
    world.session(place, day=date(2021, 1, 20))
    siti = world.worker(place)
    assert siti.phone is not None
    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).types("1").types("1")
    stranger.sees("1 Ambil")
    own = phone_of(siti.phone)
    assert own.texts("Tolak!") == 200
    assert "Terima kasih" in world.messages(siti.phone)[-1]
    # in the middle of the conversation
    stranger.types("1").is_hung_up_on().does_not_see("Terdaftar")
    clock.passes(hours=48)
    stranger.dials().types(siti.nik).types(siti.typed_birth_date).is_hung_up_on()
    assert world.booking(siti) is None
    own.texts("TOLAK")
    assert "Tidak ada yang perlu ditolak" in world.messages(siti.phone)[-1]


def test_after_tolak_the_strange_number_cannot_defer_the_worker_either(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).types("1").types("2")
    phone_of(siti.phone).texts("TOLAK")
    stranger.types("1").is_hung_up_on().does_not_see("ditunda")
    assert world.database.value("SELECT count(*) FROM screening") == 0


def test_after_tolak_the_strange_number_cannot_lift_a_deferral(world: World, phone_of: PhoneOf) -> None:
    """Found beside what any sequence found: the screening was written down before the number was looked at."""
    siti = world.worker(world.facility())
    assert siti.phone is not None
    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).types("1")
    phone_of(siti.phone).texts("TOLAK")
    stranger.types("1").is_hung_up_on()
    assert world.database.value("SELECT count(*) FROM screening") == 0
    assert world.database.value("SELECT confirmed_at FROM worker WHERE id = %s", (siti.id,)) is None


def test_a_strange_number_does_not_see_what_is_booked_while_it_talks(world: World, phone_of: PhoneOf) -> None:
    """Found by any sequence: who had come as far as the screening was shown the ticket."""
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).types("1").sees("hamil")
    phone_of(siti.phone).registers(siti.typed_birth_date).sees("Terdaftar")
    stranger.types("1").is_hung_up_on().sees("24 jam").does_not_see("Melati", "Tiket")


def test_of_two_numbers_that_take_one_hold_only_the_first_sees_the_ticket(world: World, phone_of: PhoneOf) -> None:
    """Found by any sequence: a worker's hold is one, whoever speaks for them."""
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    others = [
        phone_of(number).dials().types(siti.nik).types(siti.typed_birth_date)
        for number in (STRANGE, STRANGE[:-1] + "2")
    ]
    others[0].types("1").types("1").sees("1 Ambil")
    others[1].types("1").types("1").sees("1 Ambil")
    others[1].types("1").sees("Terdaftar")
    others[0].types("1").is_hung_up_on().sees("24 jam").does_not_see("Melati", "Tiket")


def test_strangers_never_lock_the_rosters_own_number(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    for number in range(3):
        stranger = phone_of(f"+628570000010{number}").dials().types(siti.nik)
        for _ in range(5):
            if stranger.goes_on:
                stranger.types("01011990")
        stranger.is_hung_up_on().sees("Terlalu banyak jawaban salah")
    # the NIK is locked for every strange number now, the worker's own goes on
    late = phone_of("+6285700000200").dials().types(siti.nik).types(siti.typed_birth_date)
    late.is_hung_up_on().sees("Terlalu banyak jawaban salah")
    phone_of(siti.phone).registers(siti.typed_birth_date).sees("Terdaftar")


@pytest.mark.parametrize("tries", [1, 5])
def test_an_unlisted_nik_looks_like_a_listed_one_with_a_wrong_birth_date(
    world: World, phone_of: PhoneOf, tries: int
) -> None:
    siti = world.worker(world.facility())
    unlisted = siti.nik[:-4] + "9876"
    seen = []
    for number, nik in ((1, siti.nik), (2, unlisted)):
        phone = phone_of(f"+628570000030{number}").dials().types(nik)
        for _ in range(tries):
            phone.types("01011990")
        # whoever tries it from elsewhere next
        other = phone_of(f"+628570000031{number}").dials().types(nik).types("01011990")
        seen.append([*phone.screens, *other.screens])
    assert seen[0] == seen[1]


def test_somebody_who_is_not_on_the_list_leaves_an_enquiry(world: World, phone_of: PhoneOf, services: Services) -> None:
    world.worker(world.facility())
    nik = "3273011708850042"
    phone = phone_of(STRANGE).dials().types(nik).types("17081985").is_asked()
    phone.types("2").is_hung_up_on().sees("kami catat", "Dinas Kesehatan")
    row = world.database.row("SELECT phone, nik_sealed, district_code FROM enquiry")
    assert row is not None
    assert (row[0], services.vault.open(bytes(row[1]), "nik"), row[2]) == (STRANGE, nik, "3273")


def test_a_worker_without_a_phone_registers_and_keeps_the_number(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place, phone=None)
    phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).types("1").types("1").types("1").sees(
        "Terdaftar"
    )
    assert world.database.value("SELECT phone FROM worker WHERE id = %s", (siti.id,)) == STRANGE
    phone_of(STRANGE).dials().sees("S*** W***")


def test_the_birth_date_selects_on_a_shared_phone(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    wife = world.worker(place, name="Dewi Lestari", birth_date=date(1986, 3, 2))
    husband = world.worker(place, name="Agus Santoso", birth_date=date(1984, 5, 9), phone=wife.phone, sex="M")
    assert wife.phone is not None
    phone = phone_of(wife.phone)
    phone.dials().does_not_see("D***", "A***").types(husband.typed_birth_date).sees("Agus Santoso")
    phone.types("1").types("1").types("1").sees("Terdaftar")
    phone.dials().types(wife.typed_birth_date).sees("Dewi Lestari")
    phone.types("1").types("1").types("1").sees("Terdaftar")
    assert world.booking(wife) is not None
    assert world.booking(husband) is not None


def test_the_nik_decides_where_the_birth_date_does_not(world: World, phone_of: PhoneOf) -> None:
    place = world.facility()
    world.session(place)
    one = world.worker(place, name="Dewi Lestari")
    two = world.worker(place, name="Sri Rahayu", phone=one.phone)
    assert one.phone is not None
    phone = phone_of(one.phone).dials().types("17081985").sees("NIK")
    phone.types(two.nik).types("17081985").sees("Sri Rahayu").types("1").types("1").types("1").sees("Terdaftar")
    assert world.booking(two) is not None
    assert world.booking(one) is None
    assert world.messages(one.phone, "claim") == []


def test_not_me_ends_and_is_recorded(world: World, phone_of: PhoneOf) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone_of(siti.phone).dials().types("17081985").types("3").is_hung_up_on()
    assert world.database.value("SELECT phone FROM not_me_report WHERE worker_id = %s", (siti.id,)) == siti.phone


@pytest.mark.parametrize(
    ("birth", "fits"),
    [(date(2003, 1, 14), True), (date(2003, 6, 1), False), (date(1961, 1, 15), True), (date(1961, 1, 13), False)],
)
def test_ages_outside_the_limits_are_told(world: World, phone_of: PhoneOf, birth: date, fits: bool) -> None:
    place = world.facility()
    world.session(place, day=date(2021, 1, 14))
    siti = world.worker(place, birth_date=birth)
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types(siti.typed_birth_date)
    if fits:
        phone.types("1").types("1").sees("1 Ambil")
    else:
        phone.is_hung_up_on().sees("18-59")


def test_conversations_keep_neither_nik_nor_birth_date_in_the_clear(
    world: World, phone_of: PhoneOf, services: Services
) -> None:
    siti = world.worker(world.facility())
    phone = phone_of(STRANGE).dials().types(siti.nik).types("01011990")
    kept = services.conversations.get(f"conv:{{{STRANGE}}}")
    assert isinstance(kept, bytes)
    assert siti.nik.encode() not in kept
    assert b"01011990" not in kept
    assert b"1990-01-01" not in kept
    phone.types("1").types(siti.nik).types(siti.typed_birth_date)
    kept = services.conversations.get(f"conv:{{{STRANGE}}}")
    assert isinstance(kept, bytes)
    assert siti.nik.encode() not in kept
    assert b"1985-08-17" not in kept


def test_a_lock_is_over_exactly_when_it_says(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials()
    for _ in range(5):
        phone.types("01011990")
    clock.set(clock.now + timedelta(minutes=59, seconds=59))
    phone.dials().is_hung_up_on()
    clock.passes(seconds=1)
    phone.dials().is_asked()


@pytest.mark.parametrize("approve", [True, False])
def test_an_officer_may_decide_at_once(world: World, phone_of: PhoneOf, clock: MovableClock, approve: bool) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone_of(siti.phone).registers(siti.typed_birth_date)
    stranger = phone_of(STRANGE).dials().types(siti.nik).types(siti.typed_birth_date).is_hung_up_on()
    [claim] = claims.open_claims(world.database)
    assert (claim.worker, claim.phone, claim.roster_phone) == (siti.name, STRANGE, siti.phone)
    assert claims.decide(world.database, claim.id, approve=approve, now=clock.now, actor="test")
    assert not claims.decide(world.database, claim.id, approve=not approve, now=clock.now, actor="test")
    assert claims.open_claims(world.database) == []
    stranger.dials().types(siti.nik).types(siti.typed_birth_date)
    if approve:
        stranger.is_asked().sees("Tiket")
    else:
        stranger.is_hung_up_on().does_not_see("Tiket")
    action = "claim.accept" if approve else "claim.reject"
    assert world.database.value("SELECT actor FROM audit WHERE action = %s", (action,)) == "test"
