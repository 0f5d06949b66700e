"""Who stopped at confirming and who at the screening: told apart by the last screen, where that is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.db.database import Database
from tests.campaigns.office import Office
from tests.campaigns.test_audience import change, found


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=None)
    yield Office(database)
    database.close()


def stands(office: Office, worker: int, state: str, minutes: float = 1) -> None:
    """A worker's last screen, some minutes after they proved who they are."""
    office.database.rows(
        "INSERT INTO last_stop (worker_id, at, channel, flow, state) VALUES (%s, %s, 'ussd', 'registration', %s)",
        (worker, office.now + timedelta(minutes=minutes), state),
    )


def test_the_last_screen_tells_confirming_and_screening_apart(office: Office) -> None:
    confirming, searching, screening, which, unknown, long_ago, back = office.workers(7)
    for worker in (confirming, searching, screening, which, unknown, long_ago, back):
        change(office, worker, started_at=office.now, verified_at=office.now)
    stands(office, confirming, "confirm", 0)
    stands(office, searching, "district_search")
    stands(office, screening, "screening")
    stands(office, which, "which")
    stands(office, long_ago, "screening", -5)
    stands(office, back, "birth_date")
    assert found(office, stopped_at=["confirm"]) == [confirming, searching, unknown, long_ago, back]
    assert found(office, stopped_at=["screening"]) == [screening, which, unknown, long_ago, back]
    assert len(found(office, stopped_at=["confirm", "screening"])) == 7
    assert found(office, stopped_at=["identify"]) == found(office, stopped_at=["offer"]) == []
