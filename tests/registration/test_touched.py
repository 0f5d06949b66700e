"""Whom something has happened to of late is found, and whether they are too many for a look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.registration.touched import _PEOPLE, OPEN, Cursor, look_from_here, touched
from tests.registration.happenings import WAYS, message, receipt
from tests.registration.keeper import Keeper
from tests.world import MORNING


@pytest.mark.parametrize("way", WAYS)
def test_whom_something_happened_to_is_found(keeper: Keeper, people: list[int], way: str) -> None:
    # Long after the roster was imported.
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
        assert touched(connection, here, 100).workers == []
    WAYS[way](keeper.database, people[3], keeper.clock.moment)
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
    WAYS["dials"](keeper.database, people[0], began)
    with keeper.database.transaction() as connection:
        assert touched(connection, here, 100).workers == [people[0]]


def test_receipts_are_looked_at_until_those_before_them_are_surely_there(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    cursor: Cursor | None = None
    starts = []
    for second in range(0, 40, 5):
        receipt(keeper.database, people[0], keeper.clock.moment + timedelta(seconds=second), by_phone=True)
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
            receipt(keeper.database, person, keeper.clock.moment, by_phone=by_phone)
            keeper.database.rows("UPDATE receipt SET provider_id = provider_id || id WHERE provider_id = 'x'")
    with keeper.database.transaction() as connection:
        found = touched(connection, here, most)
    assert found.too_many or sorted(found.workers) == people[:10]
    assert found.too_many == (most < (10 if by_phone else 30))


def test_messages_that_are_too_many_are_not_even_read(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
    message(keeper.database, people[0], keeper.clock.moment)
    for size, too_many in ((3, False), (4, True)):
        keeper.database.rows("UPDATE attempt SET size = %s", (size,))
        with keeper.database.transaction() as connection:
            found = touched(connection, here, 3)
        assert (found.workers, found.too_many) == ([] if too_many else [people[0]], too_many)


def test_receipts_that_are_too_many_are_not_looked_up(keeper: Keeper, people: list[int]) -> None:
    keeper.clock.moment += timedelta(hours=1)
    with keeper.database.transaction() as connection:
        here = look_from_here(connection, None, keeper.clock.moment)
    receipt(keeper.database, people[0], keeper.clock.moment, by_phone=True)
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
