"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.db import audit
from bot.db.database import Database
from bot.officers.audit_log import Search, actions, every, page
from tests.world import MORNING


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    with made.transaction() as connection:
        for number in range(30):
            # three lines at each moment: the id decides between them
            at = MORNING + timedelta(minutes=number // 3)
            actor, action = ("sri", "nik.reveal") if number % 5 == 0 else ("budi", "user.add")
            audit.record(connection, at, actor, action, f"worker:{number}")
    yield made
    made.close()


def test_pages_follow_one_another_without_gap_or_repeat(database: Database) -> None:
    seen: list[int] = []
    cursor = ""
    while True:
        lines, cursor = page(database, Search(before=cursor), size=7)
        seen += [int(line.subject.removeprefix("worker:")) for line in lines]
        if not cursor:
            break
    assert seen == list(range(29, -1, -1))
    assert [line.subject for line in every(database, Search(), most=4)] == [f"worker:{n}" for n in (29, 28, 27, 26)]


def test_by_who_what_about_what_and_when(database: Database) -> None:
    assert len(page(database, Search(actor="sri"))[0]) == 6
    assert len(page(database, Search(action="user.add", actor="sri"))[0]) == 0
    assert [line.actor for line in page(database, Search(subject="worker:10"))[0]] == ["sri"]
    since, until = MORNING + timedelta(minutes=2), MORNING + timedelta(minutes=4)
    assert {line.at for line in page(database, Search(since=since, until=until))[0]} == {
        since,
        since + timedelta(minutes=1),
    }
    assert actions(database) == ["nik.reveal", "user.add"]


@pytest.mark.parametrize("cursor", ["x", "2021-01-13T02:00:00+00:00_x", "_", "_1"])
def test_a_cursor_that_is_none(database: Database, cursor: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        page(database, Search(before=cursor))


def test_no_action_yet(database_url: str) -> None:
    empty = Database(database_url, limit=10)
    try:
        assert actions(empty) == []
    finally:
        empty.close()
