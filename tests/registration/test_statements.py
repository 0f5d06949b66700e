"""The statements of the shortest road find their rows by index, whatever the planner knew when it planned them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.db.database import Database
from bot.db.prepared import Prepared
from bot.registration import bookings, identity, slots


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def _plan(database: Database, statement: Prepared) -> dict[str, Any]:
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


@pytest.mark.parametrize("said", [identity._PROVE, slots._OFFER, bookings._TAKE], ids=["prove", "offer", "take"])
@pytest.mark.parametrize("known", [False, True], ids=["before statistics", "with statistics of no holds"])
def test_no_statement_looks_through_every_booking(database: Database, said: Prepared, known: bool) -> None:
    if known:
        database.rows("ANALYZE booking")
    looks = [
        node
        for node in _nodes(_plan(database, said))
        if node.get("Relation Name") == "booking" and node["Node Type"].endswith("Scan")
    ]
    assert looks
    conditions = [str(node.get("Index Cond", node.get("Recheck Cond", ""))) for node in looks]
    assert [condition for condition in conditions if not re.search(r"\b(worker_id|session_id|id) =", condition)] == []


def test_the_greeting_and_the_proof_find_the_worker_by_the_number(database: Database) -> None:
    for said in (identity._GREET, identity._PROVE):
        looks = [node for node in _nodes(_plan(database, said)) if node.get("Relation Name") == "worker"]
        assert all("Index Cond" in node for node in looks if node["Node Type"] != "ModifyTable")
