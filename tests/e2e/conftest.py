"""The whole service as it runs in production: processes, real servers, gateways that log what they are handed."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from bench.stage import free_port
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from tests.phones import WEBHOOK_SECRET, Phone
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.stub_gateways.twilio_stub import TwilioStub
from tests.world import DATA_KEY, World

_PROJECT = Path(__file__).parents[2]
#: Longest wait for anything that must happen, in seconds.
PATIENCE = 60.0


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition."""
    end = time.monotonic() + patience
    pause = 0.02
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(pause)
        pause = min(0.2, pause * 1.5)


class Service:
    """``python -m bot serve`` on servers that are there already."""

    def __init__(self, environ: Mapping[str, str], port: int, log: Path) -> None:
        self.port = port
        self.environ = environ
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"],
                cwd=_PROJECT,
                env=dict(environ),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        """Post a form: (status, body); raises ``OSError`` or ``http.client.HTTPException`` where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            body = urllib.parse.urlencode(dict(form))
            all_headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
            connection.request("POST", path, body, all_headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def children(self, *words: str) -> list[psutil.Process]:
        """The processes below us whose command line contains all ``words``."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                found.append(child)
        return found

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def africastalking() -> Iterator[AfricasTalkingStub]:
    with AfricasTalkingStub() as stub:
        yield stub


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioStub]:
    with TwilioStub() as stub:
        yield stub


@pytest.fixture(scope="module")
def service_database(template: str, url_of: Callable[[str], str]) -> Iterator[str]:
    """A database that the tests of a module share: a service is not started for each."""
    name = f"service_{free_port()}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield url_of(name)
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def service(
    service_database: str,
    servers: EmbeddedServers,
    tmp_path_factory: pytest.TempPathFactory,
    africastalking: AfricasTalkingStub,
    twilio: TwilioStub,
) -> Iterator[Service]:
    port = free_port()
    folder = tmp_path_factory.mktemp("service")
    with redis.Redis.from_url(servers.urls.redis_url) as client:
        client.flushall()
    environ = {
        "PATH": os.environ["PATH"],
        "VAR": str(folder / "var"),
        "DATABASE_URL": service_database,
        "REDIS_URL": servers.urls.redis_url,
        "SECRET_KEY": "secret of tests",
        "DATA_KEY": DATA_KEY,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PORT": str(port),
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "sandbox",
        "AT_API_KEY": "key-of-tests",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": africastalking.url,
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
        "TWILIO_AUTH_TOKEN": "token-of-tests",
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": twilio.url,
    }
    running = Service(environ, port, folder / "service.log")
    try:
        until(lambda: running.ready() or running.process.poll() is not None, "the service to be ready")
        assert running.process.poll() is None, running.log.read_text()
        yield running
    finally:
        if running.process.poll() is None:
            assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="module")
def world(service_database: str, service: Service) -> Iterator[World]:
    database = Database(service_database, limit=10)
    made = World(database)
    made.district()
    yield made
    database.close()


@pytest.fixture
def phone_of(service: Service) -> Callable[[str], Phone]:
    return lambda number: Phone(number, service.post)
