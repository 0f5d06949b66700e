"""What every test may ask for: real PostgreSQL and real Valkey, empty and its own.

One pair of servers serves the whole run. A test that asks for ``database_url`` gets a database that nobody else sees,
at this release's schema; one that asks for ``redis_url`` gets Valkey with nothing in it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from bot.embedded.layout import PASS_THROUGH, Layout
from bot.embedded.locks import is_locked
from bot.embedded.servers import EmbeddedServers

_MEMORY = Path("/dev/shm")  # a database is copied there in 20 ms, on some disks in 200
_ENOUGH_MEMORY = 1024**3
_PREFIX = "balas-tests-"
_TEMPLATE = "balas_template"


def _roomy_folder() -> Path:
    """A folder for the servers of this run: in memory where there is enough of it."""
    parent = Path(tempfile.gettempdir())
    if os.access(_MEMORY, os.W_OK):
        room = os.statvfs(_MEMORY)
        if room.f_bavail * room.f_frsize >= _ENOUGH_MEMORY and not room.f_flag & os.ST_NOEXEC:
            parent = _MEMORY
    for left in parent.glob(f"{_PREFIX}*"):  # of a run that was killed
        lock = Layout(left).servers_lock
        if left.stat().st_uid == os.geteuid() and lock.exists() and not is_locked(lock):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    folder.chmod(PASS_THROUGH)  # run as root, PostgreSQL belongs to another account, which has to get there
    return folder


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """PostgreSQL and Valkey for this run; ``servers.valkey.pid`` and the like are there to be interfered with."""
    folder = _roomy_folder()
    try:
        with EmbeddedServers(folder, durable=False) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def url_of(servers: EmbeddedServers) -> Callable[[str], str]:
    """Tells the URL of a database of this run by its name."""
    before, after = servers.urls.database_url.split("/balas?")
    return lambda name: f"{before}/{name}?{after}"


@pytest.fixture(scope="session")
def template(url_of: Callable[[str], str]) -> str:
    """The name of a migrated database without any rows, from which others are copied."""
    from bot.db.migrate import upgrade

    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE}")
    upgrade(url_of(_TEMPLATE))
    return _TEMPLATE


_numbers = itertools.count(1)


@pytest.fixture
def database_url(template: str, url_of: Callable[[str], str]) -> Iterator[str]:
    """A database of this test's own, migrated and empty."""
    name = f"t_{next(_numbers)}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield url_of(name)
    # Connections that the test has left open are cut off.
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _valkey(servers: EmbeddedServers) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(servers.urls.redis_url) as client:
        yield client


@pytest.fixture
def redis_url(servers: EmbeddedServers, _valkey: redis.Redis) -> str:
    """The address of this run's Valkey, emptied for this test."""
    _valkey.flushall()
    return servers.urls.redis_url
