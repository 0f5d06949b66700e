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
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from argon2 import PasswordHasher
from jinja2 import BytecodeCache, FileSystemBytecodeCache

from bot.embedded.layout import PASS_THROUGH
from bot.embedded.servers import EmbeddedServers
from bot.officers import passwords
from bot.redis_clients import connect

_MEMORY = Path("/dev/shm")  # a database is copied there in 20 ms, on some disks in 200
_ENOUGH_MEMORY = 1024**3
_PREFIX = "balas-tests-"
_TEMPLATE = "balas_template"

#: Files and folders whose tests wait for whole services, the longest first.
_LONG = (
    "tests/e2e/test_blast.py",
    "tests/web/admin/browser",
    "tests/e2e/test_service.py",
    "tests/web/browser",
    "tests/serve/test_service.py",
    "tests/embedded",
    "tests/bench",
    "tests/sizing/test_measuring.py",
    "tests/web/api/test_document.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones among the first half of the others: two workers then seldom start services at the same time, and
    neither is left with a long one when the other has nothing to do any more."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    long = [[name for name in files if name.startswith(one)] for one in _LONG]
    short = [name for name in files if not name.startswith(_LONG)]
    between = len(short) // (2 * len(_LONG))
    order: list[str] = []
    for number, names in enumerate(long):
        order += [*names, *short[number * between : (number + 1) * between]]
    order += short[len(_LONG) * between :]
    items[:] = [item for name in order for item in files[name]]


def _room() -> Path:
    """Where folders of tests go: into memory where there is enough of it."""
    if os.access(_MEMORY, os.W_OK):
        room = os.statvfs(_MEMORY)
        if room.f_bavail * room.f_frsize >= _ENOUGH_MEMORY and not room.f_flag & os.ST_NOEXEC:
            return _MEMORY
    return Path(tempfile.gettempdir())


def _remove_left_folders(room: Path) -> None:
    """Remove the folders of runs that were killed."""
    for left in room.glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).split("-")[0]
        if left.stat().st_uid == os.geteuid() and pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """In this process a password costs next to nothing: an officer signs in for most tests of pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def translated_templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Pages' templates as Python: what one application has translated, others of this run need not."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def new_folder() -> Iterator[Callable[[], Path]]:
    """Makes empty folders for embedded servers; all are removed at the end of the run."""
    room = _room()
    _remove_left_folders(room)
    top = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=room))
    numbers = itertools.count(1)

    def make() -> Path:
        folder = top / str(next(numbers))
        folder.mkdir()
        for each in (top, folder):  # run as root, PostgreSQL belongs to another account, which has to get there
            each.chmod(PASS_THROUGH)
        return folder

    yield make
    shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(new_folder: Callable[[], Path]) -> Iterator[EmbeddedServers]:
    """PostgreSQL and Valkey for this run; ``servers.valkey.pid`` and the like are there to be interfered with."""
    with EmbeddedServers(new_folder(), durable=False) as running:
        yield running


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
    with _copied(template, url_of) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(template: str, url_of: Callable[[str], str]) -> Iterator[str]:
    """A database for all tests of a module, migrated and empty at first."""
    with _copied(template, url_of) as url:
        yield url


@contextmanager
def _copied(template: str, url_of: Callable[[str], str]) -> Iterator[str]:
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


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of it as the service makes one."""
    with connect(redis_url) as client:
        yield client
