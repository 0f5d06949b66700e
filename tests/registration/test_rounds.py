"""What is kept of every worker is put right for whom something happened to at once, and for everybody in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from bot.clock import ManualClock
from bot.db.database import Database
from bot.registration import rounds
from bot.registration.rounds import Round, Which, look
from bot.registration.touched import _PEOPLE, OPEN, Cursor, look_from_here, touched
from tests.world import MORNING, World


@dataclass
class Keeper:
    """Looks every five seconds, and writes down whom it was to put right."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(MORNING))
    kept: Round | None = None
    seen: list[int] = field(default_factory=list)
    pace: float = 1.0

    def looks(self) -> list[int]:
        """The workers of one look."""
        self.seen.clear()
        with self.database.transaction() as connection:
            kept = look(connection, self.kept, self.clock.moment, partial(self._put_right, connection), self.pace)
        self.kept = Round.from_json(kept.as_json())
        self.clock.moment += timedelta(seconds=5)
        return sorted(self.seen)

    def has_looked_for_an_hour(self) -> None:
        """The roster was imported an hour ago."""
        for _ in range(2):
            self.looks()
            self.clock.moment += timedelta(hours=1)
        self.looks()

    def _put_right(self, connection: psycopg.Connection[Any], which: Which) -> None:
        rows = connection.execute(f"SELECT id FROM worker WHERE {which.of('id')}".encode(), which.parameters)
        self.seen += [row[0] for row in rows]


@pytest.fixture
def keeper(database_url: str) -> Keeper:
    return Keeper(Database(database_url, limit=10))


@pytest.fixture
def people(keeper: Keeper) -> list[int]:
    world = World(keeper.database)
    world.district()
    facility = world.facility()
    world.session(facility)
    return [world.worker(facility, phone=f"+6281200000{number:03d}").id for number in range(9)]


Happens = Callable[[Database, int, Any], object]

_WAYS: dict[str, Happens] = {
    "dials": lambda db, worker, now: db.rows("UPDATE worker SET started_at = %s WHERE id = %s", (now, worker)),
    "proves who they are": lambda db, worker, now: db.rows(
        "UPDATE worker SET verified_at = %s WHERE id = %s", (now, worker)
    ),
    "confirms": lambda db, worker, now: db.rows("UPDATE worker SET confirmed_at = %s WHERE id = %s", (now, worker)),
    "is corrected": lambda db, worker, now: db.rows("UPDATE worker SET updated_at = %s WHERE id = %s", (now, worker)),
    "is screened": lambda db, worker, now: db.rows(
        "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', %s)", (worker, now)
    ),
    "books": lambda db, worker, now: db.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "SELECT %s, min(id), 'booked', 'T1', %s, %s FROM vaccination_session",
        (worker, now, now),
    ),
    "cancels": lambda db, worker, now: db.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at, ended_at) "
        "SELECT %s, min(id), 'cancelled', 'T1', %s::timestamptz - interval '1 day', %s::timestamptz - interval '1 day', %s "
        "FROM vaccination_session",
        (worker, now, now, now),
    ),
    "is acted for": lambda db, worker, now: db.rows(
        "INSERT INTO audit (at, actor, action, subject) VALUES (%s, 'desk', 'desk.attended', %s)",
        (now, f"worker:{worker}"),
    ),
    "opts out": lambda db, worker, now: db.rows(
        "INSERT INTO opt_out (phone, source, since) SELECT phone, 'sms', %s FROM worker WHERE id = %s", (now, worker)
    ),
    "has a wrong number": lambda db, worker, now: db.rows(
        "INSERT INTO wrong_number (phone, gateway, reason, since) "
        "SELECT phone, 'simulator', 'no such number', %s FROM worker WHERE id = %s",
        (now, worker),
    ),
    "is locked": lambda db, worker, now: db.rows(
        "INSERT INTO identity_guard (kind, subject, failures, last_failure_at) SELECT 'phone', phone, 5, %s FROM worker "
        "WHERE id = %s",
        (now, worker),
    ),
    "is sent a message": lambda db, worker, now: _message(db, worker, now),
    "is told of by a receipt": lambda db, worker, now: _receipt(db, worker, now, by_phone=True),
    "is told of by a receipt with our own id": lambda db, worker, now: _receipt(db, worker, now, by_phone=False),
}


def _message(database: Database, worker: int, at: Any) -> int:
    campaign = database.value(
        "INSERT INTO campaign (name, kind, state, gateway, audience, created_at, created_by) "
        "VALUES ('Blast ' || gen_random_uuid(), 'blast', 'finished', 'simulator', '{}', %s, 'tests') RETURNING id",
        (at,),
    )
    attempt = database.value(
        "INSERT INTO attempt (lane, gateway, campaign_id, size, state, created_at, due_at, settled_at) "
        "VALUES ('blast', 'simulator', %s, 1, 'settled', %s, %s, %s) RETURNING id",
        (campaign, at, at, at),
    )
    return int(
        database.value(
            "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, created_at, lane, kind, gateway, "
            "language) SELECT %s, id, %s, phone, 'accepted', %s, 'blast', 'blast', 'simulator', 'id' FROM worker "
            "WHERE id = %s RETURNING id",
            (campaign, attempt, at, worker),
        )
    )


def _receipt(database: Database, worker: int, at: Any, *, by_phone: bool) -> None:
    message = _message(database, worker, at - timedelta(hours=1))
    database.rows(
        "INSERT INTO receipt (gateway, provider_id, our_id, phone, status, matched, received_at) "
        "SELECT 'simulator', 'x', CASE WHEN %s THEN NULL ELSE id END, CASE WHEN %s THEN phone END, 'delivered', true, %s "
        "FROM message WHERE id = %s",
        (by_phone, by_phone, at - timedelta(minutes=5), message),
    )


@pytest.mark.parametrize("way", _WAYS)
def test_whom_something_happened_to_is_found(keeper: Keeper, people: list[int], way: str) -> None:
    # Long after the roster was imported.
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
        assert touched(connection, here, 100).workers == []
    _WAYS[way](keeper.database, people[3], keeper.clock.moment)
    with keeper.database.transaction() as connection:
        assert touched(connection, here, 100).workers == [people[3]]


def test_the_pages_of_the_roster_are_read_once_for_all_moments_of_a_worker(keeper: Keeper, people: list[int]) -> None:
    with keeper.database.transaction() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        values = {"since": MORNING, "most": 100}
        lines = [row[0] for row in connection.execute(f"EXPLAIN (COSTS OFF) {_PEOPLE}".encode(), values)]
    looks = [line for line in lines if "started_at >=" in line and " OR " in line]
    assert len(looks) == 1
    assert all(f"{moment} >=" in looks[0] for moment in ("verified_at", "confirmed_at", "updated_at"))


def test_what_is_committed_some_seconds_after_its_moment_is_found(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    began = keeper.clock.moment
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, began + OPEN - timedelta(seconds=1))
    _WAYS["dials"](keeper.database, people[0], began)
    with keeper.database.transaction() as connection:
        assert touched(connection, here, 100).workers == [people[0]]


def test_receipts_are_looked_at_until_those_before_them_are_surely_there(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    cursor: Cursor | None = None
    starts = []
    for second in range(0, 40, 5):
        _receipt(keeper.database, people[0], keeper.clock.moment + timedelta(seconds=second), by_phone=True)
        with keeper.database.transaction() as connection:
            cursor = look_from_here(connection, cursor, keeper.clock.moment + timedelta(seconds=second))
        starts.append(cursor.receipts[0])
        assert len(cursor.receipts) <= 4
        keeper.database.rows("UPDATE receipt SET provider_id = provider_id || 'x'")
    assert keeper.clock.moment + timedelta(seconds=35) - starts[-1][0] == OPEN


@pytest.mark.parametrize("by_phone", [True, False])
@pytest.mark.parametrize("most", [5, 12, 30])
def test_nobody_is_left_out_unsaid_whose_phone_has_several_receipts(
    keeper: Keeper, people: list[int], most: int, *, by_phone: bool
) -> None:
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
    for _ in range(3):
        for person in people[:10]:
            _receipt(keeper.database, person, keeper.clock.moment, by_phone=by_phone)
            keeper.database.rows("UPDATE receipt SET provider_id = provider_id || id WHERE provider_id = 'x'")
    with keeper.database.transaction() as connection:
        found = touched(connection, here, most)
    assert found.too_many or sorted(found.workers) == people[:10]
    assert found.too_many == (most < (10 if by_phone else 30))


def test_messages_that_are_too_many_are_not_even_read(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
    _message(keeper.database, people[0], keeper.clock.moment)
    for size, too_many in ((3, False), (4, True)):
        keeper.database.rows("UPDATE attempt SET size = %s", (size,))
        with keeper.database.transaction() as connection:
            found = touched(connection, here, 3)
        assert (found.workers, found.too_many) == ([] if too_many else [people[0]], too_many)


def test_receipts_that_are_too_many_are_not_looked_up(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
    _receipt(keeper.database, people[0], keeper.clock.moment, by_phone=True)
    again = (
        "INSERT INTO receipt (gateway, provider_id, phone, status, matched, received_at) "
        "SELECT 'simulator', 'again ' || n, phone, 'sent', true, received_at FROM receipt, generate_series(%s::int, %s) n "
        "WHERE provider_id = 'x'"
    )
    for first, last, too_many in ((1, 14, False), (15, 15, True)):
        keeper.database.rows(again, (first, last))
        with keeper.database.transaction() as connection:
            found = touched(connection, here, 3)
        assert (found.workers, found.too_many) == ([] if too_many else [people[0]], too_many)


def _has_more_messages_than_a_look_takes_in(keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Long after the roster was imported; of the others it goes through one at a look."""
    keeper.has_looked_for_an_hour()
    monkeypatch.setattr(rounds, "MOST", 3)
    monkeypatch.setattr(rounds, "IN_TURN", 1)
    for worker in people[:5]:
        _WAYS["is sent a message"](keeper.database, worker, keeper.clock.moment)


def test_more_than_it_can_take_in_for_over_a_minute_is_no_reason_to_be_behind_any_longer(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    assert len(keeper.looks()) == 1
    keeper.clock.moment += timedelta(seconds=60)
    keeper.database.rows("UPDATE attempt SET settled_at = %s", (keeper.clock.moment,))
    assert sorted(keeper.looks()) == people


def test_on_a_clock_that_may_run_faster_the_minute_is_as_long_by_the_machine(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    keeper.pace, began = 100.0, keeper.clock.moment
    for later, looked_at in ((0, 1), (5_900, 1), (6_000, len(people))):
        keeper.clock.moment = began + timedelta(seconds=later)
        keeper.database.rows("UPDATE attempt SET settled_at = %s", (keeper.clock.moment,))
        assert len(keeper.looks()) == looked_at


def test_at_first_everybody_is_looked_at(keeper: Keeper, people: list[int]) -> None:
    assert keeper.looks() == people
    assert keeper.kept is not None
    assert (keeper.kept.behind, keeper.kept.right_at) == (False, MORNING)


def test_then_those_touched_and_some_others_in_turn(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.has_looked_for_an_hour()
    monkeypatch.setattr(rounds, "IN_TURN", 4)
    assert keeper.looks() == people[:4]
    _WAYS["books"](keeper.database, people[8], keeper.clock.moment)
    assert keeper.looks() == [*people[4:8], people[8]]
    assert keeper.kept is not None
    assert keeper.kept.right_at == keeper.clock.moment - timedelta(seconds=5)


def test_after_more_than_it_can_take_in_it_is_behind_until_all_were_looked_at(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    monkeypatch.setattr(rounds, "_FAST", 0.0)
    monkeypatch.setattr(rounds, "_AT_ONCE", 4)
    right_at = keeper.clock.moment - timedelta(seconds=5)
    _WAYS["dials"](keeper.database, people[8], keeper.clock.moment)
    # Who did something comes first whatever the messages are; the others once no more happens than it can take in.
    assert keeper.looks() == [people[0], people[8]]
    assert keeper.kept is not None
    assert (keeper.kept.behind, keeper.kept.right_at) == (True, right_at)
    keeper.clock.moment += OPEN
    looked_at: set[int] = set()
    while keeper.kept.behind:
        looked_at |= set(keeper.looks())
    assert looked_at == set(people)
    assert keeper.kept.right_at == keeper.clock.moment - timedelta(seconds=5)


def _disturbed_at_the_fourth(keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch) -> Round:
    """A round that goes on by fours."""
    keeper.has_looked_for_an_hour()
    monkeypatch.setattr(rounds, "IN_TURN", 4)
    assert keeper.looks() == people[:4]
    monkeypatch.setattr(rounds, "_FAST", 0.0)
    monkeypatch.setattr(rounds, "_AT_ONCE", 4)
    monkeypatch.setattr(rounds, "MOST", 3)
    for worker in people[:5]:
        _WAYS["is sent a message"](keeper.database, worker, keeper.clock.moment)
    assert keeper.looks() == people[4:8]
    keeper.database.rows("UPDATE attempt SET settled_at = settled_at - interval '1 hour'")
    assert keeper.kept is not None
    assert keeper.kept.behind
    return keeper.kept


def test_a_round_that_was_disturbed_goes_from_there_to_there(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _disturbed_at_the_fourth(keeper, people, monkeypatch)
    assert (keeper.looks(), keeper.looks()) == (people[8:], people[:4])
    assert keeper.kept is not None
    assert not keeper.kept.behind


@pytest.mark.parametrize("disturbed", [True, False])
def test_a_round_of_the_release_before_is_gone_on_with(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch, disturbed: bool
) -> None:
    kept = _disturbed_at_the_fourth(keeper, people, monkeypatch).as_json()
    assert kept["disturbed"]
    keeper.kept = Round.from_json(
        {name: kept[name] for name in kept if name not in {"began_after", "turned"}} | {"disturbed": disturbed}
    )
    looked_at: list[int] = []
    while keeper.kept.behind:
        looked_at += keeper.looks()
    assert looked_at == [*people[8:], *(people[:8] if disturbed else [])]


def test_while_a_blast_leaves_being_behind_is_put_up_with_for_a_minute(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    keeper.database.rows("UPDATE campaign SET state = 'running'")
    keeper.database.rows("UPDATE attempt SET state = 'queued', due_at = %s", (keeper.clock.moment,))
    assert len(keeper.looks()) == 1
    keeper.clock.moment += timedelta(seconds=60)
    assert len(keeper.looks()) > len(people) - 3


def test_the_first_round_too_gives_way_to_a_blast_for_a_minute(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "IN_TURN", 1)
    monkeypatch.setattr(rounds, "_FAST", 0.0)
    monkeypatch.setattr(rounds, "_AT_ONCE", 4)
    assert keeper.looks() == people[:4]
    keeper.clock.moment += OPEN
    keeper.looks()
    keeper.clock.moment += OPEN
    _message(keeper.database, people[8], keeper.clock.moment - timedelta(hours=1))
    keeper.database.rows("UPDATE campaign SET state = 'running'")
    keeper.database.rows("UPDATE attempt SET state = 'queued', due_at = %s", (keeper.clock.moment,))
    assert keeper.looks() == people[8:9]
    keeper.clock.moment += timedelta(seconds=60)
    assert keeper.kept is not None
    assert keeper.kept.right_at is None
    keeper.looks()
    assert keeper.kept.right_at is not None


def test_a_clock_that_was_set_back_begins_anew(keeper: Keeper, people: list[int]) -> None:
    keeper.looks()
    keeper.clock.moment -= timedelta(hours=3)
    assert keeper.looks() == people
