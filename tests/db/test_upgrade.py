"""A database of an earlier release, with messages in every state, brought to this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from alembic import command

from bot.db import migrate
from bot.db.database import Database
from bot.invariants import check
from bot.messaging import leases
from tests.world import MORNING

_OLD_STATES = ("queued", "claimed", "submitted", "accepted", "delivered", "rejected", "unknown")


@pytest.fixture
def old_url(url_of: Callable[[str], str]) -> Iterator[str]:
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE t_old")
    url = url_of("t_old")
    command.upgrade(migrate._config(url), "0002")
    yield url
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE t_old WITH (FORCE)")


def test_messages_and_their_attempts_are_kept(old_url: str) -> None:
    with psycopg.connect(old_url) as connection:
        for number, state in enumerate(_OLD_STATES, 1):
            connection.execute(
                "INSERT INTO message (natural_key, kind, lane, gateway, phone, language, body, state, attempts, created_at, "
                "due_at) VALUES (%s, 'reply', 'reply', 'twilio', %s, 'id', 'halo', %s, %s, %s, %s)",
                (f"reply:{number}", f"+6281{number}", state, 0 if state == "queued" else 1, MORNING, MORNING),
            )
            if state != "queued":
                connection.execute(
                    "INSERT INTO attempt (message_id, number, gateway, phone, state, provider_id, claimed_at, submitted_at) "
                    "VALUES (%s, 1, 'twilio', %s, %s, %s, %s, %s)",
                    (
                        number,
                        f"+6281{number}",
                        state,
                        f"SM{number}" if state in {"accepted", "delivered"} else None,
                        MORNING,
                        None if state == "claimed" else MORNING,
                    ),
                )
        connection.execute(
            "INSERT INTO receipt (gateway, provider_id, message_id, status, final, reason, received_at) "
            "VALUES ('twilio', 'SM5', 5, 'delivered', true, '', %s)",
            (MORNING,),
        )
    migrate.upgrade(old_url)
    database = Database(old_url)
    rows = database.rows(
        "SELECT m.natural_key, m.state, a.state FROM message m JOIN attempt a ON a.id = m.attempt_id ORDER BY m.id"
    )
    assert [(message, attempt) for _, message, attempt in rows] == [
        ("queued", "queued"),
        ("queued", "queued"),
        ("queued", "submitted"),
        ("accepted", "settled"),
        ("delivered", "settled"),
        ("rejected", "settled"),
        ("unknown", "unknown"),
    ]
    assert database.rows("SELECT provider_id, id FROM message WHERE provider_id IS NOT NULL ORDER BY 1") == [
        ("SM4", 4),
        ("SM5", 5),
    ]
    assert database.value("SELECT count(*) FROM further_acceptance") == 0
    assert database.rows("SELECT our_id, status FROM receipt") == [(5, "delivered")]
    assert [finding.invariant.name for finding in check(database, MORNING) if finding.count] == []
    # what waits is sent, and what is written next has numbers of its own
    assert [letter.id for _, letter in leases.claim_replies(database, MORNING, 10) if letter is not None] == [1, 2]
    assert database.value("SELECT nextval('message_id_seq')") == 8
    database.close()


def test_an_empty_one_is_brought_there_too(old_url: str) -> None:
    migrate.upgrade(old_url)
    database = Database(old_url)
    assert database.value("SELECT count(*) FROM campaign") == 0
    database.close()
