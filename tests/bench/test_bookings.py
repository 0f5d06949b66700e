"""The bench ``bookings`` from end to end, small: real acts in processes of their own, the floor, and the judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import bench
from bench.bookings_clerk import ClerkAccount
from bench.bookings_judge import judge, judge_few
from bench.bookings_town import FewPlaces
from bench.measures import Measured
from bot.db.database import Database
from tests.world import MORNING, World

ARGUMENTS = ("bookings", "--clerks", "3", "--people", "60", "--rounds", "1", "--workers", "600", "--json")


def test_a_small_run(new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder()
    monkeypatch.setenv("VAR", str(folder))
    done = CliRunner().invoke(bench, ARGUMENTS)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    common = Measured.of(found["common"])
    assert common.right
    spread, contested = common.work
    # Of sixty who want the few places, nine in ten get one.
    assert (spread.units, contested.units) == (60, 52)
    assert spread.cpu_us["web"] > 0 < spread.cpu_us["postgresql"]
    assert spread.floor_cpu_us > 0
    [pair] = found["contested"]
    assert (pair["floor"]["confirmed"], pair["floor"]["refused"], pair["service"]["refused"]) == (52, 8, 8)
    assert 0 < pair["service"]["p50_ms"] <= pair["service"]["p99_ms"] <= pair["service"]["longest_ms"]
    # Fifteen that warmed up, and both rounds.
    assert (found["world"]["booking"], found["world"]["message"]) == (127, 127)
    assert not [left for left in (folder / "bench").iterdir() if left.is_dir()]


@pytest.fixture
def town(database_url: str) -> Iterator[World]:
    """One session of two places."""
    world = World(Database(database_url))
    world.district()
    world.session(world.facility(), capacity=2)
    yield world
    world.database.close()


def test_a_ticket_that_nobody_finds_is_told(town: World, database_url: str) -> None:
    account = ClerkAccount(told=[(1, "A2345B")], errors={"Barred": 2})
    assert list(judge(database_url, [account])) == [
        "2 were told Barred",
        "1 tickets were told that are not there, 0 are there untold",
    ]


def test_a_booking_that_nobody_was_told_of_is_told(town: World, database_url: str) -> None:
    (facility,) = (row[0] for row in town.database.rows("SELECT id FROM facility"))
    worker = town.worker(facility)
    town.database.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "SELECT %s, id, 'booked', 'A2345B', %s, %s FROM vaccination_session",
        (worker.id, MORNING, MORNING),
    )
    assert list(judge(database_url, [ClerkAccount(refused=[worker.id])])) == [
        "0 tickets were told that are not there, 1 are there untold",
        "1 were told that there is no place, and have one",
        "1 have no ticket SMS",
    ]


def test_few_places_must_be_full_before_anybody_is_refused(town: World, database_url: str) -> None:
    few = FewPlaces(tuple(row[0] for row in town.database.rows("SELECT id FROM vaccination_session")), 2)
    assert list(judge_few(database_url, few, 3, 1)) == ["3 wanted 2 places: 0 are taken, and 1 were refused"]
    town.database.rows("UPDATE vaccination_session SET taken = 2")
    assert list(judge_few(database_url, few, 3, 1)) == []
