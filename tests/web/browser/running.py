"""The service in processes of its own, on a database of its own, for a browser to open."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis

from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from tests.phones import WEBHOOK_SECRET
from tests.world import DATA_KEY

_PROJECT = Path(__file__).parents[3]
#: Longest wait for anything that must happen, in seconds.
PATIENCE = 30.0


@dataclass(frozen=True)
class Running:
    """A service: its address, its settings, its database, and the folder of its logs."""

    address: str
    port: int
    environ: dict[str, str]
    database: Database
    folder: Path

    @contextlib.contextmanager
    def processes(self, commands: Iterable[tuple[str, ...]]) -> Iterator[None]:
        """Runs commands of ``python -m bot``, of which one is ``web``; within, web is ready."""
        with contextlib.ExitStack() as stack:
            for command in commands:
                stack.enter_context(self._process(command))
            self._wait_until_ready()
            yield

    @contextlib.contextmanager
    def _process(self, command: tuple[str, ...]) -> Iterator[None]:
        with (self.folder / f"{'-'.join(word.strip('-') for word in command)}.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", *command],
                cwd=_PROJECT,
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            assert time.monotonic() < end, [log.read_text() for log in self.folder.glob("*.log")]
            time.sleep(0.05)


#: Makes a service that does not run yet, by the name of its folder and what else its settings say.
Prepare = Callable[..., contextlib.AbstractContextManager[Running]]


@pytest.fixture(scope="package")
def prepare(
    template: str, url_of: Callable[[str], str], servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Prepare:
    """Makes services, each with an empty database at this release's schema; Redis is emptied."""

    @contextlib.contextmanager
    def make(name: str, **more: str) -> Iterator[Running]:
        folder = tmp_path_factory.mktemp(name)
        with redis.Redis.from_url(servers.urls.redis_url) as client:
            client.flushall()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        database_name = f"{name}_{port}"
        environ = {
            "PATH": os.environ["PATH"],
            "VAR": str(folder),
            "DATABASE_URL": url_of(database_name),
            "REDIS_URL": servers.urls.redis_url,
            "SECRET_KEY": "secret of tests",
            "DATA_KEY": DATA_KEY,
            "WEBHOOK_SECRET": WEBHOOK_SECRET,
            "SMS_GATEWAY": "simulator",
            "SIMULATOR": "1",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "LOG_LEVEL": "WARNING",
            "WEB_PROCESSES": "1",
            **more,
        }
        with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database_name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
            database = Database(environ["DATABASE_URL"], limit=None)
            try:
                yield Running(f"http://127.0.0.1:{port}", port, environ, database, folder)
            finally:
                database.close()
                connection.execute(f"DROP DATABASE {database_name} WITH (FORCE)".encode())

    return make
