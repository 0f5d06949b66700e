"""Many at once at few places, each in a thread: held, taken, changed, cancelled, expired and swept, in any order.

The threads are real, so which of them comes first is chance; what must be true afterwards is not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import invariants
from bot.conversation.driver import Caller
from bot.db.database import Database, DatabaseAway
from bot.registration import acts, holding
from bot.registration.desk import Desk
from bot.registration.taking import sweep_expired
from bot.registration.terms import Terms
from gateway_adapters.base import Channel
from tests.world import MORNING, Worker, World

THREADS = 4
OPS = ["offer", "offer", "take", "take", "hold", "hold", "cancel", "sweep"]


@dataclass(frozen=True)
class Deed:
    """What one thread does next: as whom, at which session, so many minutes after the morning."""

    what: str
    who: int
    where: int
    minutes: int


DEEDS = st.builds(Deed, st.sampled_from(OPS), st.integers(0, 5), st.integers(0, 2), st.sampled_from([0, 1, 4, 6, 12]))
SCRIPTS = st.lists(st.lists(DEEDS, min_size=3, max_size=12), min_size=THREADS, max_size=THREADS)


@dataclass
class Town:
    """Few places, and who wants them."""

    database: Database
    desk: Desk
    sessions: list[int] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)

    def does(self, deed: Deed, number: int) -> None:
        """Carry a deed out; whatever is told of a ticket is remembered."""
        worker = self.workers[deed.who]
        now = MORNING + timedelta(minutes=deed.minutes)
        caller = Caller(worker.phone or "", Channel.USSD, now, f"s{number}:{deed}", MORNING)
        match deed.what:
            case "offer":
                self.desk.perform(acts.OfferSlot(worker.id, fit=True), caller)
            case "hold":
                self.desk.perform(acts.HoldSlot(worker.id, self.sessions[deed.where % len(self.sessions)]), caller)
            case "take":
                # Whatever is held for them now, by whichever thread.
                held = self.database.value(
                    "SELECT id FROM booking WHERE worker_id = %s ORDER BY id DESC LIMIT 1", (worker.id,)
                )
                taken = acts.TakeSlot(worker.id, held or 0, "id", "Tiket {code}")
                outcome = self.desk.perform(taken, caller)
                if isinstance(outcome, acts.Ticketed):
                    self.told.append((worker.id, outcome.slot.ticket or ""))
            case "cancel":
                self.desk.perform(acts.CancelBooking(worker.id), caller)
            case _:
                sweep_expired(self.database, now)


@pytest.fixture(scope="module")
def database(module_database_url: str) -> Iterator[Database]:
    made = Database(module_database_url, size=THREADS + 1, limit=20)
    yield made
    made.close()


def _town(database: Database, places: list[int]) -> Town:
    database.rows("TRUNCATE district, worker, facility, vaccination_session, booking, message, attempt CASCADE")
    world = World(database)
    world.district()
    facility = world.facility()
    terms = Terms((18, 59), ZoneInfo("Asia/Jakarta"), "africastalking")
    made = Town(database, Desk(database, world.vault, terms, lambda: None))
    made.sessions = [
        world.session(facility, capacity=capacity, day=date(2021, 1, 20 + number))
        for number, capacity in enumerate(places)
    ]
    made.workers = [world.worker(facility) for _ in range(6)]
    return made


def _answered(town: Town, deed: Deed, number: int) -> bool:
    try:
        town.does(deed, number)
    except DatabaseAway:
        return False
    return True


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(places=st.lists(st.integers(1, 2), min_size=1, max_size=3), scripts=SCRIPTS)
def test_whatever_many_do_at_once(database: Database, places: list[int], scripts: list[list[Deed]]) -> None:
    town = _town(database, places)
    start = threading.Barrier(THREADS)

    def play(number: int) -> None:
        start.wait()
        for deed in scripts[number]:
            # Who hears that PostgreSQL has no time (on a busy machine) asks again, until there is an answer.
            while not _answered(town, deed, number):
                pass

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(play, range(THREADS)))
    assert [each for each in invariants.check(database, MORNING) if each.count] == []
    existing = set(database.rows("SELECT worker_id, ticket FROM booking WHERE ticket IS NOT NULL"))
    assert set(town.told) <= existing
    # Nothing but what is held, booked or was given back: every place that is in use is somebody's.
    used = database.value("SELECT count(*) FROM booking WHERE state IN ('held', 'booked')")
    assert database.value("SELECT sum(taken) FROM vaccination_session") == used <= sum(places)
    # And what expired is everybody's again.
    sweep_expired(database, MORNING + timedelta(hours=1))
    assert database.value("SELECT count(*) FROM booking WHERE state = 'held'") == 0
    booked = database.value("SELECT count(*) FROM booking WHERE state = 'booked'")
    assert database.value("SELECT sum(taken) FROM vaccination_session") == booked


def test_the_last_place_goes_to_one_of_many(database: Database) -> None:
    for _ in range(5):
        town = _town(database, [1])
        start = threading.Barrier(6)

        def registers(who: int, town: Town = town, start: threading.Barrier = start) -> None:
            start.wait()
            town.does(Deed("offer", who, 0, 0), who)
            town.does(Deed("take", who, 0, 0), who)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(registers, range(6)))
        assert len(town.told) == 1
        assert database.value("SELECT count(*) FROM booking WHERE state = 'booked'") == 1
        assert database.value("SELECT taken FROM vaccination_session") == 1


def test_two_who_change_places_with_each_other_do_not_wait_for_each_other(database: Database) -> None:
    """Found by the test above: each had locked the session that the other wanted, until PostgreSQL ended one of them."""
    town = _town(database, [2, 2])
    terms = Terms((18, 59), ZoneInfo("Asia/Jakarta"), "africastalking")
    for number in range(60):
        start = threading.Barrier(2)

        def swaps(who: int, number: int = number, start: threading.Barrier = start) -> object:
            worker, session = town.workers[who], town.sessions[(who + number) % 2]
            caller = Caller(worker.phone or "", Channel.USSD, MORNING, f"s{number}", MORNING)
            start.wait()
            # Not by the desk, which would carry it out anew.
            return holding.hold_slot(database, terms, acts.HoldSlot(worker.id, session), caller)

        with ThreadPoolExecutor(2) as pool:
            assert all(isinstance(each, acts.Offered) for each in pool.map(swaps, range(2)))
    assert database.value("SELECT sum(taken) FROM vaccination_session") == 2
