"""People who are not on the list: put on it once, or declined, and told; by whoever their district belongs to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date

import pytest

from bot.followup.enquiries import NewWorker, Office, Settled, approve, stated_birth_date
from bot.followup.enquiry_texts import APPROVED, DECLINED, Decline
from bot.officers.accounts import Role
from bot.officers.areas import Area
from bot.services import Services
from bot.text import is_gsm7, septets
from tests.journeys.conftest import phone_of, post
from tests.phones import Phone
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.world import MORNING, World

__all__ = ["phone_of", "post"]

#: A woman born on 17 August 1985, of Bandung; one of Surabaya; one of a district that nobody knows.
NIK, NIK_THERE, NIK_NOWHERE = "3273015708859001", "3578015708859002", "9999015708859003"
PHONE = "+628129990001"
CODES = {"ussd_code": "*119#", "short_code": "1199"}


@pytest.fixture
def place(world: World) -> int:
    world.district("3578", "Kota Surabaya")
    world.session(place := world.facility())
    return place


def asks(services: Services, nik: str = NIK, phone: str = PHONE) -> int:
    """Somebody leaves their data, as the conversation keeps them."""
    found: int = services.database.value(
        "INSERT INTO enquiry (phone, nik_hash, nik_sealed, district_code, created_at) "
        "VALUES (%s, %s, %s, (SELECT code FROM district WHERE code = %s), %s) RETURNING id",
        (phone, services.vault.hash(nik), services.vault.seal(nik, "nik"), nik[:4], MORNING),
    )
    return found


def outcome(services: Services, number: int) -> str | None:
    found: str | None = services.database.value("SELECT outcome FROM enquiry WHERE id = %s", (number,))
    return found


def approves(officer: Officer, number: int, place: int, **more: object) -> str:
    """Approve, and say what the next page tells."""
    form = {"name": "Ratna Dewi", "facility": place, "profession": "Bidan", **more}
    answer = officer.sends(f"/admin/follow-up/enquiries/{number}/approve", form)
    assert answer.status_code == 302
    return officer.reads(answer.location)


def test_who_was_not_on_the_list_asks_is_approved_and_registers(
    sign_in: SignIn,
    services: Services,
    world: World,
    place: int,
    clock: MovableClock,
    phone_of: Callable[[str], Phone],
) -> None:
    phone = phone_of(PHONE)
    phone.dials()
    phone.types(NIK)
    phone.types("17081985").is_asked()
    phone.types("2").sees("kami catat")
    [(number, sealed)] = services.database.rows("SELECT id, nik_sealed FROM enquiry")
    assert services.vault.open(bytes(sealed), "nik") == NIK
    cici = sign_in(Role.DISTRICT, "3273", name="cici")
    page = cici.reads("/admin/follow-up/enquiries/")
    assert f"************{NIK[-4:]}" in page
    assert NIK not in page
    assert PHONE in page
    assert "35" in page
    assert "Approved" in approves(cici, number, place)
    [told] = world.messages(PHONE, "enquiry")
    assert "*119#" in told
    clock.passes(hours=2)
    phone_of(PHONE).registers("17081985")
    booked = services.database.value(
        "SELECT count(*) FROM booking b JOIN worker w ON w.id = b.worker_id WHERE w.phone = %s AND b.state = 'booked'",
        (PHONE,),
    )
    assert booked == 1


def test_the_district_of_the_nik_is_chosen_already_and_can_be_changed(
    sign_in: SignIn, services: Services, world: World, place: int
) -> None:
    world.district("3171", "Jakarta Pusat")
    number = services.database.value(
        "INSERT INTO enquiry (phone, nik_hash, nik_sealed, district_code, created_at) VALUES (%s, %s, %s, '3273', %s) "
        "RETURNING id",
        (PHONE, services.vault.hash(NIK), services.vault.seal(NIK, "nik"), services.clock.now()),
    )
    ministry, where = sign_in(name="sri"), f"/admin/follow-up/enquiries/{number}"
    page = ministry.reads(where)
    assert '<option value="3273" selected>' in page
    assert "Name as on the ID card" in page
    assert "There is no facility in this district." in ministry.reads(where, district="3171")


def test_approving_twice_puts_somebody_on_the_list_once(
    sign_in: SignIn, services: Services, world: World, place: int
) -> None:
    number = asks(services)
    cici, dedi = sign_in(Role.DISTRICT, "3273", name="cici"), sign_in(Role.DISTRICT, "3273", name="dedi")
    approves(cici, number, place)
    assert "settled already" in approves(dedi, number, place)
    assert services.database.rows("SELECT actor, action, subject FROM audit WHERE action = 'enquiry.approved'") == [
        ("cici", "enquiry.approved", f"enquiry:{number}")
    ]
    worker = services.database.row(
        "SELECT name, birth_date, sex, phone, district_code, facility_id, profession FROM worker WHERE nik_tail = %s",
        (NIK[-4:],),
    )
    assert worker == ("Ratna Dewi", date(1985, 8, 17), "F", PHONE, "3273", place, "Bidan")
    assert len(world.messages(PHONE)) == 1
    settled = dedi.reads("/admin/follow-up/enquiries/", show="settled")
    assert "approved" in settled
    assert "cici" in settled


def test_two_officers_at_the_same_moment_approve_once(services: Services, world: World, place: int) -> None:
    number = asks(services)
    came: list[Settled] = []
    ready = threading.Barrier(2)

    def approves_too(name: str) -> None:
        office = Office(name, Area(district_code="3273"), services.settings.sms_gateway, CODES)
        ready.wait()
        new = NewWorker("Ratna Dewi", place, "Bidan")
        came.append(approve(services.database, services.vault, number, new, office, MORNING, MORNING.date()))

    officers = [threading.Thread(target=approves_too, args=(name,)) for name in ("cici", "dedi")]
    for each in officers:
        each.start()
    for each in officers:
        each.join()
    assert sorted(each.name for each in came) == ["ALREADY", "DONE"]
    assert len(world.messages(PHONE)) == 1


def test_who_is_on_the_list_meanwhile_is_said_so_and_stays_to_be_declined(
    sign_in: SignIn, services: Services, world: World, place: int
) -> None:
    listed = world.worker(place, name="Ratna Dewi")
    number = asks(services, listed.nik)
    cici = sign_in(Role.DISTRICT, "3273")
    assert "on the list by now" in approves(cici, number, place)
    assert outcome(services, number) is None
    assert world.messages(PHONE) == []
    for _twice in range(2):
        cici.sends(f"/admin/follow-up/enquiries/{number}/decline", {"why": "listed"})
    assert outcome(services, number) == "declined"
    [told] = world.messages(PHONE)
    assert "sudah ada di daftar" in told
    [(detail,)] = services.database.rows("SELECT detail FROM audit WHERE action = 'enquiry.declined'")
    assert detail == {"reason": "listed"}
    assert "Is on the list already" in cici.reads("/admin/follow-up/enquiries/", show="settled")


def test_enquiries_of_elsewhere_are_not_there_and_those_of_nowhere_are_the_ministrys(
    sign_in: SignIn, services: Services, world: World, place: int
) -> None:
    far = world.facility("Puskesmas Kenanga", "3578")
    here, there, nowhere = (asks(services, nik) for nik in (NIK, NIK_THERE, NIK_NOWHERE))
    cici, nina = sign_in(Role.DISTRICT, "3273"), sign_in()
    seen = cici.reads("/admin/follow-up/enquiries/")
    assert [f"/enquiries/{number}" in seen for number in (here, there, nowhere)] == [True, False, False]
    for number in (there, nowhere):
        path = f"/admin/follow-up/enquiries/{number}"
        assert cici.opens(path).status_code == 404
        form = {"name": "Ratna Dewi", "facility": place, "profession": "Bidan", "why": "listed"}
        assert cici.sends(f"{path}/approve", dict(form)).status_code == 404
        assert cici.sends(f"{path}/decline", dict(form)).status_code == 404
        assert outcome(services, number) is None
    assert cici.opens(f"/admin/follow-up/enquiries/{here}", district="3578").status_code == 404
    assert "Choose a facility of your area" in approves(cici, here, far)
    assert "Choose the district first" in nina.reads(f"/admin/follow-up/enquiries/{nowhere}")
    assert "Puskesmas Kenanga" in nina.reads(f"/admin/follow-up/enquiries/{nowhere}", district="3578")
    assert "Approved" in approves(nina, nowhere, far)


def test_what_is_no_name_or_birth_date_is_asked_again(sign_in: SignIn, services: Services, place: int) -> None:
    number = asks(services)
    cici = sign_in(Role.DISTRICT, "3273")
    for wrong in ({"name": " - "}, {"birth_date": "2030-01-01"}, {"birth_date": "1850-01-01"}):
        assert "as they stand on the ID card" in approves(cici, number, place, **wrong)
    assert outcome(services, number) is None
    no_date = asks(services, "3273019999999004")
    assert "Type the one of the ID card" in approves(cici, no_date, place)
    assert "Approved" in approves(cici, no_date, place, birth_date="1990-02-03")


def test_the_century_of_a_birth_date_is_one_in_which_somebody_could_grow_up() -> None:
    today = date(2021, 1, 13)
    assert stated_birth_date("3273015708859001", today) == date(1985, 8, 17)
    assert stated_birth_date("3273011708029001", today) == date(2002, 8, 17)
    assert stated_birth_date("3273011708129001", today) == date(1912, 8, 17)
    assert stated_birth_date("3273013102859001", today) is None


@pytest.mark.parametrize("text", [APPROVED, *(DECLINED[why] for why in Decline)])
def test_what_is_told_fits_one_sms_in_both_languages(text: dict[str, str]) -> None:
    assert set(text) == {"id", "en"}
    for spoken in text.values():
        filled = spoken.format(**CODES)
        assert is_gsm7(filled)
        assert septets(filled) <= 160
