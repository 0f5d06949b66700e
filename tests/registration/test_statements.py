"""The statements of the shortest road find their rows by index, whatever the planner knew when it planned them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.db.database import Database
from bot.db.prepared import Prepared
from bot.evaluation import standings
from bot.followup import gathering
from bot.followup.reasons import CASES
from bot.registration import bookings, identity, slots
from bot.registration.rounds import Which
from tests.world import World

#: A look at the bookings of one worker or one session, or at one booking.
_OF_ONE = r"\b(worker_id|session_id|id) ="


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def _plan(database: Database, statement: Prepared) -> dict[str, Any]:
    """The plan that is made once, whatever the values."""
    with database.connection() as connection:
        # A table as small as the tests' is read as a whole, and rightly.
        connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        connection.execute(b"PREPARE looked_at AS " + statement.encoded)
        found = connection.execute(
            f"EXPLAIN (FORMAT JSON) EXECUTE looked_at ({', '.join(['NULL'] * len(statement.names))})".encode()
        ).fetchone()
        connection.execute("DEALLOCATE looked_at")
    assert found is not None
    plans: list[dict[str, Any]] = found[0] if isinstance(found[0], list) else json.loads(found[0])
    plan: dict[str, Any] = plans[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def _booking_looks(plan: dict[str, Any]) -> list[str]:
    """By what each look at bookings finds its rows."""
    looks = [
        node for node in _nodes(plan) if node.get("Relation Name") == "booking" and node["Node Type"].endswith("Scan")
    ]
    assert looks
    return [str(node.get("Index Cond", node.get("Recheck Cond", ""))) for node in looks]


@pytest.mark.parametrize(
    "said", [identity._GREET, identity._PROVE, slots._OFFER, bookings._TAKE], ids=["greet", "prove", "offer", "take"]
)
@pytest.mark.parametrize("known", [False, True], ids=["before statistics", "with statistics of no holds"])
def test_no_statement_looks_through_every_booking(database: Database, said: Prepared, known: bool) -> None:
    if known:
        database.rows("ANALYZE booking")
    assert [look for look in _booking_looks(_plan(database, said)) if not re.search(_OF_ONE, look)] == []


@pytest.fixture
def rush(database: Database) -> Database:
    """Three thousand have registered since statistics were made, when there was one."""
    world = World(database)
    world.district()
    facility = world.facility()
    session, first = world.session(facility, capacity=5000), world.worker(facility).id
    book = (
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "SELECT id, %s, 'booked', 'T' || id, now(), now() FROM worker WHERE (id = %s) = %s"
    )
    database.rows(book, (session, first, True))
    database.rows("ANALYZE booking")
    database.rows(
        "INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone, district_code, facility_id, "
        "created_at, updated_at) SELECT sha256(n::text::bytea), nik_sealed, nik_tail, name, birth_date, sex, '+628' || n, "
        "district_code, facility_id, created_at, updated_at FROM worker, generate_series(10000, 12999) n"
    )
    database.rows("ANALYZE worker")
    database.rows(book, (session, first, False))
    return database


def test_no_follow_up_compares_each_worker_with_each_booking(rush: Database) -> None:
    cases = CASES.format(workers="w.id <= 10000", screenings="sc.worker_id <= 10000", stops="ls.worker_id <= 10000")
    with rush.connection() as connection:
        told = connection.execute(f"EXPLAIN (FORMAT JSON) {cases}".encode()).fetchone()
    assert told is not None
    assert [look for look in _booking_looks(told[0][0]["Plan"]) if not re.search(_OF_ONE, look)] == []


@pytest.mark.parametrize("put_right", [standings.statement, gathering.statement])
def test_a_stretch_of_workers_has_no_others_screenings_and_stops_read(
    rush: Database, put_right: Callable[[Which], str]
) -> None:
    """The planner would go through those of all before the stretch: a round through everybody would take ever longer."""
    which = Which("{id} > %(after)s AND {id} <= %(upto)s", {"after": 11000, "upto": 11500})
    with rush.connection() as connection:
        # As it joins them where there are many of each.
        connection.execute("SET enable_seqscan = off; SET enable_nestloop = off; SET enable_hashjoin = off")
        told = connection.execute(f"EXPLAIN (FORMAT JSON) {put_right(which)}".encode(), which.parameters).fetchone()
    assert told is not None
    looks = [node for node in _nodes(told[0][0]["Plan"]) if node.get("Relation Name") in ("screening", "last_stop")]
    assert looks
    assert all(re.search("worker_id [>=] ", str(look.get("Index Cond", look.get("Recheck Cond")))) for look in looks)


def test_the_greeting_and_the_proof_find_the_worker_by_the_number(database: Database) -> None:
    for said in (identity._GREET, identity._PROVE):
        looks = [node for node in _nodes(_plan(database, said)) if node.get("Relation Name") == "worker"]
        assert all("Index Cond" in node for node in looks if node["Node Type"] != "ModifyTable")
