"""What officers put right on somebody's page: number, language, invitations, locks, claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.officers.accounts import Role
from bot.registration import claims
from bot.registration.importing import Kind, import_file
from bot.services import Services
from tests.journeys.conftest import phone_of, post
from tests.phones import Phone
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.web.admin.neighbours import Neighbours, is_told, neighbours, page_of
from tests.world import World

__all__ = ["phone_of", "post"]

PhoneOf = Callable[[str], Phone]
NEW = "+6281311112222"
STRANGE = "+6285799990000"


@pytest.fixture
def town(world: World) -> Neighbours:
    return neighbours(world)


@pytest.fixture
def district(sign_in: SignIn, town: Neighbours) -> Officer:
    return sign_in(Role.DISTRICT, "3273")


def _corrects(officer: Officer, town: Neighbours, phone: str = "0813-1111 2222") -> None:
    assert officer.sends(f"{page_of(town.here)}/number", {"phone": phone}).status_code == 302


class TestNumber:
    @pytest.mark.parametrize("typed", ["0813-1111 2222", "+62 813 1111 2222", "81311112222"])
    def test_it_is_corrected_however_it_is_typed(self, district: Officer, town: Neighbours, typed: str) -> None:
        _corrects(district, town, typed)
        is_told(district, town.here, "The number is corrected.", NEW)
        assert town.number(town.here) == NEW
        assert town.audit("person.number") == [
            (district.name, f"worker:{town.here.id}", {"others": 0, "claims_declined": 0})
        ]

    @pytest.mark.parametrize("typed", ["", "12", "021 555 1234", "siti", "0813 1111 2222 / 0813 1111 3333"])
    def test_what_is_no_mobile_number_changes_nothing(self, district: Officer, town: Neighbours, typed: str) -> None:
        _corrects(district, town, typed)
        is_told(district, town.here, "That is no mobile number.")
        assert town.number(town.here) == town.here.phone

    def test_others_who_have_it_are_told_of(self, district: Officer, town: Neighbours, world: World) -> None:
        world.worker(town.place, name="Ayu Lestari", phone=NEW)
        _corrects(district, town)
        is_told(district, town.here, "Others on the list have this number too: 1.")

    def test_a_wrong_number_counts_as_right_again(
        self, district: Officer, town: Neighbours, world: World, clock: MovableClock
    ) -> None:
        for phone in (NEW, town.here.phone):
            world.database.rows("INSERT INTO wrong_number VALUES (%s, 'x', 'gone', %s)", (phone, clock.now))
        _corrects(district, town, str(town.here.phone))
        is_told(district, town.here, "It counts as reachable again.")
        _corrects(district, town, str(town.here.phone))
        is_told(district, town.here, "That is the number that we have.")
        _corrects(district, town)
        assert world.database.rows("SELECT phone FROM wrong_number") == []
        assert len(town.audit("person.number-right")) == 1

    def test_the_old_number_can_do_nothing_any_more_and_the_new_one_everything(
        self, district: Officer, town: Neighbours, world: World, phone_of: PhoneOf
    ) -> None:
        assert town.here.phone is not None
        old, new = phone_of(town.here.phone), phone_of(NEW)
        old.registers(town.here.typed_birth_date)
        ticket = town.ticket(town.here)
        old.dials().types(town.here.typed_birth_date).sees(ticket)
        _corrects(district, town)
        old.types("2").does_not_see(ticket)
        old.dials().does_not_see("S*** W***")
        new.dials().sees("S*** W***").types(town.here.typed_birth_date).sees(ticket)
        town.all_is_well()

    def test_the_old_number_with_nik_and_birth_date_waits_like_any_stranger(
        self, district: Officer, town: Neighbours, phone_of: PhoneOf
    ) -> None:
        assert town.here.phone is not None
        phone_of(town.here.phone).registers(town.here.typed_birth_date)
        ticket = town.ticket(town.here)
        _corrects(district, town)
        old = phone_of(town.here.phone).dials().types(town.here.nik).types(town.here.typed_birth_date)
        old.does_not_see(ticket).is_hung_up_on()

    def test_numbers_that_ask_to_be_theirs_are_declined(
        self, district: Officer, town: Neighbours, world: World, phone_of: PhoneOf
    ) -> None:
        phone_of(STRANGE).dials().types(town.here.nik).types(town.here.typed_birth_date)
        assert len(claims.open_claims(world.database)) == 1
        _corrects(district, town)
        is_told(district, town.here, "were declined: 1.")
        assert claims.open_claims(world.database) == []
        phone_of(STRANGE).dials().types(town.here.nik).types(town.here.typed_birth_date).is_hung_up_on()
        assert town.number(town.here) == NEW

    def test_the_number_of_a_claim_is_accepted_with_it(
        self, district: Officer, town: Neighbours, world: World, phone_of: PhoneOf
    ) -> None:
        phone_of(STRANGE).dials().types(town.here.nik).types(town.here.typed_birth_date)
        _corrects(district, town, STRANGE)
        assert world.database.rows("SELECT phone, state, settled_by FROM phone_claim") == [
            (STRANGE, "accepted", district.name)
        ]

    def test_the_old_file_imported_again_does_not_undo_it(
        self, district: Officer, town: Neighbours, services: Services, tmp_path: Path
    ) -> None:
        roster = tmp_path / "roster.csv"
        roster.write_text(
            "nik,name,birth_date,phone,district_code\n"
            f"{town.here.nik},{town.here.name},{town.here.birth_date},{town.here.phone},3273\n",
            encoding="utf-8",
        )
        _corrects(district, town)
        _corrects(district, town, "0813 3333 4444")
        report = import_file(services.database, services.vault, services.clock, Kind.ROSTER, roster)
        assert report.rows.rejected == 0
        assert town.number(town.here) == "+6281333334444"

    def test_a_person_without_a_number_gets_one(self, district: Officer, town: Neighbours, world: World) -> None:
        world.database.rows("UPDATE worker SET phone = NULL WHERE id = %s", (town.here.id,))
        _corrects(district, town)
        assert town.number(town.here) == NEW


def test_the_language_is_changed_once(district: Officer, town: Neighbours, world: World) -> None:
    for _click in range(2):
        district.sends(f"{page_of(town.here)}/language", {"language": "en"})
    assert world.database.value("SELECT language FROM worker WHERE id = %s", (town.here.id,)) == "en"
    assert town.audit("person.language") == [(district.name, f"worker:{town.here.id}", {"language": "en"})]
    assert district.sends(f"{page_of(town.here)}/language", {"language": "xx"}).status_code == 404


def test_invitations_are_stopped_and_allowed(district: Officer, town: Neighbours, world: World) -> None:
    for _click in range(2):
        district.sends(f"{page_of(town.here)}/invitations", {"want": "no"})
    assert world.database.rows("SELECT phone, source FROM opt_out") == [(town.here.phone, "officer")]
    is_told(district, town.here, "wants no invitations")
    for _click in range(2):
        district.sends(f"{page_of(town.here)}/invitations", {"want": "yes"})
    assert world.database.rows("SELECT 1 FROM opt_out") == []
    assert len(town.audit("person.opt-out")) == len(town.audit("person.opt-in")) == 1


def test_a_lock_is_lifted(district: Officer, town: Neighbours, phone_of: PhoneOf) -> None:
    assert town.here.phone is not None
    phone = phone_of(town.here.phone).dials()
    for _wrong in range(5):
        phone.types("01011990")
    phone.dials().is_hung_up_on()
    is_told(district, town.here, "Locked until")
    district.sends(f"{page_of(town.here)}/unlock")
    phone.dials().is_asked().types(town.here.typed_birth_date).sees(town.here.name)
    assert town.audit("identity.unlock") == [(district.name, f"worker:{town.here.id}", {})]


@pytest.mark.parametrize(("decision", "number"), [("approve", STRANGE), ("decline", None)])
def test_a_claim_is_settled_once(
    district: Officer, town: Neighbours, world: World, phone_of: PhoneOf, decision: str, number: str | None
) -> None:
    phone_of(STRANGE).dials().types(town.here.nik).types(town.here.typed_birth_date)
    is_told(district, town.here, "Another number asks to be theirs", STRANGE)
    [claim] = claims.open_claims(world.database)
    for _click in range(2):
        district.sends(f"{page_of(town.here)}/claims/{claim.id}", {"decision": decision})
    is_told(district, town.here, "This is settled already.")
    assert town.number(town.here) == (number or town.here.phone)
    assert len(town.audit("claim.accept")) + len(town.audit("claim.reject")) == 1


def test_a_claim_on_somebody_else_is_not_settled_by_another_page(
    district: Officer, town: Neighbours, world: World, phone_of: PhoneOf
) -> None:
    phone_of(STRANGE).dials().types(town.there.nik).types(town.there.typed_birth_date)
    [claim] = claims.open_claims(world.database)
    for worker in (town.here, town.there):
        answer = district.sends(f"{page_of(worker)}/claims/{claim.id}", {"decision": "approve"})
        assert answer.status_code == 404
    assert len(claims.open_claims(world.database)) == 1


def test_nothing_is_done_for_somebody_elsewhere(
    district: Officer, town: Neighbours, world: World, services: Services
) -> None:
    forms: dict[str, dict[str, object]] = {
        "number": {"phone": NEW},
        "language": {"language": "en"},
        "invitations": {"want": "no"},
        "unlock": {},
        "cancel": {"booking": 1},
        "ticket": {"booking": 1, "once": "a-token-of-tests"},
        "book": {"session": town.session_there, "condition": "none"},
    }
    before = world.database.value("SELECT count(*) FROM audit")
    for act, form in forms.items():
        assert district.sends(f"{page_of(town.there)}/{act}", form).status_code == 404, act
    assert district.opens(f"{page_of(town.there)}/book").status_code == 404
    assert town.number(town.there) == town.there.phone
    assert world.booking(town.there) is None
    assert world.database.value("SELECT count(*) FROM audit") == before


def test_the_call_centre_acts_for_callers_everywhere(sign_in: SignIn, town: Neighbours) -> None:
    officer = sign_in(Role.CALL_CENTRE)
    officer.sends(f"{page_of(town.there)}/number", {"phone": NEW})
    officer.sends(f"{page_of(town.there)}/book", {"session": town.session_there, "condition": "none"})
    assert town.number(town.there) == NEW
    assert town.ticket(town.there) in officer.reads(page_of(town.there))
    assert [actor for actor, _, _ in town.audit("booking.book")] == [officer.name]
