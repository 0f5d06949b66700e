"""A browser and, for it, the service in processes of its own: web and the worker that sends."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver

from bot.clock import set_file_clock
from bot.db import audit
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from tests.phones import WEBHOOK_SECRET
from tests.web.browser.simulator_page import SimulatorPage
from tests.world import DATA_KEY, MORNING, World

_PROJECT = Path(__file__).parents[3]
_PATIENCE = 30.0
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars "
    "--force-prefers-reduced-motion --window-size=1280,800"
)


@pytest.fixture(scope="package")
def address(
    template: str, url_of: Callable[[str], str], servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running service with an empty database, whose clock stands at ``MORNING``."""
    folder = tmp_path_factory.mktemp("simulator")
    set_file_clock(folder / "clock.json", MORNING)
    with redis.Redis.from_url(servers.urls.redis_url) as client:
        client.flushall()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    name = f"simulator_{port}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url_of(name),
        "REDIS_URL": servers.urls.redis_url,
        "SECRET_KEY": "secret of tests",
        "DATA_KEY": DATA_KEY,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SMS_GATEWAY": "simulator",
        "SIMULATOR": "1",
        "CLOCK_FILE": str(folder / "clock.json"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "WEB_PROCESSES": "1",
    }
    with contextlib.ExitStack() as running:
        running.callback(_drop, url_of("postgres"), name)
        for command in (("web",), ("worker", "--lane", "reply"), ("worker", "--lane", "receipts")):
            running.enter_context(_child(command, environ, folder / f"{command[0]}.log"))
        _wait_until_ready(port, folder)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _child(command: tuple[str, ...], environ: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", *command],
            cwd=_PROJECT,
            env=environ,
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


def _wait_until_ready(port: int, folder: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        assert time.monotonic() < end, (folder / "web.log").read_text()
        time.sleep(0.05)


def _drop(postgres: str, name: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="package")
def world(address: str, url_of: Callable[[str], str]) -> Iterator[World]:
    """The roster of that service, marked as a sample; each test adds its own people."""
    database = Database(url_of(f"simulator_{address.rpartition(':')[2]}"), limit=10.0)
    made = World(database)
    made.district()
    with database.transaction() as connection:
        audit.record(connection, MORNING, "tests", "sample.load", "roster")
    yield made
    database.close()


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium, as Debian brings it."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": "id"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Driver("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(_PATIENCE)
    yield driver
    driver.quit()


@pytest.fixture
def page(address: str, browser: webdriver.Chrome) -> Iterator[SimulatorPage]:
    """The simulator, as somebody sees it who was never there; nothing may be complained of in the browser's console."""
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
    made = SimulatorPage(browser, address)
    made.forget()
    yield made
    made.resize(1280, 800)
    made.network(offline=False)
    assert made.complaints() == []
