"""What gateways accepted: the id of each, and what is on record where one was accepted again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.db import audit
from bot.db.database import Database
from bot.invariants import check
from bot.messaging import leases, outbox, settling
from bot.messaging.leases import Lease
from bot.messaging.outbox import Draft, Lane
from bot.messaging.settling import Settled
from gateway_adapters.base import Accepted, Outgoing, Rejected
from tests.world import MORNING

_TWICE = "no message was accepted twice by a gateway without an admin's decision"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


def claimed(database: Database, *keys: str) -> list[tuple[Lease, Outgoing]]:
    with database.transaction() as connection:
        for number, key in enumerate(keys):
            outbox.write(
                connection, Draft(key, "reply", Lane.REPLY, "twilio", f"+6281{number:08d}", "id", "halo"), MORNING
            )
    return [(lease, letter) for lease, letter in leases.claim_replies(database, MORNING, 10) if letter is not None]


def submitted(database: Database, *keys: str) -> list[tuple[Lease, Outgoing]]:
    found = claimed(database, *keys)
    leases.submit(database, [lease for lease, _ in found], MORNING)
    return found


def accepts(database: Database, lease: Lease, letter: Outgoing, provider_id: str) -> None:
    settling.settle(database, [Settled(lease, [letter], [Accepted(letter.id, provider_id)])], [lease.id], MORNING)


def broken(database: Database) -> list[str]:
    return [finding.invariant.name for finding in check(database, MORNING) if finding.count]


def test_ids_come_to_their_messages_whatever_they_hold(database: Database) -> None:
    (one, first), (two, second) = submitted(database, "a", "b")
    answers = [
        Settled(one, [first], [Accepted(first.id, "with, commas and \x1f units")]),
        Settled(two, [second], [Accepted(second.id, "SM2")]),
    ]
    settling.settle(database, answers, [one.id, two.id], MORNING)
    assert database.rows("SELECT provider_id, state FROM message ORDER BY id") == [
        ("with, commas and  units", "accepted"),
        ("SM2", "accepted"),
    ]
    assert database.rows("SELECT DISTINCT state FROM attempt") == [("settled",)]
    assert broken(database) == []


def test_outcomes_are_written_with_the_submission_of_what_comes_next(database: Database) -> None:
    """One commit, so one wait for the disk."""
    (one, first), (two, _), (lost, _) = claimed(database, "a", "b", "c")
    leases.submit(database, [one], MORNING)
    leases.give_back(database, lost, MORNING)
    answers = [Settled(one, [first], [Accepted(first.id, "SM1")])]
    assert settling.settle(database, answers, [one.id], MORNING, submitting=[two, lost]) == {two.id}
    assert database.rows("SELECT state FROM attempt ORDER BY id") == [("settled",), ("submitted",), ("queued",)]
    assert database.rows("SELECT provider_id, state FROM message WHERE id = %s", (first.id,)) == [("SM1", "accepted")]
    written_by = (
        "SELECT xmin::text FROM attempt WHERE state <> 'queued' UNION SELECT xmin::text FROM message WHERE id = %s"
    )
    assert len(database.rows(written_by, (first.id,))) == 1


def test_what_comes_next_is_submitted_whatever_the_outcomes_are(database: Database) -> None:
    (one, first), (two, _) = claimed(database, "a", "b")
    leases.submit(database, [one], MORNING)
    answers = [Settled(one, [first], [Rejected(first.id, "no such number", permanent=True)])]
    assert settling.settle(database, answers, [one.id], MORNING, submitting=[two]) == {two.id}
    assert database.rows("SELECT state FROM attempt ORDER BY id") == [("settled",), ("submitted",)]


def test_what_was_accepted_again_is_on_record_and_found_without_a_decision(database: Database) -> None:
    [(lease, letter)] = submitted(database, "a")
    accepts(database, lease, letter, "SM1")
    accepts(database, lease, letter, "SM1")
    assert database.value("SELECT count(*) FROM further_acceptance") == 0
    accepts(database, lease, letter, "SM2")
    assert database.rows("SELECT provider_id FROM message") == [("SM1",)]
    assert database.rows("SELECT provider_id, message_id FROM further_acceptance") == [("SM2", letter.id)]
    assert broken(database) == [_TWICE]
    with database.transaction() as connection:
        audit.record(connection, MORNING, "sri", "replies.resend", "replies")
    assert broken(database) == []


def test_a_receipt_that_was_faster_stands(database: Database) -> None:
    [(lease, letter)] = submitted(database, "a")
    database.rows("UPDATE message SET state = 'delivered', provider_id = 'SM1', settled_at = %s", (MORNING,))
    accepts(database, lease, letter, "SM1")
    assert database.rows("SELECT state, provider_id FROM message") == [("delivered", "SM1")]
    assert database.value("SELECT state FROM attempt") == "settled"


def test_a_whole_attempt_is_not_compared_each_with_each_where_most_is_settled(database: Database) -> None:
    """The planner expects that nothing is open where nearly nothing is, and goes through all ids for each message."""
    [(lease, letter)] = submitted(database, "a")
    database.rows(
        "INSERT INTO message (attempt_id, phone, state, provider_id, created_at, lane, kind, gateway, language, natural_key, "
        "body) SELECT attempt_id, phone, 'accepted', 'SM' || n, created_at, lane, kind, gateway, language, 'key ' || n, body "
        "FROM message, generate_series(1, 5000) AS n"
    )
    database.rows("ANALYZE message")
    told = {"provider_ids": "SM", "messages": str(letter.id), "leases": [lease.id], "done": [lease.id]}
    more = {"gateway": lease.gateway, "now": MORNING}
    plan = "\n".join(row[0] for row in database.rows("EXPLAIN " + settling._ACCEPT_AS[True, False].sql, told | more))
    assert "Hash Join" in plan
    assert "Nested Loop" not in plan
