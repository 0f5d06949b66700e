"""Whom a greeting expects: their birth date asks PostgreSQL nothing, and everything else is still PostgreSQL's to judge."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.conversation.driver import Caller
from bot.crypto import Vault
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.registration import closing, expected, hops
from bot.registration.acts import GreetCaller, KnownCaller, Locked, ProveByPhone, Proven, StrangeCaller, Wrong
from bot.registration.desk import Desk
from bot.registration.terms import Terms
from bot.services import Services
from gateway_adapters.base import Channel
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import Phone
from tests.stopping import paused
from tests.world import MORNING, Worker, World

__all__ = ["MovableClock", "app", "clock", "environ", "phone_of", "post", "services", "world"]

PhoneOf = Callable[[str], Phone]
BORN, OTHER = date(1979, 11, 23), date(1990, 1, 1)
TYPED = "23111979"
HOLDS = expected.HOLDS


class Booth:
    """A desk, and one worker who calls it."""

    def __init__(self, services: Services, world: World) -> None:
        self.database: Database = services.database
        self.facility = world.facility()
        self.siti: Worker = world.worker(self.facility, birth_date=BORN)
        self.terms = Terms((18, 59), ZoneInfo("Asia/Jakarta"), "africastalking")
        self.desk = Desk(services.database, services.vault, self.terms, lambda: None)

    def caller(self, later: timedelta = timedelta(), phone: str | None = None) -> Caller:
        return Caller(phone or self.siti.phone or "", Channel.USSD, MORNING + later, f"s{later}", MORNING)

    def greets(self, later: timedelta = timedelta()) -> KnownCaller:
        met = self.desk.perform(GreetCaller(), self.caller(later))
        assert isinstance(met, KnownCaller)
        return met

    def hears(self, kept: str, born: date = BORN, *, later: timedelta = timedelta(), phone: str | None = None) -> Any:
        return self.desk.perform(ProveByPhone(born.isoformat(), kept), self.caller(later, phone))

    def changes(self, what: str) -> None:
        """Change the worker's row behind the conversation's back."""
        self.database.rows(f"UPDATE worker SET {what} WHERE id = %s", (self.siti.id,))


@pytest.fixture
def booth(services: Services, world: World) -> Booth:
    return Booth(services, world)


class TestTheUsualWay:
    def test_the_birth_date_asks_nothing_of_postgresql(
        self, world: World, phone_of: PhoneOf, servers: EmbeddedServers
    ) -> None:
        siti = world.worker(world.facility())
        phone = phone_of(siti.phone or "").dials()
        with paused(servers.postgres.pid):
            phone.types(siti.typed_birth_date).sees("Siti Wulandari", "Kota Bandung")

    def test_the_person_is_whom_postgresql_would_tell_of(self, booth: Booth) -> None:
        booth.changes("domicile_code = NULL, language = 'en', confirmed_at = now()")
        booth.database.rows(
            "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'deferred', now())", (booth.siti.id,)
        )
        kept, asked = booth.hears(booth.greets().expected), booth.hears("")
        assert isinstance(kept, Proven)
        assert kept == asked
        assert (kept.person.confirmed, kept.person.screened_out, kept.person.language) == (True, True, "en")

    @pytest.mark.parametrize(("born", "fits"), [(date(1979, 11, 23), True), (date(1950, 1, 1), False)])
    def test_of_their_age_too(self, services: Services, world: World, booth: Booth, born: date, fits: bool) -> None:
        booth.siti = world.worker(booth.facility, birth_date=born)
        found = booth.hears(booth.greets().expected, born)
        assert found == booth.hears("", born)
        assert found.person.age_fits is fits

    def test_nothing_of_it_is_to_be_read_in_redis(
        self, world: World, phone_of: PhoneOf, services: Services, booth: Booth
    ) -> None:
        phone_of(booth.siti.phone or "").dials()
        stored = b" ".join(services.conversations.get(key) or b"" for key in services.conversations.keys("c*"))  # type: ignore[union-attr,misc]
        assert b"expected" in stored
        for word in (b"Siti", b"Wulandari", b"Bandung", b"1979"):
            assert word not in stored
            assert base64.b64encode(word)[:-3] not in stored

    def test_it_is_gone_once_they_have_proved_themselves(
        self, world: World, phone_of: PhoneOf, services: Services, booth: Booth
    ) -> None:
        phone_of(booth.siti.phone or "").dials().types(TYPED).sees("Siti Wulandari")
        stored = b" ".join(services.conversations.get(key) or b"" for key in services.conversations.keys("c*"))  # type: ignore[union-attr,misc]
        assert b"expected" not in stored
        assert b"Siti Wulandari" in stored


class TestOtherwisePostgresqlJudges:
    def test_another_birth_date_is_wrong_and_counted(self, booth: Booth) -> None:
        kept = booth.greets().expected
        assert booth.hears(kept, OTHER) == Wrong(4)
        assert booth.database.value("SELECT failures FROM identity_guard WHERE kind = 'phone'") == 1

    def test_after_a_wrong_one_nothing_is_expected_any_more(self, booth: Booth) -> None:
        booth.hears(booth.greets().expected, OTHER)
        assert booth.greets(timedelta(seconds=5)).expected == ""

    def test_five_wrong_ones_lock_as_ever(self, phone_of: PhoneOf, booth: Booth) -> None:
        phone = phone_of(booth.siti.phone or "").dials()
        for _ in range(5):
            phone.types("01011990")
        phone.is_hung_up_on().sees("Terlalu banyak jawaban salah")
        phone.dials().is_hung_up_on()

    def test_a_conversation_with_a_wrong_answer_asks_postgresql_for_the_right_one(
        self, phone_of: PhoneOf, booth: Booth
    ) -> None:
        phone = phone_of(booth.siti.phone or "").dials().types("01011990")
        # What was read at the greeting would still say yes.
        booth.changes("birth_date = '1990-01-02'")
        phone.types(TYPED).does_not_see("Siti Wulandari").is_asked()
        phone.types("02011990").sees("Siti Wulandari")

    def test_it_holds_for_minutes(self, booth: Booth) -> None:
        kept = booth.greets().expected
        booth.changes("birth_date = '1990-01-01'")
        assert isinstance(booth.hears(kept, later=HOLDS - timedelta(seconds=1)), Proven)
        assert booth.hears(kept, later=HOLDS) == Wrong(4)
        assert isinstance(booth.hears(kept, OTHER, later=HOLDS), Proven)

    def test_it_holds_for_one_number(self, world: World, booth: Booth) -> None:
        kept = booth.greets().expected
        budi = world.worker(booth.facility, name="Budi Santoso", birth_date=OTHER)
        assert booth.hears(kept, phone=budi.phone) == Wrong(4)
        assert isinstance(booth.hears(kept, phone="+6289900000001"), StrangeCaller)

    @pytest.mark.parametrize("damage", [lambda kept: kept[:-8], lambda kept: "!" + kept, lambda kept: "A" * len(kept)])
    def test_what_cannot_be_opened_says_nothing(self, booth: Booth, damage: Callable[[str], str]) -> None:
        kept = damage(booth.greets().expected)
        assert isinstance(booth.hears(kept), Proven)
        assert booth.hears(kept, OTHER) == Wrong(4)

    def test_nor_what_another_key_has_sealed(self, booth: Booth) -> None:
        person = booth.hears("").person
        other = Vault(base64.urlsafe_b64encode(b"k" * 32).decode())
        kept = expected.keep(other, person, OTHER, booth.caller())
        assert booth.hears(kept, OTHER) == Wrong(4)

    def test_nor_what_was_sealed_for_something_else(self, services: Services, booth: Booth) -> None:
        sealed = base64.b64encode(services.vault.seal("[]", "conversation.expected")).decode()
        assert isinstance(booth.hears(sealed), Proven)
        assert booth.hears(sealed, OTHER) == Wrong(4)


class TestNobodyIsExpected:
    def test_where_a_wrong_answer_is_on_record(self, booth: Booth) -> None:
        booth.database.rows(
            "INSERT INTO identity_guard (kind, subject, failures, last_failure_at, locked_until) "
            "VALUES ('phone', %s, 5, %s, %s)",
            (booth.siti.phone, MORNING - timedelta(hours=2), MORNING + timedelta(hours=1)),
        )
        assert isinstance(booth.desk.perform(GreetCaller(), booth.caller()), Locked)
        met = booth.greets(timedelta(hours=1))
        assert met.expected == ""
        assert isinstance(booth.hears("", later=timedelta(hours=1)), Proven)
        assert booth.database.value("SELECT count(*) FROM identity_guard") == 0

    def test_where_several_share_the_number(self, world: World, booth: Booth) -> None:
        world.worker(booth.facility, name="Budi Santoso", birth_date=OTHER, phone=booth.siti.phone)
        met = booth.greets()
        assert (met.several, met.expected) == (True, "")

    def test_where_a_place_is_booked(self, world: World, phone_of: PhoneOf, booth: Booth) -> None:
        world.session(booth.facility)
        phone_of(booth.siti.phone or "").registers(TYPED)
        assert booth.greets().expected == ""
        assert booth.hears("").person.booked is not None

    def test_where_registration_is_about_to_end(self, booth: Booth) -> None:
        closing.close_at(booth.database, MORNING + HOLDS, now=MORNING, actor="penguji")
        assert booth.greets().expected == ""
        assert booth.greets(-timedelta(seconds=1)).expected != ""


class TestWhatIsWrittenStandsOnItsOwn:
    def test_whose_number_was_taken_away_meanwhile_is_offered_nothing(self, phone_of: PhoneOf, world: World) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        phone = phone_of(siti.phone or "").dials()
        world.database.rows("UPDATE worker SET phone = '+628990000009' WHERE id = %s", (siti.id,))
        phone.types(siti.typed_birth_date).sees("Siti Wulandari").types("1").types("1").is_hung_up_on()
        assert world.booking(siti) is None
        assert world.database.value("SELECT count(*) FROM booking") == 0

    def test_whoever_is_offered_a_place_has_answered_and_proved_it_even_if_no_turn_is_told(
        self, phone_of: PhoneOf, world: World
    ) -> None:
        place = world.facility()
        world.session(place)
        siti = world.worker(place)
        phone_of(siti.phone or "").dials().types(siti.typed_birth_date).types("1").types("1").sees("Tempat")
        row = world.database.row("SELECT started_at, verified_at, confirmed_at FROM worker WHERE id = %s", (siti.id,))
        assert row == (MORNING, MORNING, MORNING)

    def test_who_only_looks_changes_nothing_until_the_turns_are_copied(
        self, phone_of: PhoneOf, world: World, services: Services, clock: MovableClock
    ) -> None:
        siti, budi = world.worker(world.facility()), world.worker(None, birth_date=OTHER)
        progress = "SELECT started_at, verified_at FROM worker WHERE id = %s"
        phone_of(siti.phone or "").dials()
        phone_of(budi.phone or "").dials().types("01011990").sees("Bandung")
        for worker in (siti, budi):
            assert world.database.row(progress, (worker.id,)) == (None, None)
        services.hop_notes.write()
        clock.passes(seconds=6)
        hops.copy(services.queue, services.database, clock.now)
        assert world.database.row(progress, (siti.id,)) == (MORNING, None)
        assert world.database.row(progress, (budi.id,)) == (MORNING, MORNING)

    def test_who_is_told_that_it_is_over_has_answered(self, phone_of: PhoneOf, world: World) -> None:
        siti = world.worker(world.facility())
        closing.close_at(world.database, MORNING, now=MORNING, actor="penguji")
        phone_of(siti.phone or "").dials().is_hung_up_on()
        assert world.database.value("SELECT started_at FROM worker WHERE id = %s", (siti.id,)) == MORNING
