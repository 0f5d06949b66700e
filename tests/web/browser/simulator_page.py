"""The simulator as the person in front of it uses it: by what stands on the page, not by how it is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

_PATIENCE = 12.0


class SimulatorPage:
    """A phone in a browser."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self.browser = browser
        self.address = address
        self.expected_complaints: list[str] = []

    # --- coming and going ---

    def opens(self, query: str = "") -> Self:
        self.browser.get(f"{self.address}/simulator/{query}")
        self.until(lambda: self.find("#lcd-clock").text != "" or self.display != "", "the phone is on")
        return self

    def forget(self) -> None:
        """Be somebody who was never here: also what belongs to the tab is gone."""
        self.browser.get(f"{self.address}/simulator/static/img/mark.svg")
        self.browser.execute_script("sessionStorage.clear(); localStorage.clear()")
        self.browser.delete_all_cookies()
        self.complaints()

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def network(self, *, offline: bool) -> None:
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)

    def complaints(self) -> list[str]:
        """What the browser's console holds since the last look, but for what a test expects."""
        said = [f"{entry['level']}: {entry['message']}" for entry in self.browser.get_log("browser")]  # type: ignore[no-untyped-call]
        return [line for line in said if not any(expected in line for expected in self.expected_complaints)]

    # --- people ---

    def looks_for(self, words: str) -> Self:
        field = self.find("#find")
        field.clear()
        field.send_keys(words)
        return self

    def picks(self, name: str) -> Self:
        """Play a worker of the sample."""
        self.looks_for(name)
        self.until(lambda: self.texts("#workers strong") == [name], f"only {name} is listed")
        self.find("#workers button").click()
        self.until(lambda: self.texts("#playing strong") == [name], f"{name} is played")
        return self

    def types_number(self, spelling: str) -> Self:
        """Call from any number."""
        self.browser.execute_script("document.getElementById('other-number').open = true")
        field = self.find("#number")
        field.clear()
        field.send_keys(spelling, Keys.ENTER)
        return self

    # --- the phone ---

    @property
    def display(self) -> str:
        return str(self.asks("return document.getElementById('screen').textContent"))

    @property
    def face(self) -> str:
        return str(self.asks("return document.getElementById('lcd').dataset.state"))

    def presses(self, keys: str) -> Self:
        """Press keys of the phone's own keypad."""
        for key in keys:
            self.find(f'[data-key="{key}"]').click()
        return self

    def presses_at_once(self, keys: str) -> Self:
        """The same, quicker than any finger."""
        press = "for (const key of arguments[0]) document.querySelector(`[data-key='${key}']`).click()"
        self.browser.execute_script(press, keys)
        return self

    def calls(self) -> Self:
        """The green key: dial, or send what was typed."""
        return self._step(lambda: self.find('[data-act="call"]').click())

    def sends(self, keys: str) -> Self:
        """Type an answer, at once, and send it."""
        return self.presses_at_once(keys).calls()

    def repeats(self, times: int = 1) -> Self:
        """Send the last request again, and again."""
        again = """const rest = () => new Promise((done) => setTimeout(done, 5));
            for (let time = 0; time < arguments[0]; time += 1) {
                document.getElementById('replay').click();
                while (document.getElementById('lcd').dataset.state === 'waiting') await rest();
            }"""
        self.browser.execute_script(again, times)
        return self

    def hangs_up(self) -> Self:
        self.find('[data-act="hang"]').click()
        return self

    def sees(self, *expected: str) -> Self:
        self.until(lambda: all(part in self.display for part in expected), f"{expected} on the display")
        return self

    def _step(self, act: Callable[[], None]) -> Self:
        """Do something that asks the service, and wait for its answer."""
        answered = """return document.getElementById('lcd').dataset.state !== 'waiting'
            && performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/ussd')).length"""
        before = self.asks(answered)
        act()
        self.until(lambda: self.asks(answered) > before, "an answer on the display")
        return self

    # --- by keyboard alone ---

    def strikes(self, *keys: str) -> Self:
        """Strike keys of the keyboard, wherever the focus is."""
        ActionChains(self.browser).send_keys(*keys).perform()
        return self

    @property
    def focused(self) -> WebElement:
        return self.browser.switch_to.active_element

    def pasted(self) -> str:
        """What lies on the clipboard."""
        wanted = {"origin": self.address, "permissions": ["clipboardReadWrite"]}
        self.browser.execute_cdp_cmd("Browser.grantPermissions", wanted)
        return str(self.asks("return navigator.clipboard.readText()"))

    # --- messages ---

    def texts_the_service(self, text: str) -> Self:
        """Write an SMS and send it; waits until it is among the messages."""
        before = len(self.sent)
        self.find("#sms").send_keys(text, Keys.ENTER)
        self.until(lambda: len(self.sent) > before, "the SMS is sent")
        return self

    @property
    def received(self) -> list[str]:
        return self.texts("#thread .service p")

    @property
    def sent(self) -> list[str]:
        return self.texts("#thread .phone p")

    def gets(self, *expected: str) -> str:
        """Wait for one more SMS, the last one, that holds all of ``expected``; its text."""
        self.until(
            lambda: bool(self.received) and all(part in self.received[-1] for part in expected),
            f"an SMS with {expected}",
        )
        return self.received[-1]

    # --- looking ---

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """The texts of elements, also of those that are out of sight."""
        script = "return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent)"
        found: list[str] = self.browser.execute_script(script, selector)
        return found

    def asks(self, script: str, *arguments: object) -> Any:
        """What a script says."""
        return self.browser.execute_script(script, *arguments)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                if condition():
                    return
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < end, f"waited in vain for {what}; the display: {self.display!r}"
            time.sleep(0.04)
