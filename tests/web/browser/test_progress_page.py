"""The first page of the command room in a browser: it updates itself, and nothing that its reader did is lost by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from bot.clock import ManualClock
from bot.evaluation import figures
from bot.officers import accounts
from bot.officers.accounts import Role
from tests.world import MORNING, World

_PATIENCE = 30.0
_PASSWORD = "correct horse battery"
_CURVE = "window.echarts?.getInstanceByDom(document.getElementById('progress-curve'))"
_FAILED = """
document.getElementById("progress").dispatchEvent(
  new CustomEvent("htmx:afterRequest", { detail: { successful: false, xhr: {} } }))
"""


@pytest.fixture
def counted(world: World) -> Iterator[Callable[[], None]]:
    """Two districts with people, counted; a call registers one more of the second, and counts again."""
    clock = ManualClock(MORNING)
    world.district("7371", "Kota Makassar", "Asia/Makassar")
    here, there = world.facility(), world.facility("Puskesmas Pantai", "7371")
    session = world.session(there)
    waiting = [world.worker(there, district="7371").id for _ in range(4)]
    for _ in range(6):
        world.worker(here)

    def book() -> None:
        worker = waiting.pop()
        world.database.rows(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
            "VALUES (%s, %s, 'booked', %s, %s, %s)",
            (worker, session, f"W{worker}", MORNING, MORNING),
        )
        figures.make(world.database, clock)
        clock.moment += timedelta(seconds=5)

    book()
    yield book
    world.database.rows("DELETE FROM booking WHERE session_id = %s", (session,))


@pytest.fixture
def reader(address: str, browser: webdriver.Chrome, world: World) -> Iterator[webdriver.Chrome]:
    """An officer of the ministry who reads English, signed in."""
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
    name = f"reader{time.monotonic_ns()}"
    accounts.add(world.database, name, Role.NATIONAL, None, _PASSWORD, now=MORNING, actor="tests")
    world.database.rows("UPDATE admin SET language = 'en' WHERE name = %s", (name,))
    browser.get(f"{address}/admin/sign-in")
    browser.find_element(By.ID, "name").send_keys(name)
    browser.find_element(By.ID, "password").send_keys(_PASSWORD)
    browser.find_element(By.CSS_SELECTOR, "main form button").click()
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    yield browser
    told = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [line for line in told if line["level"] == "SEVERE"] == []
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})


def _districts(browser: webdriver.Chrome) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#parts tbody tr")
    return [row.find_element(By.TAG_NAME, "th").text for row in rows if row.is_displayed()]


def _waits(until: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not until():
        assert time.monotonic() < end, "the page has not updated itself"
        time.sleep(0.1)


def test_it_updates_itself_and_loses_nothing(
    reader: webdriver.Chrome, address: str, counted: Callable[[], None]
) -> None:
    reader.get(f"{address}/admin/progress/")
    headline = reader.find_element(By.CSS_SELECTOR, ".headline")
    registered = int(headline.text.split(" ")[0])
    _waits(lambda: bool(reader.execute_script(f"return Boolean({_CURVE})")))
    sort = next(each for each in reader.find_elements(By.CSS_SELECTOR, "#parts button.sort") if each.text == "Roster")
    sort.click()
    assert sort.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    order = _districts(reader)
    search = reader.find_element(By.ID, "parts-search")
    search.send_keys("kota")
    reader.find_element(By.CSS_SELECTOR, ".chart-table summary").click()
    search.click()
    counted()
    _waits(lambda: headline.text.startswith(f"{registered + 1} of "))
    assert _districts(reader) == order
    assert reader.switch_to.active_element == search
    assert search.get_attribute("value") == "kota"
    assert reader.find_element(By.CSS_SELECTOR, ".chart-table").get_attribute("open") is not None
    drawn = reader.execute_script(f"return {_CURVE}.getOption().series[0].data.at(-1)[1]")
    assert drawn == registered + 1


def test_when_it_cannot_update_itself_it_says_so(
    reader: webdriver.Chrome, address: str, counted: Callable[[], None]
) -> None:
    reader.get(f"{address}/admin/progress/")
    notice = reader.find_element(By.CSS_SELECTOR, "[data-stale]")
    assert not notice.is_displayed()
    reader.execute_script(_FAILED)
    assert notice.is_displayed()
    _waits(lambda: not notice.is_displayed())


def test_charts_write_numbers_by_the_page_s_language_and_fit_paper(
    reader: webdriver.Chrome, address: str, counted: Callable[[], None], world: World
) -> None:
    axis = f"return {_CURVE}.getOption().yAxis[0].axisLabel.formatter(71204)"
    time_axis = f"return {_CURVE}.getOption().xAxis[0].axisLabel.formatter(Date.UTC(2021, 7, 13, arguments[0], 30))"
    width = f"return {_CURVE}.getWidth()"
    for language, number in (("en", "71,204"), ("id", "71.204")):
        world.database.rows("UPDATE admin SET language = %s WHERE name LIKE 'reader%%'", (language,))
        reader.get(f"{address}/admin/progress/")
        _waits(lambda: bool(reader.execute_script(f"return Boolean({_CURVE})")))
        assert reader.execute_script(axis) == number
        assert reader.execute_script(time_axis, 18) == "18.30"
    on_screen = reader.execute_script(width)
    reader.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert reader.execute_script(width) == 680  # what A4 holds between its margins
    reader.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert reader.execute_script(width) == on_screen
