"""Whatever people do, in any order, on both channels: the service goes the way of a simple model.

Hypothesis plays: right and wrong answers, keywords, nonsense, redials, replays, dropped sessions, passing time, a Redis
that has lost everything, an end of registration that moves, officers who cancel sessions, gateways that deliver notices.
After each step what the service shows and keeps is held against the model. ``ANY_SEQUENCE=<examples>`` plays for longer.
"""

from __future__ import annotations

import os
import re
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from bot import invariants, office
from bot.conversation.store import Store
from bot.redis_clients import connect
from bot.registration import closing, session_changes
from bot.registration.officer import Officer, Reach
from bot.registration.taking import sweep_expired
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.journeys.model import Booked, Model
from tests.journeys.sequences import Judged, Line, Stage
from tests.journeys.words import FLOW, TICKET
from tests.phones import Phone, Post
from tests.world import DATA_KEY, World

EXAMPLES = int(os.environ.get("ANY_SEQUENCE", "0"))
OFFICER = Officer("cli:budi", Reach())
STRANGERS = ("+6285700010001", "+6285700020001")
ANYBODY = st.integers(0, 3)
USUAL = st.sampled_from(["1", "1", "1", "1", "2", "3", "4", "8", "9", "0"])
STRANGE_INPUT = st.one_of(
    st.text(max_size=20).filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text)),
    st.sampled_from(
        ["", " ", "*", "#", "1*1", "😀", "1" * 400, "{name}", "01011990", "31021985", "BANDUNG", "ya", "tidak"]
    ),
)
KEYWORDS = st.sampled_from([word for keyword in FLOW.keywords for word in keyword.words] + ["terima kasih"])
#: What somebody may know of whom: an index into the people.
WHOSE = st.integers(0, 3)


class Conversations(Judged):
    """Three phones of the roster's four people (one shared, one person without), and two strange ones."""

    @initialize(places=st.lists(st.integers(1, 2), min_size=1, max_size=3))
    def a_morning(self, places: list[int]) -> None:
        stage = self.stage
        stage.is_cleared()
        self.world = world = World(stage.services.database)
        world.district()
        homes = [world.facility("Puskesmas Melati"), world.facility("Puskesmas Mawar")]
        self.sessions = [
            world.session(homes[number % 2], capacity=capacity, day=date(2021, 1, 20 + number))
            for number, capacity in enumerate(places)
        ]
        shared = "+6281255550002"
        people = [
            world.worker(homes[0], name="Siti Wulandari", birth_date=date(1985, 8, 17), phone="+6281155550001"),
            world.worker(homes[0], name="Budi Santoso", birth_date=date(1980, 2, 3), phone=shared, sex="M"),
            world.worker(homes[1], name="Ani Lestari", birth_date=date(1979, 5, 6), phone=shared),
            world.worker(homes[1], name="Tono Prakoso", birth_date=date(1990, 11, 12), phone=None, sex="M"),
        ]
        self.people = people
        self.model = Model({worker.id: worker for worker in people})
        self.store = Store(connect(stage.redis_url))
        self.last_message = 0
        numbers = ["+6281155550001", shared, *STRANGERS]
        self.lines = [Line(Phone(number, stage.post)) for number in numbers]
        self.written: list[tuple[str, int | None, str, str]] = []

    # --- what people do ------------------------------------------------------------------------------------------------

    @rule(who=ANYBODY)
    def dials(self, who: int) -> None:
        line = self.lines[who]
        self._hop(line, lambda: line.phone.dials())

    @rule(who=ANYBODY, what=USUAL)
    def chooses(self, who: int, what: str) -> None:
        self._types(self.lines[who], what)

    @rule(who=ANYBODY, times=st.integers(1, 4))
    def goes_the_shortest_road(self, who: int, times: int) -> None:
        for _ in range(times):
            if self.lines[who].phone.goes_on:
                self._types(self.lines[who], "1")

    @rule(who=ANYBODY, what=STRANGE_INPUT)
    def types_anything(self, who: int, what: str) -> None:
        self._types(self.lines[who], what)

    @rule(who=ANYBODY, whose=WHOSE)
    def types_a_birth_date(self, who: int, whose: int) -> None:
        self._types(self.lines[who], self.people[whose].typed_birth_date)

    @rule(who=ANYBODY, whose=WHOSE)
    def types_a_nik(self, who: int, whose: int) -> None:
        self._types(self.lines[who], self.people[whose].nik)

    @rule(who=ANYBODY, whose=WHOSE, times=st.integers(0, 3))
    def says_who_they_are(self, who: int, whose: int, times: int) -> None:
        """NIK where it is asked, birth date, and some steps of the shortest road: else chance seldom comes this far."""
        line, worker = self.lines[who], self.people[whose]
        self._hop(line, lambda: line.phone.dials())
        for what in (worker.nik, worker.typed_birth_date):
            if line.phone.goes_on and (what != worker.nik or self._standing(line).state in ("nik", "nik_of_family")):
                self._types(line, what)
        self.goes_the_shortest_road(who, times)

    @rule(who=ANYBODY, what=st.one_of(KEYWORDS, KEYWORDS, USUAL, USUAL, STRANGE_INPUT))
    def texts(self, who: int, what: str) -> None:
        self._sms(self.lines[who], what)

    @rule(who=ANYBODY, whose=WHOSE, nik=st.booleans())
    def texts_what_they_know(self, who: int, whose: int, nik: bool) -> None:
        worker = self.people[whose]
        self._sms(self.lines[who], worker.nik if nik else worker.typed_birth_date)

    @rule(who=ANYBODY, back=st.integers(0, 6))
    def a_request_comes_again(self, who: int, back: int) -> None:
        line = self.lines[who]
        if not line.sent:
            return
        session, text = line.sent[-1 - back % len(line.sent)]
        registered = dict(self.model.registered)
        now = line.phone.session, line.phone.text, line.phone.goes_on
        line.phone.session = session

        def again() -> None:
            line.phone.sends_text(text)

        self._hop(line, again, replayed=True)
        assert self.model.registered == registered
        line.phone.session, line.phone.text, line.phone.goes_on = now

    @rule(who=ANYBODY, back=st.integers(0, 6))
    def an_sms_comes_again(self, who: int, back: int) -> None:
        line = self.lines[who]
        if line.texted:
            number, text = line.texted[-1 - back % len(line.texted)]
            self._new_messages()
            assert line.phone.texts(text, message_id=number) == 200
            assert self._new_messages() == []

    @rule(who=ANYBODY)
    def a_session_is_dropped(self, who: int) -> None:
        line = self.lines[who]
        if line.phone.session:
            form = {"sessionId": line.phone.session, "phoneNumber": line.phone.number, "status": "Incomplete"}
            status, _ = self.stage.post("/webhooks/africastalking/webhook-secret-of-tests/ussd-events", form, {})
            assert status == 200
            line.phone.goes_on = False

    # --- what happens to the service -----------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 1, 4, 6, 16, 61, 25 * 60, 49 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.stage.clock.passes(minutes=minutes)

    @rule()
    def redis_loses_everything(self) -> None:
        connect(self.stage.redis_url).flushdb()

    @rule(minutes=st.sampled_from([None, None, None, -10, 0, 3, 600, 60000]))
    def the_end_is_moved(self, minutes: int | None) -> None:
        now = self.stage.clock.now
        self.model.closes_at = None if minutes is None else now + timedelta(minutes=minutes)
        closing.close_at(self.stage.services.database, self.model.closes_at, now=now, actor="cli:budi")

    @rule()
    def holds_are_swept(self) -> None:
        sweep_expired(self.stage.services.database, self.stage.clock.now)

    @rule()
    def the_gateway_takes_what_waits(self) -> None:
        now = self.stage.clock.now
        self.model.notices_are_taken(now)
        self.stage.services.database.rows(
            "UPDATE message SET state = 'accepted', settled_at = %s WHERE kind = 'claim' AND state = 'queued'", (now,)
        )

    @rule(which=st.integers(0, 2))
    def an_officer_cancels_a_session(self, which: int) -> None:
        session = self.sessions[which % len(self.sessions)]
        self._new_messages()
        database, now = self.stage.services.database, self.stage.clock.now
        session_changes.cancel(database, session, OFFICER, now)
        office._move(self.stage.services, database)
        for key, booking, phone, body in self._new_messages():
            before = next(w for w, each in self.model.registered.items() if each.ticket == self._ticket_of(key))
            if key.startswith("moved:"):
                found = TICKET.search(body)
                assert found is not None
                assert self._owner(found[1]) == (before, booking)
                self.model.registered[before] = Booked(found[1], phone)
                self.model.seen.add((phone, found[1]))
            else:
                assert key.startswith("unplaced:")
                del self.model.registered[before]

    # --- what must be true then ----------------------------------------------------------------------------------------

    @invariant()
    def the_records_agree(self) -> None:
        database, now = self.stage.services.database, self.stage.clock.now
        booked = dict(database.rows("SELECT worker_id, ticket FROM booking WHERE state = 'booked'"))
        assert booked == {worker: each.ticket for worker, each in self.model.registered.items()}
        assert dict(database.rows("SELECT id, phone FROM worker")) == self.model.phones
        locked = database.rows("SELECT subject FROM identity_guard WHERE kind = 'phone' AND locked_until > %s", (now,))
        assert {subject for (subject,) in locked} == self.model.locked_phones(now)

    @invariant()
    def no_ticket_goes_astray(self) -> None:
        self._new_messages()
        for _, _, phone, body in self.written:
            for ticket in TICKET.findall(body):
                worker, _ = self._owner(ticket)
                assert (phone, ticket) in self.model.seen or self.model.owns_booking(phone, worker), (phone, body)
        self.written.clear()

    def teardown(self) -> None:
        if hasattr(self, "model"):
            broken = [
                each for each in invariants.check(self.stage.services.database, self.stage.clock.now) if each.count
            ]
            assert broken == []
            assert (
                self.stage.services.database.rows("SELECT DISTINCT state FROM inbound WHERE state = 'received'") == []
            )


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """With time to answer also where tests share the machine: a busy screen is one more input that the model lacks."""
    return environ | {"WEBHOOK_DEADLINE_MS": "10000"}


def test_any_sequence_goes_the_way_of_the_model(
    services: Services, post: Post, clock: MovableClock, redis_url: str
) -> None:
    stage = Stage(services, post, clock, redis_url)
    machine = type("OnStage", (Conversations,), {"stage": stage})
    profile = settings(
        max_examples=EXAMPLES or 40,
        stateful_step_count=60 if EXAMPLES else 40,
        derandomize=not EXAMPLES,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)


def test_the_key_of_these_tests_opens_what_the_service_seals(services: Services) -> None:
    assert services.settings.data_key == DATA_KEY
    assert re.fullmatch(r"\+62\d+", STRANGERS[0])
