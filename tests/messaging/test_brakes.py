"""The brakes: what stops, what does not, and what is on record of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.campaigns.waiting import waiting
from bot.db.database import Database
from bot.messaging import brakes, leases
from bot.messaging.outbox import Draft, Lane, write
from tests.campaigns.office import Office


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=10)
    yield Office(database)
    database.close()


def reply(office: Office) -> None:
    draft = Draft("test:1", "reply", Lane.REPLY, "africastalking", "+6281200000001", "id", "halo")
    with office.database.transaction() as connection:
        write(connection, draft, office.now)


def test_campaigns_stop_and_replies_do_not(office: Office) -> None:
    office.workers(2)
    office.running()
    reply(office)
    assert not brakes.is_stopped(office.database)
    assert brakes.stop(office.database, office.now, "cli:budi")
    assert brakes.is_stopped(office.database)
    assert leases.claim_campaigns(office.database, Lane.BLAST, office.now) is None
    assert len(leases.claim_replies(office.database, office.now, 10)) == 1
    assert brakes.go_on(office.database, office.now, "cli:budi")
    assert leases.claim_campaigns(office.database, Lane.BLAST, office.now) is not None


def test_only_what_changes_something_is_audited(office: Office) -> None:
    assert not brakes.go_on(office.database, office.now, "cli:budi")
    for _ in range(2):
        brakes.stop(office.database, office.now, "cli:budi")
    for _ in range(2):
        brakes.go_on(office.database, office.now, "cli:budi")
    assert office.audited() == ["sending.stop", "sending.resume"]


def test_what_waits_is_counted_by_lane(office: Office) -> None:
    office.workers(3)
    office.running(batch_size=2)
    reply(office)
    office.passes(seconds=30)
    found = waiting(office.database, office.now)
    assert [(each.lane, each.attempts, each.messages, each.oldest) for each in found.lanes] == [
        (Lane.REPLY, 1, 1, 30.0),
        (Lane.REMINDER, 0, 0, 0.0),
        (Lane.BLAST, 2, 3, 30.0),
    ]
    assert (found.stopped, found.unknown) == (False, 0)


def test_what_may_not_leave_yet_is_not_late(office: Office) -> None:
    office.workers(1)
    office.running()
    office.database.rows("UPDATE campaign SET state = 'paused'")
    assert not any(each.attempts for each in waiting(office.database, office.now).lanes)


def test_unknown_ones_wait_until_somebody_decides(office: Office) -> None:
    office.workers(2)
    office.running()
    office.attempt_goes("unknown")
    office.database.rows("UPDATE attempt SET has_unknown = true; UPDATE message SET state = 'unknown'")
    assert waiting(office.database, office.now).unknown == 2
    office.database.rows("UPDATE message SET reason = 'left by an admin'")
    assert waiting(office.database, office.now).unknown == 0
