"""The bench ``pages``: how fast the command room answers over a country's worth of rows, and what hops notice of it.

Every page that the application has is opened by a national admin, one request after the other, as often as wanted; those
that name somebody or something are opened for one that exists. Then subscribers register without hurry, first alone and
then while ten people watch the progress page, each asking for it again as the page itself does. As in production, callers
and the command room have web processes of their own (``WEB_SERVES``).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import urllib3

from bench import people
from bench.addresses import pages_of
from bench.blast_callers import Callers
from bench.browser import PROGRESS, Browser
from bench.cpu import FLOOR, WEB
from bench.crowd import Crowd
from bench.figures import percentile
from bench.folder import run_folder
from bench.machine import describe_versions
from bench.measures import GENERATOR
from bench.pages_stage import NAME, PASSWORD, ROOM, staged_pages
from bench.script import FLOOR_PAGE_PATH, Script
from bench.stage import HOST, Stage

#: Watchers of the progress page, and seconds between two looks of one.
WATCHERS, _LOOK = 10, 10.0
_CALLERS, _PAUSE = 4, 0.05
#: Seconds that what a page shows may take to be there first.
_FIGURES_LIMIT = 180.0


@dataclass(frozen=True, slots=True)
class WantedPages:
    """How large the country is, how often each page is opened, and for how many seconds subscribers call."""

    workers: int = 1_400_000
    registered: int = 500_000
    messages: int = 3_000_000
    times: int = 30
    calling: float = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page: milliseconds until its whole answer was there. ``status``: of the last answer."""

    address: str
    status: int
    size: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Opened:
    """All pages together, or the floor's: how many, seconds until all had been answered one after the other, and seconds of
    CPU by part."""

    pages: int
    seconds: float
    cpu: Mapping[str, float]

    @property
    def per_second(self) -> float:
        """Pages a second."""
        return self.pages / max(self.seconds, 1e-9)


@dataclass(frozen=True, slots=True)
class Watched:
    """What subscribers noticed: milliseconds of their hops, and what was wrong, in words with an example."""

    hops: int
    p50_ms: float
    p99_ms: float
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PagesResult:
    """``opened``: all pages together; ``floor``: as many of the floor, as large. ``figures``: of each kind how many
    milliseconds making it took, and seconds of its age at the end."""

    wanted: WantedPages
    versions: dict[str, str]
    world: dict[str, int]
    pages: tuple[Page, ...]
    opened: Opened
    floor: Opened
    figures: dict[str, tuple[int, float]]
    alone: Watched
    watched: Watched
    peak_mib: Mapping[str, float]
    wrong: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every page answered as it should."""
        return not self.wrong


def measure(wanted: WantedPages, folder: Path, say: Callable[[str], None]) -> PagesResult:
    """Measure in a run folder below ``folder``. Call from the main thread.

    Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    crowd = Crowd(wanted.workers, wanted.registered, wanted.messages)
    with run_folder(folder) as own, staged_pages(own, crowd, say) as (stage, environ):
        browser, of_floor = _signed_in(stage), Browser(HOST, stage.ports[FLOOR])
        addresses = pages_of(environ)
        say("waiting for the first figures, reports and lists")
        for address in addresses:
            _await(browser, address)
        pages = []
        opened, floor = _Opening(stage), _Opening(stage)
        for address in addresses:
            say(f"{address}")
            page = opened.adds(browser, address, wanted.times)
            floor.adds(of_floor, f"{FLOOR_PAGE_PATH}/{page.size}", wanted.times)
            pages.append(page)
        say(f"{_CALLERS} subscribers register, alone")
        alone = _calls(stage, 0, wanted.calling)
        say(f"and while {WATCHERS} people watch")
        with _watchers(browser) as looks:
            watched = _calls(stage, 1, wanted.calling)
        return PagesResult(
            wanted=wanted,
            versions=describe_versions(stage.database_url, stage.redis_url),
            world=people.describe_world(stage.database_url),
            pages=tuple(pages),
            opened=opened.opened,
            floor=floor.opened,
            figures=_figures(stage.database_url),
            alone=alone,
            watched=watched,
            peak_mib=stage.meters.peaks(),
            wrong=(
                *(f"{page.address}: HTTP {page.status}" for page in pages if page.status != 200),
                *alone.wrong,
                *watched.wrong,
                *(f"{many} looks at {PROGRESS}: {came_to}" for came_to, many in looks.items() if came_to != "HTTP 200"),
                *people.broken_invariants(stage.database_url),
            ),
        )


def _signed_in(stage: Stage) -> Browser:
    browser = Browser(HOST, stage.ports[ROOM], connections=WATCHERS)
    browser.signs_in(NAME, PASSWORD)
    return browser


class _Opening:
    """Adds up what opening pages takes."""

    def __init__(self, stage: Stage) -> None:
        self._meters = stage.meters
        self.opened = Opened(0, 0.0, {})

    def adds(self, browser: Browser, address: str, times: int) -> Page:
        """Open a page once, which counts for nothing, and then ``times``."""
        took: list[float] = []
        answer = browser.opens(address)
        before, own = self._meters.read(), time.process_time()
        for _ in range(times):
            began = time.perf_counter()
            answer = browser.opens(address)
            took.append(time.perf_counter() - began)
        own = time.process_time() - own
        taken = {**self._meters.read().since(before).parts, GENERATOR: own}
        cpu = {part: seconds + self.opened.cpu.get(part, 0.0) for part, seconds in taken.items()}
        self.opened = Opened(self.opened.pages + times, self.opened.seconds + sum(took), cpu)
        took.sort()
        p50, p95 = (percentile(took, share) * 1000 for share in (0.5, 0.95))
        return Page(address, answer.status, len(answer.data), p50, p95)


def _await(browser: Browser, address: str) -> None:
    """Until a page has what it shows: what takes long to count, a worker makes when a page first asks for it."""
    until = time.monotonic() + _FIGURES_LIMIT
    while browser.opens(address).status != 200 and time.monotonic() < until:
        time.sleep(0.5)


def _figures(database_url: str) -> dict[str, tuple[int, float]]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT kind, took_ms, extract(epoch FROM now() - as_of)::float8 FROM figure_snapshot"
        )
        return {str(kind): (int(took), float(age)) for kind, took, age in rows}


def _calls(stage: Stage, part: int, seconds: float) -> Watched:
    callers = people.choose_callers(stage.database_url, 4000)
    script = Script(
        host=HOST,
        port=stage.ports[WEB],
        path=stage.path,
        subscribers=_CALLERS,
        workers=tuple(callers[part::2]),
        to_ticket=True,
        session=f"ATUid_{time.monotonic_ns():x}_",
    )
    with Callers(script, _PAUSE) as calling:
        time.sleep(seconds)
    hops = sorted(us / 1000 for screen in calling.account.hop_us for us in screen)
    account = calling.account
    wrong = [f"{many} hops: {words}" for words, many in account.errors.items()]
    wrong += [f"e.g. {example}" for example in account.examples[:1]]
    return Watched(len(hops), percentile(hops, 0.5), percentile(hops, 0.99), tuple(wrong))


@contextlib.contextmanager
def _watchers(browser: Browser) -> Iterator[Counter[str]]:
    """Counts their looks by what they came to."""
    over, looks = threading.Event(), Counter[str]()

    def watch(number: int) -> None:
        over.wait(number * _LOOK / WATCHERS)
        while not over.is_set():
            try:
                looks[f"HTTP {browser.opens(PROGRESS).status}"] += 1
            except urllib3.exceptions.HTTPError:
                looks["no answer"] += 1
            over.wait(_LOOK)

    watching = [threading.Thread(target=watch, args=(number,), daemon=True) for number in range(WATCHERS)]
    for one in watching:
        one.start()
    yield looks
    over.set()
    for one in watching:
        one.join()
