"""``backup`` and ``restore``, as an operator types them, when something is wrong with what is there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot.backup import programs
from bot.backup.dumping import snapshot
from bot.crypto import Vault
from bot.db import migrate
from bot.db.database import Database
from bot.embedded.errors import NoEmbeddedServer
from bot.invariants import check
from bot.messaging import brakes, leases
from tests.cli.test_registry import Balas, balas, environment
from tests.embedded.waiting import eventually
from tests.world import MORNING, World

__all__ = ["balas", "environment"]

OTHER_KEY = base64.urlsafe_b64encode(bytes(range(1, 33))).decode()


@pytest.fixture
def world(database_url: str, environment: dict[str, str]) -> Iterator[World]:
    database = Database(database_url)
    made = World(database, Vault(environment["DATA_KEY"]))
    made.district()
    made.worker(made.facility())
    yield made
    database.close()


@pytest.fixture
def kept(balas: Balas, world: World, tmp_path: Path) -> Path:
    """A backup."""
    done = balas("backup", "kept")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "DATA_KEY is not in it, and it is worthless without" in done.stdout
    return tmp_path / "kept"


class Restoring:
    """``restore`` into a database of its own."""

    def __init__(self, balas: Balas, environment: dict[str, str], url: str) -> None:
        self._balas = balas
        self._environment = environment
        self.url = url

    def __call__(self, *words: str) -> tuple[int, str, str]:
        before = self._environment["DATABASE_URL"]
        self._environment["DATABASE_URL"] = self.url
        done = self._balas("restore", "kept", *words)
        self._environment["DATABASE_URL"] = before
        return done.exit_code, done.stdout, done.stderr

    def is_empty(self) -> bool:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            ).fetchone()
        return row == (0,)


@pytest.fixture
def restoring(balas: Balas, environment: dict[str, str], empty_url: str) -> Restoring:
    return Restoring(balas, environment, empty_url)


class TestWhatIsWritten:
    def test_its_owner_alone_can_read_it(self, kept: Path) -> None:
        assert stat.S_IMODE(kept.stat().st_mode) == 0o700
        assert {stat.S_IMODE(each.stat().st_mode) for each in kept.iterdir()} == {0o600}

    def test_no_key_is_in_it(self, kept: Path, environment: dict[str, str]) -> None:
        for name in ("DATA_KEY", "SECRET_KEY"):
            key = environment[name]
            for form in (key.encode(), base64.urlsafe_b64decode(key), base64.urlsafe_b64decode(key).hex().encode()):
                assert not any(form in each.read_bytes() for each in kept.iterdir())

    def test_the_manifest_says_what_is_in_it(self, kept: Path) -> None:
        said = json.loads((kept / "manifest.json").read_text())
        assert (said["rows"]["worker"], said["rows"]["district"], said["rows"]["booking"]) == (1, 1, 0)
        assert said["size"] == (kept / "database.dump").stat().st_size

    def test_no_backup_is_overwritten(self, balas: Balas, kept: Path) -> None:
        done = balas("backup", "kept")
        assert (done.exit_code, done.stderr) == (1, f"{kept} is not empty: name a new folder for each backup.\n")

    def test_an_environment_with_another_key_is_told(
        self, balas: Balas, world: World, environment: dict[str, str], tmp_path: Path
    ) -> None:
        environment["DATA_KEY"] = OTHER_KEY
        done = balas("backup", "kept")
        assert done.exit_code == 1
        assert done.stderr.startswith("The backup is whole, but this environment's DATA_KEY lacks a key")
        assert (tmp_path / "kept" / "manifest.json").exists()

    def test_without_the_program_it_says_which(
        self, balas: Balas, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def nothing() -> None:
            raise NoEmbeddedServer("none")

        monkeypatch.setattr(programs, "postgres_programs", nothing)
        monkeypatch.setattr(programs.shutil, "which", lambda name: None)
        done = balas("backup", "kept")
        assert done.exit_code == 1
        assert "pg_dump of PostgreSQL 18 or newer is missing (there is none)" in done.stderr
        assert not (tmp_path / "kept").exists()

    def test_a_password_is_not_among_the_arguments(self, tmp_path: Path) -> None:
        """Other accounts can read a process' arguments."""
        tool, seen = tmp_path / "tool", tmp_path / "seen"
        tool.write_text(f'#!/bin/sh\necho "$@" "/$PGPASSWORD/" > {seen}\n')
        tool.chmod(0o755)
        url = "postgresql://balas:very%20secret@db.example/balas"
        programs.run([str(tool)], url, {}, "Dumping", lambda step, done: None)
        [arguments, password, _] = seen.read_text().split("/")
        assert password == "very secret"
        assert "secret" not in arguments
        assert make_conninfo(user="balas", dbname="balas", host="db.example") in arguments

    def test_an_upgrade_waits_for_it_and_nobody_behind_the_upgrade(self, database_url: str) -> None:
        with ThreadPoolExecutor(1) as upgrading, psycopg.connect(database_url, autocommit=True) as others:
            with snapshot(database_url):
                upgraded = upgrading.submit(migrate.upgrade, database_url)
                eventually(lambda: others.execute(_WAITS_FOR_BACKUP).fetchone() == (1,))
                others.execute("UPDATE district SET name = name")
                assert not upgraded.done()
            upgraded.result(timeout=10)


class TestRestoring:
    def test_all_is_there_again(self, kept: Path, restoring: Restoring, balas: Balas) -> None:
        code, told, wrong = restoring("--yes")
        assert (code, wrong) == (0, "")
        assert "1 workers, 0 bookings" in told
        with psycopg.connect(restoring.url) as connection:
            assert connection.execute("SELECT name FROM worker").fetchall() == [("Siti Wulandari",)]
            assert connection.execute("SELECT action FROM audit WHERE actor LIKE 'cli:%' ORDER BY id").fetchall() == [
                ("backup.restore",),
                ("sending.stop",),
            ]

    def test_it_asks_first(self, kept: Path, restoring: Restoring) -> None:
        assert restoring()[0] == 1
        assert restoring.is_empty()

    def test_what_waited_is_not_sent_again_by_itself(self, balas: Balas, world: World, restoring: Restoring) -> None:
        _write_reply(world)
        balas("backup", "kept")
        assert "1 messages that waited are of unknown fate now" in restoring("--yes")[1]
        database = Database(restoring.url)
        assert list(leases.claim_replies(database, MORNING, 10)) == []
        assert database.rows("SELECT state, reason FROM message") == [("unknown", "restored from a backup")]
        assert brakes.is_stopped(database)
        assert [each.invariant.name for each in check(database, MORNING) if each.count] == []
        database.close()

    def test_what_waited_leaves_where_the_service_has_only_moved(
        self, balas: Balas, world: World, restoring: Restoring
    ) -> None:
        _write_reply(world)
        balas("backup", "kept")
        restoring("--yes", "--moved")
        database = Database(restoring.url)
        assert len(list(leases.claim_replies(database, MORNING, 10))) == 1
        assert not brakes.is_stopped(database)
        database.close()

    def test_what_postgresqls_own_tools_set_back_is_made_fit_too(self, balas: Balas, world: World) -> None:
        _write_reply(world)
        done = balas("db", "restored", "--yes")
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("1 messages that waited are of unknown fate now")
        assert world.database.value("SELECT state FROM message") == "unknown"
        assert brakes.is_stopped(world.database)

    def test_nothing_is_overwritten(self, kept: Path, restoring: Restoring, world: World) -> None:
        restoring.url = world.database.url
        code, _, said = restoring("--yes")
        assert code == 1
        assert said.startswith("The database is not empty, and nothing in it is overwritten")
        assert world.database.value("SELECT count(*) FROM worker") == 1


class TestWrongKeys:
    def test_another_key(self, kept: Path, restoring: Restoring, environment: dict[str, str]) -> None:
        environment["DATA_KEY"] = OTHER_KEY
        code, _, said = restoring("--yes")
        assert code == 1
        assert said.startswith("DATA_KEY is not the one that this is sealed with: NIKs, screening answers")
        assert restoring.is_empty()

    def test_a_newer_one_may_stand_before_it(
        self, kept: Path, restoring: Restoring, environment: dict[str, str]
    ) -> None:
        environment["DATA_KEY"] = f"{OTHER_KEY},{environment['DATA_KEY']}"
        assert restoring("--yes")[0] == 0

    def test_one_of_several_is_lacking(
        self, balas: Balas, world: World, restoring: Restoring, environment: dict[str, str]
    ) -> None:
        """Half of what is sealed was sealed before the key was changed."""
        old = environment["DATA_KEY"]
        environment["DATA_KEY"] = f"{OTHER_KEY},{old}"
        newer = World(world.database, Vault(environment["DATA_KEY"]))
        newer._serial = world._serial
        newer.worker(None)
        assert balas("backup", "kept").exit_code == 0
        environment["DATA_KEY"] = OTHER_KEY
        code, _, said = restoring("--yes")
        assert code == 1
        assert "DATA_KEY" in said
        assert restoring.is_empty()
        environment["DATA_KEY"] = f"{OTHER_KEY},{old}"
        assert restoring("--yes")[0] == 0

    def test_it_can_be_restored_all_the_same_and_says_so(
        self, kept: Path, restoring: Restoring, balas: Balas, environment: dict[str, str]
    ) -> None:
        environment["DATA_KEY"] = OTHER_KEY
        code, told, said = restoring("--yes", "--any-key")
        assert code == 1
        assert "Restored" in told
        assert said.startswith("Attention: DATA_KEY lacks a key")
        environment["DATABASE_URL"] = restoring.url
        done = balas("doctor")
        assert done.exit_code == 0
        assert done.stderr.startswith("Attention: some of what is sealed was sealed with a key that is not in DATA_KEY")


class TestDamage:
    def test_a_dump_cut_short(self, kept: Path, restoring: Restoring) -> None:
        dump = kept / "database.dump"
        size = dump.stat().st_size
        os.truncate(dump, size - 1)
        code, _, said = restoring("--yes")
        assert (code, f"{dump.name} is cut short: {size - 1:,} of {size:,} bytes" in said) == (1, True)
        assert restoring.is_empty()

    def test_one_byte_that_is_another(self, kept: Path, restoring: Restoring) -> None:
        dump = kept / "database.dump"
        content = bytearray(dump.read_bytes())
        content[len(content) // 2] ^= 1
        dump.write_bytes(content)
        assert "is damaged: its checksum is another one" in restoring("--yes")[2]
        assert restoring.is_empty()

    def test_one_that_was_not_finished(self, kept: Path, restoring: Restoring) -> None:
        (kept / "manifest.json").unlink()
        assert "is no backup, or one that was not finished" in restoring("--yes")[2]

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1, "rows": 3}'])
    def test_a_manifest_that_is_none(self, kept: Path, restoring: Restoring, text: str) -> None:
        (kept / "manifest.json").write_text(text)
        code, _, said = restoring("--yes")
        assert (code, "manifest.json" in said, "Traceback" in said) == (1, True, False)

    def test_what_fails_on_the_way_leaves_nothing(self, kept: Path, restoring: Restoring) -> None:
        """A manifest that agrees with a dump that does not: the rows are counted after all."""
        said = json.loads((kept / "manifest.json").read_text())
        said["rows"]["worker"] = 2
        (kept / "manifest.json").write_text(json.dumps(said))
        code, _, told = restoring("--yes")
        assert (code, told) == (1, "Not all rows came back: worker differ from the manifest.\n")
        assert restoring.is_empty()

    def test_what_pg_restore_cannot_read_leaves_nothing(
        self, balas: Balas, world: World, restoring: Restoring, tmp_path: Path
    ) -> None:
        """Damaged before its checksum was made: tables are there by then, and what it says quotes no row."""
        for _ in range(300):
            world.worker(None)
        balas("backup", "kept")
        dump = tmp_path / "kept" / "database.dump"
        content = bytearray(dump.read_bytes())
        content[-20_000:-10_000] = bytes(10_000)  # the roster's rows are among the last
        dump.write_bytes(content)
        said = json.loads((tmp_path / "kept" / "manifest.json").read_text())
        said["sha256"] = hashlib.sha256(content).hexdigest()
        said["size"] = len(content)
        (tmp_path / "kept" / "manifest.json").write_text(json.dumps(said))
        code, _, told = restoring("--yes")
        assert code == 1
        assert told.startswith("pg_restore ended with code 1: ")
        assert "Wulandari" not in told
        assert restoring.is_empty()

    def test_a_newer_releases(self, kept: Path, restoring: Restoring) -> None:
        said = json.loads((kept / "manifest.json").read_text())
        (kept / "manifest.json").write_text(json.dumps(said | {"schema": "9999"}))
        assert "has the schema 9999 of a newer release" in restoring("--yes")[2]


#: Sessions of PostgreSQL that wait for a lock of ours, not for a table.
_WAITS_FOR_BACKUP = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
)


def _write_reply(world: World) -> None:
    world.database.rows(
        "WITH a AS (INSERT INTO attempt (lane, gateway, size, phone, state, created_at, due_at) "
        "VALUES ('reply', 'twilio', 1, '+6281', 'queued', %(now)s, %(now)s) RETURNING id) "
        "INSERT INTO message (attempt_id, phone, state, created_at, lane, kind, gateway, language, natural_key, body) "
        "SELECT id, '+6281', 'queued', %(now)s, 'reply', 'reply', 'twilio', 'id', 'test:1', 'halo' FROM a",
        {"now": MORNING},
    )
