"""Looking somebody up, and reading their story: who finds whom, and what is shown to whom."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest

from bot.messaging import inbound
from bot.officers.accounts import Role
from bot.services import Services
from gateway_adapters.base import InboundSms
from tests.journeys.conftest import phone_of, post
from tests.phones import Phone
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.web.admin.neighbours import Neighbours, found, neighbours, page_of, searches
from tests.world import World

__all__ = ["phone_of", "post"]


@pytest.fixture
def town(world: World) -> Neighbours:
    return neighbours(world)


@pytest.fixture
def district(sign_in: SignIn, town: Neighbours) -> Officer:
    return sign_in(Role.DISTRICT, "3273")


def _text_from(services: Services, phone: str, text: str, number: str = "1") -> None:
    sms = InboundSms(message_id=f"in-{number}", phone=phone, recipient="1199", text=text, link_id=None)
    inbound.keep(services.database, services.vault, "simulator", sms, services.clock.now())


class TestSearch:
    @pytest.mark.parametrize("typed", ["Siti Wulandari", "siti", "wulan", "WUL siti", "siti w", "  siti   wulandari "])
    def test_beginnings_of_the_words_of_a_name(self, district: Officer, town: Neighbours, typed: str) -> None:
        assert found(district, typed) == [town.here.id]

    @pytest.mark.parametrize("typed", ["landari", "siti x", "siti rahayu", "w", "%", "'", "& | !", "", "a:*", "\\"])
    def test_what_finds_nobody(self, district: Officer, typed: str) -> None:
        assert found(district, typed) == []

    @pytest.mark.parametrize(
        ("name", "typed"), [("Nur'aini A.Rahman", "rahman aini"), ("Al-Rasyid Ni", "ras"), ("Ni Ketut", "ni")]
    )
    def test_names_with_signs_and_short_ones(
        self, district: Officer, town: Neighbours, world: World, name: str, typed: str
    ) -> None:
        somebody = world.worker(town.place, name=name)
        assert somebody.id in found(district, typed)

    def test_a_number_in_any_spelling(self, district: Officer, town: Neighbours) -> None:
        assert town.here.phone is not None
        home = "0" + town.here.phone.removeprefix("+62")
        for typed in (town.here.phone, home, home[1:], f"{home[:4]}-{home[4:8]} {home[8:]}", f"62{home[1:]}"):
            assert found(district, typed) == [town.here.id], typed

    def test_a_whole_nik_which_never_comes_back(self, district: Officer, town: Neighbours) -> None:
        page = searches(district, town.here.nik)
        assert page_of(town.here) in page
        assert town.here.nik not in page
        assert f"************{town.here.nik[-4:]}" in page
        spaced = " ".join(re.findall("....", town.here.nik))
        assert found(district, spaced) == [town.here.id]
        assert found(district, town.here.nik[:15]) == []

    def test_a_ticket_however_it_is_written(self, sign_in: SignIn, district: Officer, town: Neighbours) -> None:
        sign_in().sends(f"{page_of(town.here)}/book", {"session": town.session, "condition": "none"})
        ticket = town.ticket(town.here)
        for typed in (ticket, ticket.lower(), f"{ticket[:3]} {ticket[3:]}"):
            assert found(district, typed) == [town.here.id]

    def test_numbers_are_masked_in_lists(self, district: Officer, town: Neighbours) -> None:
        page = searches(district, "siti")
        assert str(town.here.phone) not in page
        assert town.here.nik not in page

    def test_somebody_elsewhere_is_nobody(self, district: Officer, town: Neighbours, sign_in: SignIn) -> None:
        for typed in (town.there.nik, str(town.there.phone), "rahayu"):
            page = searches(district, typed)
            assert "Nobody was found." in page
            assert "Surabaya" not in page
        assert found(sign_in(), "siti") == [town.there.id, town.here.id]
        assert found(sign_in(Role.PROVINCE, "35"), "siti") == [town.there.id]

    def test_who_moved_is_found_where_they_live(self, district: Officer, town: Neighbours, world: World) -> None:
        world.database.rows("UPDATE worker SET domicile_code = '3273' WHERE id = %s", (town.there.id,))
        assert found(district, "rahayu") == [town.there.id]

    def test_at_most_fifty_and_a_hint(self, district: Officer, town: Neighbours, world: World) -> None:
        for number in range(60):
            world.worker(town.place, name=f"Budi Nomor{number}", sex="M")
        assert len(found(district, "budi")) == 50
        assert "More than 50 people fit" in searches(district, "budi")
        assert "More than 50" not in searches(district, "siti")

    def test_a_name_is_found_by_an_index(self, world: World) -> None:
        plan = "\n".join(
            row[0]
            for row in world.database.rows(
                "EXPLAIN SELECT w.id FROM worker w WHERE to_tsvector('simple', translate(w.name, '.,''/-()', '       ')) "
                "@@ to_tsquery('simple', 'siti:*')"
            )
        )
        assert "ix_worker_name_words" in plan


class TestStory:
    def test_outside_the_area_there_is_nobody(self, district: Officer, town: Neighbours) -> None:
        assert district.opens(page_of(town.here)).status_code == 200
        assert district.opens(page_of(town.there)).status_code == 404
        assert district.opens("/admin/people/99999999999999999999").status_code == 404

    def test_a_facility_sees_its_own_and_may_change_nothing(self, sign_in: SignIn, town: Neighbours) -> None:
        code = town.world.database.value("SELECT code FROM facility WHERE id = %s", (town.place,))
        officer = sign_in(Role.FACILITY, code)
        page = officer.reads(page_of(town.here))
        assert "Correct the number" not in page
        assert "Read the whole NIK" not in page
        assert "Book a place" not in page
        assert officer.opens(page_of(town.there)).status_code == 404

    def test_who_they_are_and_where_they_stand(
        self, district: Officer, town: Neighbours, world: World, clock: MovableClock
    ) -> None:
        world.worker(town.place, name="Ayu Lestari", phone=town.here.phone)
        world.database.rows("INSERT INTO opt_out VALUES (%s, 'keyword', %s)", (town.here.phone, clock.now))
        world.database.rows("INSERT INTO wrong_number VALUES (%s, 'x', 'gone', %s)", (town.here.phone, clock.now))
        world.database.rows(
            "INSERT INTO identity_guard (kind, subject, failures, last_failure_at, locked_until) "
            "VALUES ('nik', encode(%s, 'hex'), 5, %s, %s)",
            (world.vault.hash(town.here.nik), clock.now, clock.now + timedelta(hours=1)),
        )
        page = district.reads(page_of(town.here))
        for text in (
            f"************{town.here.nik[-4:]}",
            str(town.here.phone),
            "Puskesmas Melati",
            "wants no invitations",
            "reaches nobody",
            "others on the list with it: 1",
            "Locked until",
            "10.00 WIB",
        ):
            assert text in page, text
        assert town.here.nik not in page

    def test_messages_both_ways_and_what_officers_did(
        self, district: Officer, sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
    ) -> None:
        assert town.here.phone is not None
        district.sends(f"{page_of(town.here)}/book", {"session": town.session, "condition": "none"})
        clock.passes(minutes=1)
        _text_from(services, town.here.phone, f"Nama saya Siti, NIK {town.here.nik}")
        page = district.reads(page_of(town.here))
        assert "booked a place" in page
        assert "Nama saya Siti, NIK ************" in page
        assert town.here.nik not in page
        assert "Bring your ID card" in page or "Bawa KTP" in page
        code = town.world.database.value("SELECT code FROM facility WHERE id = %s", (town.place,))
        desk = sign_in(Role.FACILITY, code).reads(page_of(town.here))
        assert "SMS received" in desk
        assert "Nama saya" not in desk
        assert "KTP" not in desk

    def test_a_shared_number_tells_nothing_of_the_others(
        self, district: Officer, town: Neighbours, world: World
    ) -> None:
        other = world.worker(town.place_there, name="Made Jauh", district="3578", phone=town.here.phone)
        world.database.rows(
            "INSERT INTO message (worker_id, attempt_id, phone, state, created_at, lane, kind, gateway, language, "
            "natural_key, body) VALUES (%s, 0, %s, 'accepted', now(), 'reply', 'ticket', 'x', 'id', 'k', 'Made only')",
            (other.id, town.here.phone),
        )
        assert "Made only" not in district.reads(page_of(town.here))

    def test_it_is_paged_newest_first(
        self, district: Officer, town: Neighbours, services: Services, clock: MovableClock
    ) -> None:
        assert town.here.phone is not None
        for number in range(70):
            clock.passes(seconds=1)
            _text_from(services, town.here.phone, f"text number {number:02d}.", str(number))
        seen: list[str] = []
        before: str | None = ""
        for _page in range(3):
            page = district.reads(page_of(town.here), before=before or "")
            seen += re.findall(r"text number (\d\d)\.", page)
            further = re.search(r'before=([^"&]+)">Older', page)
            before = None if further is None else unquote(further[1])
        assert seen == [f"{number:02d}" for number in range(69, -1, -1)]
        assert before is None
        assert "Older" in district.reads(page_of(town.here), before="nonsense")


class TestNik:
    def test_it_is_read_for_a_reason_that_is_written_down(self, district: Officer, town: Neighbours) -> None:
        answer = district.sends(f"{page_of(town.here)}/nik", {"reason": "  compare with the ID card "})
        assert town.here.nik in answer.get_data(as_text=True)
        assert answer.headers["Cache-Control"] == "no-store"
        assert town.audit("nik.reveal") == [
            (district.name, f"worker:{town.here.id}", {"reason": "compare with the ID card"})
        ]
        assert town.here.nik not in district.reads(page_of(town.here))

    @pytest.mark.parametrize("reason", ["", "  x ", "call 0812 3456 7890", "y" * 201])
    def test_without_a_good_reason_it_stays_masked(self, district: Officer, town: Neighbours, reason: str) -> None:
        answer = district.sends(f"{page_of(town.here)}/nik", {"reason": reason})
        assert town.here.nik not in answer.get_data(as_text=True)
        assert town.audit("nik.reveal") == []

    def test_not_of_somebody_elsewhere_and_not_by_the_call_centre(
        self, district: Officer, sign_in: SignIn, town: Neighbours
    ) -> None:
        reason: dict[str, object] = {"reason": "compare with the ID card"}
        assert district.sends(f"{page_of(town.there)}/nik", reason).status_code == 404
        assert sign_in(Role.CALL_CENTRE).sends(f"{page_of(town.here)}/nik", reason).status_code == 403
        assert town.audit("nik.reveal") == []


def test_the_call_centre_looks_up_everybody_and_it_is_written_down(sign_in: SignIn, town: Neighbours) -> None:
    officer = sign_in(Role.CALL_CENTRE)
    assert found(officer, str(town.there.phone)) == [town.there.id]
    officer.reads(page_of(town.there))
    assert town.audit("people.search") == [(officer.name, "people", {"by": "phone", "found": 1})]
    assert town.audit("person.look") == [(officer.name, f"worker:{town.there.id}", {})]


def test_what_a_worker_did_by_phone_is_there_too(
    district: Officer, town: Neighbours, phone_of: object, world: World
) -> None:
    assert town.here.phone is not None
    assert callable(phone_of)
    phone: Phone = phone_of(town.here.phone)
    phone.registers(town.here.typed_birth_date)
    page = district.reads(page_of(town.here))
    assert town.ticket(town.here) in page
    assert "by themselves" in page
