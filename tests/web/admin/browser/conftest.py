"""The whole service in processes of its own, a made-up roster, two of the ministry's admins, and a browser."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import redis
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from bench.people import choose_callers
from bot.campaigns import campaigns
from bot.campaigns.launching import launch
from bot.campaigns.plans import Plan
from bot.clock import RealClock
from bot.crypto import Vault
from bot.db.database import Database
from bot.messaging.outbox import Lane
from bot.officers import accounts
from bot.officers.accounts import Role
from bot.queues import enqueue_about, enqueue_drain
from bot.registration.sample import load_sample
from bot.serve.plan import children
from gateway_adapters.registry import load_gateways
from tests.phones import Phone
from tests.web.browser.conftest import browser
from tests.web.browser.running import PATIENCE, Prepare, Running, prepare
from tests.world import DATA_KEY

__all__ = ["browser", "prepare"]

PASSWORD = "correct horse battery"
MINISTRY, SECOND = "kementerian", "kedua"
WORKERS = 300
#: Where pictures of the pages are kept, if anywhere; and the widths that they are taken at.
PICTURES = os.environ.get("SCREENSHOTS", "")
_WIDTHS = (1280, 390)


@pytest.fixture(scope="package")
def running(prepare: Prepare) -> Iterator[Running]:
    """Web, every lane's worker and the clock, on a sample of some hundred workers."""
    with prepare("room", CAMPAIGN_APPROVAL_ABOVE="100") as service:
        load_sample(service.database, Vault(DATA_KEY), RealClock(), WORKERS)
        for admin in (MINISTRY, SECOND):
            accounts.add(service.database, admin, Role.NATIONAL, None, PASSWORD, now=datetime.now(UTC), actor="tests")
        argvs = [child.argv for child in children(service.environ)]
        with service.processes(tuple(argv[argv.index("bot") + 1 :]) for argv in argvs):
            _people_come(service)
            yield service


def _people_come(service: Running) -> None:
    """Somebody registers, a stranger leaves an enquiry, and the ministry has sent a blast and has a draft."""
    environ, database = service.environ, service.database

    def post(path: str, form: Mapping[str, str], _headers: Mapping[str, str]) -> tuple[int, str]:
        request = Request(f"{service.address}{path}", data=urlencode(form).encode())
        with urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()

    registered = 0
    for number, born in choose_callers(database.url, 20):
        phone = Phone(number, post)
        phone.dials()
        for typed in (born, "1", "1", "1"):
            if phone.goes_on:
                phone.types(typed)
        registered += "Tiket" in phone.screen
    assert registered > 10
    stranger = Phone("+6281299999999", post)
    stranger.dials()
    for typed in ("3171010101800001", "01011980", "1", "1"):
        if stranger.goes_on:
            stranger.types(typed)
    gateways = load_gateways(environ, public_url="", timeout=1.0, simulator=True)
    text = {"id": "Kemenkes: balas SMS ini dengan tanggal lahir."}
    first = Plan("Undangan pertama", text, gateway="simulator", ignore_quiet_hours=True)
    campaigns.create(database, first, gateways, now=datetime.now(UTC), actor=MINISTRY)
    launch(database, first.name, gateways, now=datetime.now(UTC), approval_above=10**9, actor=MINISTRY)
    with redis.Redis.from_url(environ["REDIS_URL"]) as client:
        enqueue_drain(client, Lane.BLAST)
        _waits(database, "SELECT count(*) = 0 FROM message WHERE state = 'queued'", "the first blast does not leave")
        enqueue_about(client, "end_campaigns", 0)  # the clock's next sweep may be ten seconds away
        _waits(database, "SELECT bool_and(state = 'finished') FROM campaign", "the first blast does not end")
    plan = Plan("Undangan", {"id": "Yth. {name}, balas dengan tanggal lahir."}, gateway="simulator")
    campaigns.create(database, plan, gateways, now=datetime.now(UTC), actor=MINISTRY)


def _waits(database: Database, sql: str, otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not database.value(sql):
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


@dataclass
class RoomPage:
    """What an admin does and sees in a browser."""

    driver: webdriver.Chrome
    address: str

    def goes_to(self, path: str) -> None:
        self.driver.get(f"{self.address}{path}")

    def resizes(self, width: int, height: int = 900) -> None:
        metrics: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def forgets(self) -> None:
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.address, "storageTypes": "all"})

    def signs_in(self, name: str = MINISTRY, *, language: str = "en") -> None:
        self.forgets()
        self.goes_to("/admin/sign-in")
        self.types("name", name)
        self.types("password", PASSWORD)
        self.clicks("main button.main")
        # the admin's own language is what counts from now on
        self.clicks(f".languages button[value={language}]")

    def clicks(self, css: str) -> None:
        """Click on what leads to another page, and wait for that."""
        here = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.find_element(By.CSS_SELECTOR, css).click()
        # Asked in the very moment in which the page goes, Chromium knows the element and not its page.
        WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[WebDriverException]).until(staleness_of(here))
        WebDriverWait(self.driver, PATIENCE).until(lambda driver: driver.find_elements(By.TAG_NAME, "main"))

    def types(self, field: str, text: str) -> None:
        element = self.driver.find_element(By.NAME, field)
        element.clear()
        element.send_keys(text)

    def sees(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    @property
    def text(self) -> str:
        return str(self.driver.find_element(By.TAG_NAME, "main").text)

    def complaints(self) -> list[str]:
        """What the browser's console has complained of since it was last asked."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def faults(self) -> list[str]:
        """What axe-core finds serious or critical on this page."""
        self.driver.execute_script(AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(JSON.stringify(r.violations)));"
        )
        return [
            f"{fault['id']}: {fault['nodes'][0]['html'][:160]}"
            for fault in json.loads(found)
            if fault["impact"] in {"serious", "critical"}
        ]

    def is_kept(self, path: str, language: str) -> None:
        """Keep pictures of the whole page, as wide as a desk's and a phone's window, where ``SCREENSHOTS`` says."""
        if not PICTURES:
            return
        folder = Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", path.removeprefix("/admin").lower()).strip("-") or "home"
        for width in _WIDTHS:
            self.resizes(width)
            WebDriverWait(self.driver, PATIENCE).until_not(lambda d: d.find_elements(By.CSS_SELECTOR, ".htmx-request"))
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
            shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            (folder / f"{name}.{language}.{width}.png").write_bytes(base64.b64decode(shot["data"]))

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth"))


AXE = (Path(__file__).parents[1] / "vendor" / "axe-4.14.1.min.js").read_text(encoding="utf-8")


@pytest.fixture
def room(running: Running, browser: webdriver.Chrome) -> Iterator[RoomPage]:
    """Somebody at the command room, who was never there."""
    page = RoomPage(browser, running.address)
    page.forgets()
    page.resizes(1280)
    page.complaints()
    yield page
    page.resizes(1280)
