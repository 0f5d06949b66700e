"""A browser and, for it, the service in processes of its own: web and the worker that sends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver

from bot.clock import set_file_clock
from bot.db import audit
from bot.embedded.servers import EmbeddedServers
from gateway_adapters.simulator import Simulator
from tests.web.browser.running import PATIENCE, Prepare, Running, prepare
from tests.web.browser.simulator_page import SimulatorPage
from tests.world import MORNING, Worker, World

__all__ = ["prepare"]

_numbers = count(1)

_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars "
    "--force-prefers-reduced-motion --window-size=1280,800"
)


@pytest.fixture(scope="package")
def running(prepare: Prepare, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with an empty database, whose clock stands at ``MORNING``."""
    clock = tmp_path_factory.mktemp("clock") / "clock.json"
    set_file_clock(clock, MORNING)
    commands = (("web",), ("worker", "--lane", "reply"), ("worker", "--lane", "receipts"))
    with prepare("simulator", CLOCK_FILE=str(clock)) as service, service.processes(commands):
        yield service


@pytest.fixture(scope="package")
def address(running: Running) -> str:
    """Where that service is."""
    return running.address


@pytest.fixture(scope="package")
def world(running: Running) -> World:
    """The roster of that service, marked as a sample; each test adds its own people."""
    made = World(running.database)
    made.district()
    with running.database.transaction() as connection:
        audit.record(connection, MORNING, "tests", "sample.load", "roster")
    return made


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
    driver.set_page_load_timeout(PATIENCE)
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


@pytest.fixture
def siti(world: World) -> Worker:
    """A worker with a free place at her facility, of a name that nobody else has."""
    number = next(_numbers)
    place = world.facility(name="Puskesmas Melati")
    world.session(place)
    return world.worker(place, name=f"Siti Wulandari {number:03}", birth_date=date(1985, 8, 17))


@pytest.fixture
def simulator(servers: EmbeddedServers) -> Simulator:
    """The gateway that fills the inboxes, for messages that the service would never send."""
    return Simulator({"REDIS_URL": servers.urls.redis_url}, public_url="", timeout=2.0)
