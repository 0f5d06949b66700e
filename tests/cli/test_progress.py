"""``progress``, as an operator types it."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.cli.test_registry import Balas, balas, environment, lists

__all__ = ["balas", "environment", "lists"]


def test_without_districts_it_says_what_to_do(balas: Balas) -> None:
    assert balas("progress").stdout == "There is no district yet: python -m bot districts import FILE\n"
    assert json.loads(balas("progress", "--json").stdout)["districts"] == []


@pytest.mark.usefixtures("lists")
def test_registered_against_target(balas: Balas, database_url: str) -> None:
    for kind in ("districts", "facilities", "roster", "sessions"):
        assert balas(kind, "import", f"{kind}.csv").exit_code == 0
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at) "
            "SELECT w.id, s.id, 'booked', 'T', w.created_at FROM worker w, vaccination_session s ORDER BY w.id LIMIT 1"
        )
    shown = json.loads(balas("progress", "--json").stdout)
    assert (shown["target"], shown["registered"], len(shown["districts"])) == (2, 1, 3)
    [jakarta] = [district for district in shown["districts"] if district["code"] == "3171"]
    assert {name: jakarta[name] for name in ("target", "invited", "started", "registered", "places_left")} == {
        "target": 2,
        "invited": 0,
        "started": 0,
        "registered": 1,
        "places_left": 10,
    }
    assert json.loads(balas("progress", "--district", "3171", "--json").stdout)["districts"] == [jakarta]
    lines = balas("progress").stdout.splitlines()
    assert lines[0].startswith("As of ")
    assert lines[1].split() == ["target", "invited", "delivered", "started", "registered", "places", "left", "%"]
    assert lines[-1].split() == ["all", "2", "0", "0", "0", "1", "10", "50.0"]


def test_of_a_district_that_is_not_there(balas: Balas) -> None:
    done = balas("progress", "--district", "9999")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "There is no district with the code 9999.\n")
