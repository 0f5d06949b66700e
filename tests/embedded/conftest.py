"""Folders for embedded servers, fresh and used."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.embedded.servers import EmbeddedServers
from tests.embedded.programs import remember, servers_on
from tests.embedded.waiting import eventually


@pytest.fixture
def var(new_folder: Callable[[], Path]) -> Iterator[Path]:
    """A data folder that nobody has used yet; nothing may be left running on it."""
    folder = new_folder()
    yield folder
    eventually(lambda: not servers_on(folder))


@pytest.fixture(scope="session")
def _used_once(new_folder: Callable[[], Path]) -> Path:
    folder = new_folder()
    with EmbeddedServers(folder) as servers:
        remember(servers.urls, "before")
    return folder


@pytest.fixture
def used_var(var: Path, _used_once: Path) -> Path:
    """A data folder on which servers ran before, and remember the word "before"."""
    subprocess.run(["cp", "-a", f"{_used_once}/.", str(var)], check=True)
    return var
