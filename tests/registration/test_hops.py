"""Turns come from the stream to PostgreSQL once each, whoever dies on the way, and tell where everybody stands."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from bot import hop_jobs
from bot.clockwork import schedule
from bot.conversation import hops as stream
from bot.conversation.flow import Ending
from bot.conversation.hops import STREAM, HopNotes
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.registration import hops, timeline
from bot.services import Services
from flows.memory import Campaign
from flows.registration import registration
from tests.jobs_here import jobs_in_this_process
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import Phone
from tests.stopping import paused
from tests.world import MORNING, World

__all__ = ["MovableClock", "app", "clock", "environ", "phone_of", "post", "services", "world"]

PhoneOf = Callable[[str], Phone]

#: A worker that is killed when it has committed, before it takes what it wrote out of the stream.
_KILLED = """
import os, signal, sys
from datetime import datetime
from bot.conversation import hops as stream
from bot.redis_clients import connect
from bot.db.database import Database
from bot.registration import hops
hops.drop = lambda client, batches: os.kill(os.getpid(), signal.SIGKILL)
hops.copy(connect(sys.argv[1]), Database(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


def note(client: redis.Redis, worker: int, state: str, at: datetime = MORNING, *, visit: int = 1) -> None:
    """A batch of its own with one turn."""
    notes = HopNotes(client)
    notes.note(at.timestamp(), "ussd", "registration", state, worker, visit, state not in {"birth_date", "nik"})
    notes.close()


def entries(client: redis.Redis) -> list[dict[Any, Any]]:
    """What stands in the stream."""
    found: Any = client.xrange(STREAM)
    return [fields for _, fields in found]


def kept(database: Database) -> list[tuple[object, ...]]:
    """Worker and state of every turn, in the order of time."""
    return database.rows("SELECT worker_id, state FROM hop ORDER BY at, state")


def stands(database: Database, worker: int) -> str | None:
    found: str | None = database.value("SELECT state FROM last_stop WHERE worker_id = %s", (worker,))
    return found


def test_a_registration_is_told_screen_by_screen(world: World, phone_of: PhoneOf, services: Services) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone_of(siti.phone).registers(siti.typed_birth_date)
    services.hop_notes.write()
    assert hops.copy(services.queue, services.database, MORNING) == (1, 5)
    # The number is hers by the roster: so the first screen is hers as well, though nothing is proved yet.
    rows = services.database.rows("SELECT worker_id, channel, flow, state FROM hop ORDER BY ctid")
    assert rows == [
        (siti.id, "ussd", "registration", state) for state in ("birth_date", "confirm", "screening", "offer", "ticket")
    ]
    assert services.database.value("SELECT count(DISTINCT visit) FROM hop") == 1
    assert stands(services.database, siti.id) == "ticket"
    assert services.queue.xlen(STREAM) == 0
    # A turn is of the same moment as what it did.
    verified = services.database.value("SELECT verified_at FROM worker WHERE id = %s", (siti.id,))
    assert services.database.value("SELECT at FROM hop WHERE state = 'confirm'") == verified


def test_a_turn_asks_nothing_of_postgresql(
    world: World, phone_of: PhoneOf, services: Services, servers: EmbeddedServers
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types(siti.typed_birth_date)
    with paused(servers.postgres.pid):
        phone.types("1").sees("hamil")
        services.hop_notes.write()
        [batch] = stream.oldest(services.queue, 10)
        assert batch.hops[-1].state == "screening"


def test_who_is_not_known_stands_nowhere(world: World, phone_of: PhoneOf, services: Services) -> None:
    siti = world.worker(world.facility())
    world.worker(None, phone=siti.phone)
    assert siti.phone is not None
    for number in ("+628990000001", siti.phone):
        phone_of(number).dials()
    services.hop_notes.write()
    hops.copy(services.queue, services.database, MORNING)
    assert services.database.rows("SELECT worker_id, state FROM hop ORDER BY state") == [
        (None, "birth_date"),
        (None, "nik"),
    ]
    assert services.database.value("SELECT count(*) FROM last_stop") == 0


class TestOnce:
    def test_a_batch_that_is_delivered_twice_is_written_once(self, client: redis.Redis, database: Database) -> None:
        note(client, 7, "confirm")
        delivered = entries(client)[0]
        assert hops.copy(client, database, MORNING) == (1, 1)
        client.xadd(STREAM, delivered)
        assert hops.copy(client, database, MORNING) == (1, 0)
        # and twice in one go, beside another
        note(client, 7, "screening", MORNING + timedelta(seconds=9))
        client.xadd(STREAM, entries(client)[0])
        assert hops.copy(client, database, MORNING) == (2, 1)
        assert kept(database) == [(7, "confirm"), (7, "screening")]
        assert hops.copy(client, database, MORNING) == (0, 0)

    def test_a_worker_that_is_killed_before_it_acknowledges_doubles_nothing(
        self, client: redis.Redis, database: Database, redis_url: str
    ) -> None:
        for second in range(30):
            note(client, second % 7, "confirm", MORNING + timedelta(seconds=second))
        killed = subprocess.run(
            [sys.executable, "-c", _KILLED, redis_url, database.url, MORNING.isoformat()], check=False
        )
        assert killed.returncode == -signal.SIGKILL
        written, waiting = len(kept(database)), client.xlen(STREAM)
        assert (written, waiting) == (20, 30)
        while hops.copy(client, database, MORNING) != (0, 0):
            pass
        assert (len(kept(database)), client.xlen(STREAM)) == (30, 0)

    def test_two_workers_at_once_write_everything_once(
        self, client: redis.Redis, database: Database, redis_url: str
    ) -> None:
        notes = HopNotes(client)
        for number in range(5000):
            notes.note(MORNING.timestamp() + number, "sms", "registration", "offer", number % 50 + 1, number, True)
        notes.close()
        code = _KILLED.replace("hops.drop = lambda client, batches: os.kill(os.getpid(), signal.SIGKILL)\n", "")
        at_it = [
            subprocess.Popen([sys.executable, "-c", code, redis_url, database.url, MORNING.isoformat()])
            for _ in range(2)
        ]
        assert [worker.wait() for worker in at_it] == [0, 0]
        assert database.row("SELECT count(*), count(DISTINCT at) FROM hop") == (5000, 5000)
        assert client.xlen(STREAM) == 0


class TestProgress:
    """That somebody has talked to us and proved who they are comes from the turns, where nothing else has said so before."""

    def told(self, world: World, worker: int) -> tuple[object, ...] | None:
        return world.database.row("SELECT started_at, verified_at, updated_at FROM worker WHERE id = %s", (worker,))

    def test_the_first_turn_and_the_first_one_after_the_proof(self, world: World, client: redis.Redis) -> None:
        siti = world.worker(None).id
        at = [MORNING + timedelta(seconds=seconds) for seconds in range(5)]
        copied = MORNING + timedelta(seconds=9)
        note(client, siti, "screening", at[3])
        note(client, siti, "confirm", at[2])
        note(client, siti, "birth_date", at[1])
        hops.copy(client, world.database, copied)
        assert self.told(world, siti) == (at[1], at[2], copied)
        # what is known stays, also when an earlier turn comes late; and nobody is touched for nothing
        note(client, siti, "birth_date", at[0])
        note(client, siti, "offer", at[4])
        hops.copy(client, world.database, copied + timedelta(hours=1))
        assert self.told(world, siti) == (at[1], at[2], copied)

    def test_the_proof_may_come_in_a_later_batch(self, world: World, client: redis.Redis) -> None:
        siti = world.worker(None).id
        later = MORNING + timedelta(minutes=1)
        note(client, siti, "birth_date")
        hops.copy(client, world.database, MORNING)
        assert self.told(world, siti) == (MORNING, None, MORNING)
        note(client, siti, "confirm", later)
        hops.copy(client, world.database, later)
        assert self.told(world, siti) == (MORNING, later, later)

    def test_a_batch_that_comes_twice_says_the_same_and_one_of_nobody_we_know_nothing(
        self, world: World, client: redis.Redis
    ) -> None:
        siti = world.worker(None).id
        note(client, siti, "confirm")
        delivered = entries(client)[0]
        hops.copy(client, world.database, MORNING)
        client.xadd(STREAM, delivered)
        note(client, siti + 1000, "confirm")
        assert hops.copy(client, world.database, MORNING + timedelta(hours=1)) == (2, 1)
        assert self.told(world, siti) == (MORNING, MORNING, MORNING)

    def test_turns_of_the_release_before_tell_no_proof_and_ours_can_be_read_by_it(
        self, world: World, client: redis.Redis
    ) -> None:
        siti = world.worker(None).id
        note(client, siti, "confirm")
        [entry] = entries(client)
        assert [len(line.split(b" ")) for line in entry[b"h"].split(b"\n")] == [6]
        client.delete(STREAM)
        client.xadd(STREAM, {"n": entry[b"n"], "h": entry[b"h"]})
        assert hops.copy(client, world.database, MORNING) == (1, 1)
        assert self.told(world, siti) == (MORNING, None, MORNING)

    def test_while_somebody_holds_a_worker_for_long_turns_stay_where_they_are(
        self, world: World, client: redis.Redis
    ) -> None:
        siti, budi = world.worker(None).id, world.worker(None).id
        note(client, siti, "confirm")
        note(client, budi, "confirm")
        with world.database.transaction() as connection:
            connection.execute("UPDATE worker SET profession = 'Bidan' WHERE id = %s", (budi,))
            assert hops.copy(client, world.database, MORNING) == (0, 0)
            assert (client.xlen(STREAM), kept(world.database)) == (2, [])
        assert hops.copy(client, world.database, MORNING) == (2, 2)
        assert self.told(world, budi) == (MORNING, MORNING, MORNING)


class TestLastStop:
    def test_it_moves_forward_in_time_only(self, client: redis.Redis, database: Database) -> None:
        note(client, 7, "offer", MORNING + timedelta(minutes=2))
        hops.copy(client, database, MORNING)
        note(client, 7, "screening", MORNING + timedelta(minutes=1))
        hops.copy(client, database, MORNING)
        assert stands(database, 7) == "offer"
        note(client, 7, "times", MORNING + timedelta(minutes=3))
        note(client, 7, "places", MORNING + timedelta(minutes=2, seconds=30))
        hops.copy(client, database, MORNING)
        assert stands(database, 7) == "times"
        assert len(kept(database)) == 4


class TestOldOnes:
    def test_the_numbers_of_batches_go_in_portions(self, client: redis.Redis, database: Database) -> None:
        for day in range(4):
            note(client, 7, "offer", MORNING + timedelta(days=day))
        hops.copy(client, database, MORNING)
        later = MORNING + timedelta(days=3, hours=1)
        assert [hops.drop_old(database, later, most=2) for _ in range(4)] == [2, 2, 0, 0]
        assert len(kept(database)) == 4
        assert stands(database, 7) == "offer"


class TestJobs:
    @pytest.fixture(autouse=True)
    def _in_this_process(self, environ: dict[str, str]) -> Iterator[None]:
        with jobs_in_this_process(environ):
            yield

    def test_they_do_it_until_nothing_is_left(
        self, client: redis.Redis, database: Database, clock: MovableClock
    ) -> None:
        for second in range(25):
            note(client, 7, "offer", MORNING + timedelta(seconds=second))
        assert hop_jobs.copy_hops() == 25
        assert hop_jobs.copy_hops() == 0
        clock.passes(days=31)
        assert hop_jobs.drop_old_hops() == 25
        assert hop_jobs.drop_old_hops() == 0

    def test_where_a_server_is_away_they_wait(
        self, client: redis.Redis, servers: EmbeddedServers, database: Database
    ) -> None:
        note(client, 7, "offer")
        with paused(servers.valkey.pid):
            assert hop_jobs.copy_hops() == 0
        assert hop_jobs.copy_hops() == 1

    def test_the_clock_has_them_done(self, client: redis.Redis) -> None:
        jobs_of_the_clock = {job.func for job in schedule(client).get_jobs()}
        assert {hop_jobs.copy_hops, hop_jobs.drop_old_hops} <= jobs_of_the_clock


def test_places_where_people_stop_are_states_of_the_flow() -> None:
    flow = registration(Campaign("*119#", "1500", (18, 59)))
    for states in hops.STOPS.values():
        assert all(flow.by_name[state].waits for state in states)
    ends = {state.name for state in flow.states if isinstance(state, Ending)}
    named = {state for states in hops.STOPS.values() for state in states}
    afterwards = {"booked", "cancel_sure", "nothing_booked", "deferred_before"}
    assert {state.name for state in flow.states if state.waits} - named == afterwards
    assert not ends & named


def test_a_story_is_found_by_an_index(database: Database) -> None:
    values = {"worker": 7, "visits": [1], "subject": "worker:7", "at": None, "source": None, "id": None}
    for sql in (timeline._EVENTS.format(reach="true"), timeline._SCREENS):
        with database.connection() as connection:
            connection.execute("SET enable_seqscan = off")
            plan = str(connection.execute(f"EXPLAIN {sql}".encode(), values).fetchall())
        assert "ix_hop_worker_id_at" in plan
        assert "Seq Scan on hop" not in plan
