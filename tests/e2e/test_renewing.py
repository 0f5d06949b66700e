"""Every process is renewed while people call, and nobody notices. Afterwards all end in order while people call."""

from __future__ import annotations

import http.client
import select
import signal
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psutil

from bot.invariants import check
from bot.serve.interrupts import RENEWING
from tests.e2e.conftest import Service, until
from tests.phones import WEBHOOK_SECRET
from tests.world import Worker, World

_PATH = f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
#: Seconds that somebody looks at a screen.
_LOOKS = 0.03
#: Seconds that a hop may take, whatever happens.
_DEADLINE = 3.0


class Line:
    """A gateway's connection, kept from one request to the next; one that was closed meanwhile is made anew."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._kept: http.client.HTTPConnection | None = None

    def post(self, form: dict[str, str]) -> str:
        """The body of the answer; raises where there is none, or another than 200."""
        kept = self._kept
        if kept is None or kept.sock is None or select.select([kept.sock], [], [], 0)[0]:
            kept = self._kept = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
        kept.request("POST", _PATH, urllib.parse.urlencode(form), _HEADERS)
        answer = kept.getresponse()
        body = answer.read().decode()
        assert answer.status == 200, (answer.status, body)
        return body


class Callers:
    """People who register one after the other on some lines; what went wrong is kept."""

    def __init__(self, service: Service, workers: list[Worker], lines: int = 4) -> None:
        self._service = service
        self._waiting = iter(workers)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.hops = 0
        self.served = 0
        self.slowest = 0.0
        self.wrong: list[str] = []
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(lines)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _call(self, number: int) -> None:
        line, call = Line(self._service.port), 0
        while not self._over.is_set():
            with self._lock:
                worker = next(self._waiting, None)
            if worker is None:
                return
            call += 1
            try:
                self._register(line, worker, f"ATUid_{number}_{call}_{time.monotonic_ns()}")
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
                if self._over.is_set():
                    return

    def _register(self, line: Line, worker: Worker, session: str) -> None:
        form = {"sessionId": session, "phoneNumber": str(worker.phone), "serviceCode": "*384*119#", "text": ""}
        typed = [worker.typed_birth_date, "1", "1", "1"]
        for place in range(5):
            form["text"] = "*".join(typed[:place])
            began = time.monotonic()
            screen = line.post(form)
            self.slowest = max(self.slowest, time.monotonic() - began)
            assert screen.startswith("CON " if place < 4 else "END "), screen
            assert "sibuk" not in screen, screen
            self.hops += 1
            self._over.wait(_LOOKS)
        self.served += 1


@contextmanager
def _calling(world: World, service: Service, many: int) -> Iterator[Callers]:
    place = world.facility()
    for day in range(4):
        world.session(place, day=(datetime.now(UTC) + timedelta(days=3 + day)).date(), capacity=2000)
    with Callers(service, [world.worker(place) for _ in range(many)]) as callers:
        until(lambda: callers.served > 20, "people to be served")
        yield callers


def _pids(service: Service) -> set[int]:
    return {child.pid for child in service.children("bot")}


def test_all_processes_are_renewed_and_no_hop_fails(world: World, service: Service) -> None:
    before = _pids(service)
    assert len(before) >= 9
    with _calling(world, service, 5000) as callers:
        service.process.send_signal(RENEWING)
        until(lambda: "All processes are renewed" in service.log.read_text(), "the last process to be renewed", 180)
        served = callers.served
        until(lambda: callers.served > served + 20 or callers.wrong != [], "people to be served by the new ones")
    assert callers.wrong == []
    assert callers.slowest < _DEADLINE
    assert not before & _pids(service)
    assert "refused to gracefully stop" not in service.log.read_text(), "a web process had to be killed"
    assert callers.served > 100
    assert [found.invariant.name for found in check(world.database, datetime.now(UTC)) if found.count] == []


def _ends_within(seconds: float, processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def test_workers_and_clock_that_are_asked_to_stop_finish_what_they_began_within_ten_seconds(
    world: World, service: Service
) -> None:
    """One after the other: the worker of each lane, and the clock, while people call and their tickets leave."""

    def count(what: str) -> int:
        found: int = world.database.value(f"SELECT count(*) FROM {what}")
        return found

    with _calling(world, service, 4000) as callers:
        for words in (
            *(("worker", lane) for lane in ("reply", "reminder", "blast", "receipts", "sweep", "office")),
            ("bot clock",),
        ):
            asked = service.children(*words)
            assert asked, words
            for process in asked:
                process.send_signal(signal.SIGTERM)
            assert _ends_within(10.0, asked), words
        assert callers.wrong == []
    until(lambda: count("attempt WHERE state IN ('queued', 'claimed', 'submitted')") == 0, "all tickets to leave")
    assert count("message WHERE state IN ('unknown', 'queued')") == 0, "what was in hand was given up"
