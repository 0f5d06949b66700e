"""Commands that share the servers of a folder, which a keeper starts and stops for them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bot.embedded.addresses import Kind, posted
from bot.embedded.errors import EmbeddedServerError, NoEmbeddedServer
from bot.embedded.layout import Layout
from bot.embedded.lease import Lease
from bot.embedded.servers import EmbeddedServers, ServerUrls, urls_of_running, using_servers
from tests.embedded.programs import COMMAND, end, first_line, remembered, running, servers_on
from tests.embedded.waiting import eventually


def _keeper(folder: Path) -> int:
    found = posted(Layout(folder))
    assert found is not None
    return found.pid


def test_a_command_alone_starts_the_servers_and_leaves_none_running(used_var: Path) -> None:
    with using_servers(used_var) as urls:
        assert remembered(urls) == ("before", "before")
    assert urls_of_running(used_var) is None
    assert servers_on(used_var) == []


def test_a_command_uses_the_servers_of_a_running_service(used_var: Path) -> None:
    with EmbeddedServers(used_var) as servers, using_servers(used_var) as urls:
        assert urls == servers.urls


def test_the_servers_stay_until_the_last_of_two_commands_ends(used_var: Path) -> None:
    with running(COMMAND, used_var) as first, running(COMMAND, used_var) as second:
        addresses = first_line(first)
        assert first_line(second) == addresses
        end(first)
        assert remembered(ServerUrls(*addresses.split())) == ("before", "before")
        end(second)
        assert servers_on(used_var) == []


def test_a_command_that_is_killed_lets_go(used_var: Path) -> None:
    with running(COMMAND, used_var) as first, running(COMMAND, used_var) as second:
        first_line(first)
        addresses = first_line(second)
        first.kill()
        first.wait()
        assert remembered(ServerUrls(*addresses.split())) == ("before", "before")
        second.kill()
        second.wait()
        eventually(lambda: not servers_on(used_var))
        eventually(lambda: urls_of_running(used_var) is None)


def test_a_command_that_comes_while_the_servers_stop_gets_new_ones(used_var: Path) -> None:
    with running(COMMAND, used_var) as first:
        first_line(first)
        layout = Layout(used_var)
        assert first.stdin
        first.stdin.close()
        eventually(lambda: not layout.addresses.exists())  # the keeper has begun to stop them
        with using_servers(used_var) as urls:
            assert remembered(urls) == ("before", "before")


def test_only_the_servers_that_are_asked_for_are_started(used_var: Path) -> None:
    with using_servers(used_var, database=False) as urls:
        assert urls.database_url == ""
        assert urls.redis_url
        running_now = posted(Layout(used_var))
        assert running_now
        assert running_now.urls == urls
        with using_servers(used_var) as both:
            assert both.redis_url == urls.redis_url
            assert remembered(both) == ("before", "before")


def test_a_server_that_cannot_start_does_not_take_the_other_from_its_users(used_var: Path) -> None:
    (used_var / "postgres" / "PG_VERSION").write_text("17\n")
    with using_servers(used_var, database=False) as urls:
        with (
            pytest.raises(EmbeddedServerError, match="made by PostgreSQL 17"),
            using_servers(used_var),
        ):
            pass
        assert urls_of_running(used_var) == urls
        (used_var / "postgres" / "PG_VERSION").write_text("18\n")

        def both_run() -> bool:
            try:
                with using_servers(used_var) as both:
                    return remembered(both) == ("before", "before")
            except EmbeddedServerError:  # the keeper has not noticed yet that nobody waits for it any more
                return False

        eventually(both_run)


def test_a_killed_keeper_is_replaced_and_the_addresses_stay(used_var: Path) -> None:
    with Lease(used_var) as lease:
        before, first = lease.urls, _keeper(used_var)
        os.kill(first, signal.SIGKILL)

        def replaced() -> bool:
            lease.tend()
            now = posted(Layout(used_var))
            return now is not None and now.pid != first and now.urls == before

        eventually(replaced)
        assert remembered(before) == ("before", "before")


def test_the_keeper_brings_a_killed_server_back(used_var: Path) -> None:
    with using_servers(used_var) as urls:
        with psycopg.connect(urls.database_url) as connection:
            row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        assert row
        postmaster = int(row[0].split()[0])
        os.kill(postmaster, signal.SIGKILL)
        died = time.monotonic()

        def back() -> bool:
            try:
                return remembered(urls) == ("before", "before")
            except psycopg.OperationalError:
                return False

        eventually(back)
        assert time.monotonic() - died < 2


def test_the_keeper_gets_none_of_our_keys(used_var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_KEY", "secret-of-ours")
    with using_servers(used_var):
        kept = [_keeper(used_var), *servers_on(used_var)]
        environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in kept if Path(f"/proc/{pid}").exists()]
        assert not any(b"secret-of-ours" in environment for environment in environments)


def test_servers_of_a_removed_folder_end(used_var: Path) -> None:
    with running(COMMAND, used_var) as command:
        first_line(command)
        used_var.rename(used_var.with_name(f"{used_var.name}-removed"))
        eventually(lambda: not servers_on(used_var.with_name(f"{used_var.name}-removed")))


def test_commands_that_come_and_go_at_once_leave_nothing_running(used_var: Path) -> None:
    with contextlib.ExitStack() as stack:
        commands = [stack.enter_context(running(COMMAND, used_var)) for _ in range(5)]
        addresses = {first_line(command) for command in commands}
        assert len(addresses) == 1
        for command in commands:
            assert command.stdin
            command.stdin.close()
        for command in commands:
            assert command.wait(20) == 0
        assert servers_on(used_var) == []
        assert list((used_var / "run" / "users").iterdir()) == []


def test_a_long_lease_can_be_given_up_while_it_waits(var: Path) -> None:
    class GivenUpError(Exception):
        pass

    def give_up() -> None:
        raise GivenUpError

    with pytest.raises(GivenUpError):
        Lease(var, check=give_up).__enter__()
    eventually(lambda: not servers_on(var))


def test_a_problem_keeps_its_kind_on_the_way_to_the_command(var: Path) -> None:
    layout = Layout(var)
    with EmbeddedServers(var, durable=False):
        found = posted(layout)
        assert found
        problem = NoEmbeddedServer("There is none; set DATABASE_URL.")
        replace(found, problems={Kind.POSTGRES: problem}).write(layout)
        with pytest.raises(NoEmbeddedServer, match="set DATABASE_URL"), using_servers(var):
            pass
