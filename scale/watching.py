"""An officer in the command room, who looks at the figures at one web host after the other while servers fail."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import Counter

import urllib3

from bench.browser import PROGRESS, Browser
from bot.clock import FileClock
from bot.officers import accounts
from bot.officers.accounts import Role
from faults.journal import FINE, REFUSED, SILENCE, SORRY, Exchange, Journal
from faults.probing import answering_from
from scale.stage import Stage

_PAUSE = 0.25
#: Seconds that they wait for a page; until the first figures are there.
_PATIENCE, _FIRST_WITHIN = 10.0, 60.0
_NAME = "penonton"


class Officer:
    """``with Officer(stage) as officer: ...``: has signed in, and looks.

    Raises ``RuntimeError`` where there are no figures to look at, and ``bench.failure.BenchFailed``.
    """

    def __init__(self, stage: Stage) -> None:
        password = secrets.token_urlsafe(12)
        now = FileClock(stage.clock_file).now()
        accounts.add(stage.database, _NAME, Role.NATIONAL, None, password, now=now, actor="scale")
        self._journal = Journal()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._browsers = [Browser(host, port, timeout=_PATIENCE) for host, port in stage.webs]
        for browser in self._browsers:
            browser.signs_in(_NAME, password)
        until = time.monotonic() + _FIRST_WITHIN
        while (status := self._browsers[0].opens(PROGRESS).status) != 200:
            if time.monotonic() > until:
                raise RuntimeError(f"{PROGRESS} answers {status}")
            time.sleep(_PAUSE)

    def __enter__(self) -> Officer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def saw(self, start: float, end: float) -> Counter[str]:
        """What looks came to that were begun within a span."""
        return Counter(each.came_to for each in self._journal.between(start, end))

    def seeing_again(self, start: float, end: float) -> float | None:
        """Seconds from ``start`` until pages were there, as long as they were before ``end``; None if they never were."""
        return answering_from(self._journal, start, end)

    def _watch(self) -> None:
        for browser in itertools.cycle(self._browsers):
            if self._over.wait(_PAUSE):
                return
            began = time.monotonic()
            came_to = _look(browser)
            self._journal.note(Exchange(began, time.monotonic() - began, "probe", came_to))


def _look(browser: Browser) -> str:
    try:
        status = browser.opens(PROGRESS).status
    except urllib3.exceptions.HTTPError:
        return SILENCE
    if status == 200:
        return FINE
    return REFUSED if status >= 500 else SORRY
