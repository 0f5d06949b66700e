"""The release before goes on working while a database is upgraded: migrations after 0004 only add.

So web and workers are replaced one after the other. ``make upgrade-check`` has the release before say its own tests of the
hot path on this schema; here is what can be told from the schema alone, revision by revision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from bot.db import migrate
from tests.db.shape import broken_promises, shape_of

#: What was there when the first session that could be upgraded while running was released.
_FIRST = "0004"
#: Indexes on tables that were there: writers of the table wait while they are made. Later migrations say it themselves.
_KNOWN_WAITS = {
    "0005": "two BRIN indexes, and one of campaigns' attempts: under a second with 1.4 million workers",
    "0008": "a row for each number with wrong answers: few, and no other hop writes there",
}


@pytest.fixture
def old_url(url_of: Callable[[str], str]) -> Iterator[str]:
    with _database("t_one_back", url_of) as url:
        command.upgrade(migrate._config(url), _FIRST)
        yield url


@contextmanager
def _database(name: str, url_of: Callable[[str], str]) -> Iterator[str]:
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield url_of(name)
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _later() -> list[str]:
    """The revisions after the first, oldest first."""
    scripts = ScriptDirectory.from_config(migrate._config(""))
    return [each.revision for each in reversed(list(scripts.walk_revisions(_FIRST, "head"))) if each.revision != _FIRST]


def test_each_migration_only_adds(old_url: str) -> None:
    """But for rules that no statement names any more: which, and since which earlier revision, it says in ``UNNAMED``."""
    scripts = ScriptDirectory.from_config(migrate._config(""))
    before = shape_of(old_url)
    for revision in _later():
        command.upgrade(migrate._config(old_url), revision)
        after = shape_of(old_url)
        unnamed = getattr(scripts.get_revision(revision).module, "UNNAMED", {})
        assert all(since < revision for since in unnamed.values())
        gone = [f"{rule} is gone: ON CONFLICT may name it" for rule in unnamed]
        assert broken_promises(before, after) == gone, revision
        before = after


def test_who_makes_writers_wait_says_for_how_long(old_url: str) -> None:
    """An index on a table that is in use is in the same transaction as all the rest: it says in ``WAITS`` what it costs."""
    scripts = ScriptDirectory.from_config(migrate._config(""))
    known = shape_of(old_url).tables
    for revision in _later():
        module = scripts.get_revision(revision).module
        text = "\n".join(value for value in vars(module).values() if isinstance(value, str))
        made = {name.lower() for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", text, re.IGNORECASE)}
        indexed = {name.lower() for name in re.findall(r"CREATE (?:UNIQUE )?INDEX[^;]*? ON (\w+)", text, re.IGNORECASE)}
        if (indexed - made) & known:
            assert _KNOWN_WAITS.get(revision) or getattr(module, "WAITS", ""), revision
        known |= made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE worker DROP COLUMN profession CASCADE", "worker.profession is gone"),
        ("ALTER TABLE worker RENAME COLUMN profession TO job", "worker.profession is gone"),
        ("DROP TABLE spending", "spending.day is gone"),
        ("ALTER TABLE booking ALTER COLUMN dose TYPE integer", "booking.dose was smallint and is integer"),
        ("ALTER TABLE worker ALTER COLUMN phone SET NOT NULL", "worker.phone must not be NULL any more"),
        ("ALTER TABLE inbound ALTER COLUMN tries DROP DEFAULT", "inbound.tries has no default any more"),
        ("ALTER TABLE inbound ADD COLUMN spool text NOT NULL", "inbound.spool is new, must not be NULL"),
        ("ALTER TABLE worker ADD CHECK (name <> 'Budi')", "is new or another: CHECK"),
        ("CREATE UNIQUE INDEX uq ON worker (phone)", "worker.uq is new or another"),
        ("CREATE UNIQUE INDEX uq ON inbound (gateway_message_id, phone)", "inbound.uq is new or another"),
        ("CREATE UNIQUE INDEX uq ON message (natural_key, phone)", "message.uq is new or another"),
        ("CREATE UNIQUE INDEX uq ON inbound (gateway, phone) INCLUDE (gateway_message_id)", "inbound.uq is new or another"),
        ("CREATE UNIQUE INDEX uq ON inbound (gateway, gateway_message_id, link_id) NULLS NOT DISTINCT",
         "inbound.uq is new or another"),
        ("ALTER TABLE message DROP CONSTRAINT ck_message_lane, ADD CONSTRAINT ck_message_lane CHECK (lane IN ('reply'))",
         "message.ck_message_lane is new or another"),
        ("DROP INDEX uq_message_natural_key", "message.uq_message_natural_key is gone"),
    ],
)  # fmt: skip
def test_what_the_release_before_cannot_live_with_is_found(old_url: str, change: str, said: str) -> None:
    before = shape_of(old_url)
    with psycopg.connect(old_url) as connection:
        connection.execute(change.encode())
    assert any(said in each for each in broken_promises(before, shape_of(old_url)))


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE novelty (id bigint PRIMARY KEY, name text NOT NULL)",
        "ALTER TABLE inbound ADD COLUMN spooled_at timestamptz",
        "ALTER TABLE inbound ADD COLUMN spooled boolean NOT NULL DEFAULT false",
        "ALTER TABLE inbound ADD COLUMN spool text CHECK (spool <> '')",
        "ALTER TABLE inbound ADD COLUMN spool text UNIQUE",
        "CREATE INDEX ix ON inbound (settled_at)",
        "CREATE UNIQUE INDEX uq ON inbound (phone, gateway, gateway_message_id)",
        "CREATE UNIQUE INDEX uq ON inbound (gateway, gateway_message_id) WHERE link_id IS NULL",
        "ALTER TABLE message DROP CONSTRAINT ck_message_lane, ADD CONSTRAINT ck_message_lane "
        "CHECK (lane IN ('reply', 'reminder', 'blast', 'voice'))",
        "ALTER TABLE worker DROP CONSTRAINT ck_worker_sex",
    ],
)
def test_what_it_need_not_know_is_no_harm(old_url: str, change: str) -> None:
    before = shape_of(old_url)
    with psycopg.connect(old_url) as connection:
        connection.execute(change.encode())
    assert broken_promises(before, shape_of(old_url)) == []


def test_an_upgrade_makes_nobody_wait_behind_it(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reads a table that has to be changed, for as long as it takes; the upgrade gives up, and comes again."""
    monkeypatch.setattr(migrate, "_PAUSE", 0.0)
    monkeypatch.setattr(migrate, "_TRIES", 2)
    with psycopg.connect(old_url) as reader:
        reader.execute("LOCK TABLE figure_snapshot IN EXCLUSIVE MODE")
        with pytest.raises(migrate.TablesInUse):
            migrate.upgrade(old_url)
    migrate.upgrade(old_url)
    with psycopg.connect(old_url) as connection:
        assert migrate.revision_of(connection) == migrate.newest()
