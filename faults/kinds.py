"""What is done to the service: each fault begins, lasts, and is over."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from bot.clock import FileClock, set_file_clock
from bot.serve.interrupts import RENEWING
from faults.carrier import Habits
from faults.stage import POSTGRES, VALKEY, Stage

#: What ``serve`` says when all its processes are renewed, and seconds within which it must.
_RENEWED, _RENEWS_WITHIN = "All processes are renewed", 120.0

#: What a fault's body is called with: the stage, and the operator's habits.
_Body = Callable[[Stage, Habits], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """``lasts``: seconds between its beginning and its end; 0: it is over when it has been done.

    ``hits``: "answers" where callers notice it, "sending" where only what leaves does. ``harmless``: nobody may notice it.
    """

    name: str
    words: str
    lasts: float
    hits: str
    body: _Body
    harmless: bool = False


def _done(act: Callable[[Stage], object]) -> _Body:
    """A fault that is over at once."""

    @contextlib.contextmanager
    def body(stage: Stage, _habits: Habits) -> Iterator[None]:
        act(stage)
        yield

    return body


def _later(after: float, act: Callable[[Stage], object]) -> _Body:
    """Within another fault, ``after`` seconds from its beginning."""

    @contextlib.contextmanager
    def body(stage: Stage, _habits: Habits) -> Iterator[None]:
        timer = threading.Timer(after, act, [stage])
        timer.start()
        try:
            yield
        finally:
            timer.join()

    return body


def _stopped(server: str) -> _Body:
    @contextlib.contextmanager
    def body(stage: Stage, _habits: Habits) -> Iterator[None]:
        stage.signal_server(server, signal.SIGSTOP)
        try:
            yield
        finally:
            stage.signal_server(server, signal.SIGCONT)

    return body


def _together(*bodies: _Body) -> _Body:
    @contextlib.contextmanager
    def body(stage: Stage, habits: Habits) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for each in bodies:
                stack.enter_context(each(stage, habits))
            yield

    return body


def _wire(*wires: str, latency: float = 0.0, cut: bool = False) -> _Body:
    @contextlib.contextmanager
    def body(stage: Stage, _habits: Habits) -> Iterator[None]:
        for wire in wires:
            stage.wires.set(wire, latency=latency, cut=cut)
        try:
            yield
        finally:
            for wire in wires:
                stage.wires.set(wire)

    return body


def _gateway(**behaviour: float) -> _Body:
    @contextlib.contextmanager
    def body(stage: Stage, _habits: Habits) -> Iterator[None]:
        stage.stub.behaves(**behaviour)
        try:
            yield
        finally:
            stage.stub.behaves(**dict.fromkeys(behaviour, 0.0))

    return body


def _habits(**worse: float) -> _Body:
    @contextlib.contextmanager
    def body(_stage: Stage, habits: Habits) -> Iterator[None]:
        before = {name: getattr(habits, name) for name in worse}
        for name, value in worse.items():
            setattr(habits, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(habits, name, value)

    return body


@contextlib.contextmanager
def full_disk(stage: Stage, _habits: Habits) -> Iterator[None]:
    """Every write of the web processes to a file fails, as the kernel has it where a disk is full."""
    _limit_files(stage, full=True)
    try:
        yield
    finally:
        # Also of those that were started meanwhile, and have it from the ones that started them.
        _limit_files(stage, full=False)


def _limit_files(stage: Stage, *, full: bool) -> None:
    for process in stage.children("bot web"):
        with contextlib.suppress(psutil.Error):
            most = process.rlimit(psutil.RLIMIT_FSIZE)[1]
            process.rlimit(psutil.RLIMIT_FSIZE, (0 if full else most, most))


@contextlib.contextmanager
def _renewed(stage: Stage, _habits: Habits) -> Iterator[None]:
    """Every process of the service anew, one after the other."""
    log = stage.folder / "service.log"
    before = log.read_text(errors="replace").count(_RENEWED)
    stage.service.send_signal(RENEWING)
    yield
    until = time.monotonic() + _RENEWS_WITHIN
    while log.read_text(errors="replace").count(_RENEWED) == before:
        if time.monotonic() > until:
            raise RuntimeError(f"the processes were not renewed; see {log}")
        stage.servers.tend()
        time.sleep(0.1)


def _crash_postgres(stage: Stage) -> None:
    """kill -9 of all of it: what was committed must be there after its recovery."""
    for process in stage.server_processes(POSTGRES):
        with contextlib.suppress(OSError, ProcessLookupError):
            process.kill()


def _valkey_files(stage: Stage) -> list[Path]:
    return sorted(stage.servers.layout.valkey.rglob("*.incr.aof"))


def _kill_valkey(stage: Stage) -> None:
    for process in stage.server_processes(VALKEY):
        with contextlib.suppress(OSError, ProcessLookupError):
            process.kill()
            process.wait(5)


def _lose_last_second(stage: Stage) -> None:
    """As by a power cut: the file is as long as it was a second ago."""
    sizes = {file: file.stat().st_size for file in _valkey_files(stage)}
    time.sleep(1.0)
    _kill_valkey(stage)
    for file, size in sizes.items():
        with contextlib.suppress(OSError), file.open("r+b") as opened:
            opened.truncate(size)


def _lose_everything(stage: Stage) -> None:
    _kill_valkey(stage)
    for found in stage.servers.layout.valkey.iterdir():
        shutil.rmtree(found, ignore_errors=True) if found.is_dir() else found.unlink(missing_ok=True)


def _jump(by: Callable[[datetime], timedelta]) -> _Body:
    def act(stage: Stage) -> None:
        now = FileClock(stage.clock_file).now()
        set_file_clock(stage.clock_file, now + by(now), 1.0)

    return _done(act)


def _to_midnight(now: datetime) -> timedelta:
    """Until two seconds before midnight in Jakarta."""
    there = now + timedelta(hours=7)
    return there.replace(hour=23, minute=59, second=58, microsecond=0) - there


KINDS: Final[tuple[Kind, ...]] = (
    Kind("renewal", "every process is renewed, one after the other", 20, "answers", _renewed, harmless=True),
    Kind("kill-web", "kill -9 of all web processes", 0, "answers", _done(lambda stage: stage.kill("bot web"))),
    Kind(
        "kill-replying",
        "kill -9 of the worker that sends replies",
        0,
        "sending",
        _done(lambda stage: stage.kill("bot worker", "reply")),
    ),
    Kind(
        "kill-blasting",
        "kill -9 of the worker that sends the blast",
        0,
        "sending",
        _done(lambda stage: stage.kill("bot worker", "blast")),
    ),
    Kind(
        "kill-others",
        "kill -9 of the workers for receipts and sweeps",
        0,
        "sending",
        _done(lambda stage: (stage.kill("bot worker", "receipts"), stage.kill("bot worker", "sweep"))),
    ),
    Kind("kill-clock", "kill -9 of the clock", 0, "sending", _done(lambda stage: stage.kill("bot clock"))),
    Kind("postgres-crash", "kill -9 of PostgreSQL, crash recovery", 0, "answers", _done(_crash_postgres)),
    Kind("postgres-paused", "SIGSTOP of PostgreSQL for 8 s", 8, "answers", _stopped(POSTGRES)),
    Kind("postgres-cut", "every connection to PostgreSQL cut for 3 s", 3, "answers", _wire(POSTGRES, cut=True)),
    Kind("valkey-last-second", "Valkey killed, its last second lost", 0, "answers", _done(_lose_last_second)),
    Kind("valkey-everything", "Valkey killed, all its data lost", 0, "answers", _done(_lose_everything)),
    Kind("valkey-paused", "SIGSTOP of Valkey for 5 s", 5, "answers", _stopped(VALKEY)),
    Kind("valkey-cut", "every connection to Valkey cut for 3 s", 3, "answers", _wire(VALKEY, cut=True)),
    Kind("both-paused", "SIGSTOP of both for 4 s", 4, "answers", _together(_stopped(POSTGRES), _stopped(VALKEY))),
    Kind("both-cut", "every connection to both cut for 6 s", 6, "answers", _wire(POSTGRES, VALKEY, cut=True)),
    Kind(
        "both-cut-killed",
        "both cut for 8 s, and web killed meanwhile",
        8,
        "answers",
        _together(_wire(POSTGRES, VALKEY, cut=True), _later(1.0, lambda stage: stage.kill("bot web"))),
    ),
    Kind(
        "spool-full",
        "both cut for 6 s, and no disk for what comes in",
        6,
        "answers",
        _together(_wire(POSTGRES, VALKEY, cut=True), full_disk),
    ),
    Kind("slow-wires", "300 ms more on each round trip, for 5 s", 5, "answers", _wire(POSTGRES, VALKEY, latency=0.15)),
    Kind("gateway-slow", "the gateway takes 4 s to answer", 5, "sending", _gateway(slow=1.0, slow_seconds=4.0)),
    Kind("gateway-500", "the gateway answers 500", 4, "sending", _gateway(broken=1.0)),
    Kind("gateway-429", "the gateway answers 429", 4, "sending", _gateway(throttled=1.0)),
    Kind("gateway-garbage", "the gateway takes, and answers garbage", 2, "sending", _gateway(garbled=1.0)),
    Kind("gateway-drops", "the gateway takes, and drops the connection", 2, "sending", _gateway(dropped=1.0)),
    Kind("clock-hour", "the clock jumps an hour", 0, "answers", _jump(lambda _now: timedelta(hours=1))),
    Kind("clock-midnight", "the clock jumps to midnight", 3, "answers", _jump(_to_midnight)),
    Kind(
        "doubled",
        "every request comes two or three times, texts out of order",
        6,
        "answers",
        _habits(repeats=1.0, overtaken=0.5),
    ),
)
