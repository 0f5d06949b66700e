"""The embedded servers as one process keeps them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from bot.embedded import leftovers
from bot.embedded.errors import EmbeddedServerError, FolderInUse
from bot.embedded.servers import EmbeddedServers, urls_of_running
from tests.embedded.programs import (
    OWNER,
    OWNER_WITHOUT_PARTING,
    first_line,
    remember,
    remembered,
    running,
    servers_on,
)
from tests.embedded.waiting import eventually


def test_the_second_start_finds_what_the_first_one_kept(var: Path) -> None:
    (var / "notes.txt").write_text("mine")
    with EmbeddedServers(var) as servers:
        remember(servers.urls, "kept")
        assert urls_of_running(var) == servers.urls
    assert servers_on(var) == []
    assert urls_of_running(var) is None
    with EmbeddedServers(var) as servers:
        assert remembered(servers.urls) == ("kept", "kept")
    assert (var / "notes.txt").read_text() == "mine"


def test_a_second_owner_is_told_in_one_line(used_var: Path) -> None:
    with EmbeddedServers(used_var) as first:
        with pytest.raises(FolderInUse) as told:
            EmbeddedServers(used_var).start()
        assert str(used_var) in str(told.value)
        assert "\n" not in str(told.value)
        assert remembered(first.urls) == ("before", "before")


def test_servers_end_when_their_owner_is_killed(used_var: Path) -> None:
    with running(OWNER, used_var) as owner:
        first_line(owner)
        assert servers_on(used_var)
        owner.kill()
        eventually(lambda: not servers_on(used_var))
    with EmbeddedServers(used_var) as servers:
        assert remembered(servers.urls) == ("before", "before")


def test_an_owner_killed_while_it_makes_the_data_leaves_nothing_in_the_way(var: Path) -> None:
    with running(OWNER, var) as owner:
        eventually(lambda: leftovers.found("initdb", var / "postgres.new"))
        owner.kill()
        eventually(lambda: not servers_on(var))
    assert not (var / "postgres").exists()
    with EmbeddedServers(var, durable=False) as servers:
        remember(servers.urls, "new")
        assert remembered(servers.urls) == ("new", "new")


def test_an_owner_killed_while_it_starts_leaves_nothing_running(used_var: Path) -> None:
    with running(OWNER, used_var) as owner:
        eventually(lambda: leftovers.found("postgres", used_var / "postgres"))
        owner.kill()
        eventually(lambda: not servers_on(used_var))
    with EmbeddedServers(used_var) as servers:
        assert remembered(servers.urls) == ("before", "before")


def test_servers_that_were_left_running_are_stopped_by_the_next_start(used_var: Path) -> None:
    with running(OWNER_WITHOUT_PARTING, used_var) as owner:
        first_line(owner)
        owner.kill()
    left = servers_on(used_var)
    assert left
    with EmbeddedServers(used_var) as servers:
        assert remembered(servers.urls) == ("before", "before")
        assert not set(left) & set(servers_on(used_var))


@pytest.fixture
def bystander(used_var: Path) -> Iterator[int]:
    """Another program of the account that runs PostgreSQL, which has got an old number by now."""
    owner = (used_var / "postgres").stat()
    rights = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], cwd="/", **rights) as process:
        yield process.pid
        assert process.poll() is None, "a bystander was killed"
        process.kill()


def test_pid_files_whose_number_belongs_to_another_program_do_not_stop_the_start(
    used_var: Path, bystander: int
) -> None:
    with EmbeddedServers(used_var) as servers:
        pid_file = used_var / "postgres" / "postmaster.pid"
        socket_lock = used_var / "run" / "postgres" / ".s.PGSQL.5432.lock"
        written = {file: file.read_text().splitlines()[1:] for file in (pid_file, socket_lock)}
        servers.postgres.kill()
        eventually(lambda: not leftovers.found("postgres", used_var / "postgres"))
    for file, rest in written.items():
        file.write_text("\n".join([str(bystander), *rest]) + "\n")
    with EmbeddedServers(used_var) as servers:
        assert remembered(servers.urls) == ("before", "before")


def test_killed_servers_come_back_where_they_were_within_two_seconds(used_var: Path) -> None:
    news: list[str] = []
    with EmbeddedServers(used_var, say=news.append) as servers:
        before = servers.urls
        for pid in (servers.postgres.pid, servers.valkey.pid):
            assert pid
            os.kill(pid, signal.SIGKILL)
        died = time.monotonic()

        def back() -> bool:
            servers.tend()
            return servers.postgres.is_ready() and servers.valkey.is_ready()

        eventually(back)
        assert time.monotonic() - died < 2
        assert remembered(before) == ("before", "before")
    assert sorted(news) == [
        "PostgreSQL was ended by SIGKILL; started again",
        "Valkey was ended by SIGKILL; started again",
    ]


def test_data_of_another_version_are_left_alone(used_var: Path) -> None:
    (used_var / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 17"):
        EmbeddedServers(used_var).start()
    assert servers_on(used_var) == []


def test_what_keeps_a_server_from_starting_is_told_in_one_line(used_var: Path) -> None:
    (used_var / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedServerError, match=r"PostgreSQL does not start: .*pg_control") as told:
        EmbeddedServers(used_var).start()
    assert "\n" not in str(told.value)


def test_nobody_but_us_reaches_the_servers(servers: EmbeddedServers) -> None:
    with psycopg.connect(servers.urls.database_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with redis.Redis.from_url(servers.urls.redis_url, decode_responses=True) as client:
        assert client.config_get("port") == {"port": "0"}
    for socket in (servers.layout.run / "postgres", servers.layout.run / "valkey"):
        assert socket.stat().st_mode & 0o077 == 0


def test_settings_keep_what_was_written(used_var: Path) -> None:
    with EmbeddedServers(used_var) as servers:
        with psycopg.connect(servers.urls.database_url) as connection:
            found = connection.execute(
                "SELECT current_setting('fsync'), current_setting('synchronous_commit'), "
                "current_setting('server_encoding')"
            ).fetchone()
            assert found == ("on", "on", "UTF8")
        with redis.Redis.from_url(servers.urls.redis_url, decode_responses=True) as client:
            assert client.config_get("appendonly", "appendfsync") == {"appendonly": "yes", "appendfsync": "everysec"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_no_value_of_a_statement_reaches_the_log(servers: EmbeddedServers) -> None:
    nik = "3171014508850001"
    with psycopg.connect(servers.urls.database_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match=nik):
            connection.execute(f"SELECT 'NIK {nik}'::int")
        connection.execute("CREATE TEMPORARY TABLE roster (nik text PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation, match=nik):
            connection.execute("INSERT INTO roster VALUES (%(nik)s), (%(nik)s)", {"nik": nik})
        connection.execute("DO $$ BEGIN RAISE WARNING '3171014508850001'; END $$")
    logged = (servers.layout.log / "postgres.log").read_text()
    assert "ready to accept connections" in logged
    assert nik not in logged
