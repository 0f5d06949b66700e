"""The load generator of ``rush``: subscribers who come whether or not others have been answered (an open loop).

A process of its own: ``python -m bench.rush_callers`` reads a ``Rush`` from stdin and writes what came of each phase to
stdout. One thread, plain sockets and requests made by hand, as in ``bench.subscribers``. Each subscriber dials, reads what
the screen asks for, looks at it for a moment and types. Who is told that the service is busy dials afresh some seconds
later, a few times, and then gives up.
"""

from __future__ import annotations

import gc
import heapq
import json
import random
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.subscribers import WrongAnswer, read_answer

_TICKET = re.compile(r"\bTiket [0-9A-Z]{6}\b")
#: Seconds that somebody looks at a screen, and after which they dial afresh.
_LOOKS, _REDIALS = (0.3, 1.0), (2.0, 4.0)
#: Dials of one subscriber at most.
_MOST_DIALS = 4
#: Seconds that the operator waits for an answer.
_WAITS = 10.0
#: Seconds after which a connection that nobody has used is not used any more: the server closes it after some more.
_KEPT = 20.0
#: Kinds of answers.
ANSWERED, SHED = "answered", "shed"


@dataclass(frozen=True, slots=True)
class Phase:
    """Subscribers that begin in a second, for so many seconds. ``counts_from``: seconds of it that count for nothing.

    ``redials``: whether who is told that we are busy dials afresh, or gives up.
    """

    name: str
    seconds: float
    a_second: float
    counts_from: float = 0.0
    redials: bool = True


@dataclass(frozen=True, slots=True)
class Rush:
    """Who calls: (phone in E.164, birth date as typed), each once, and in which phases."""

    host: str
    port: int
    path: str
    workers: tuple[tuple[str, str], ...]
    phases: tuple[Phase, ...]

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Rush:
        """The rush of its JSON form."""
        phases = tuple(Phase(**phase) for phase in stored["phases"])
        workers = tuple((phone, birth_date) for phone, birth_date in stored["workers"])
        return cls(**stored | {"phases": phases, "workers": workers})


@dataclass(slots=True)
class Told:
    """What came of a phase: requests that were sent, answers by kind with their microseconds, tickets, subscribers that gave
    up, and what went wrong. ``began``: by the monotonic clock, from when on it counts, for ``seconds``."""

    name: str
    began: float = 0.0
    seconds: float = 0.0
    asked: int = 0
    took_us: dict[str, list[int]] = field(default_factory=lambda: {ANSWERED: [], SHED: []})
    tickets: int = 0
    gave_up: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0


class _Subscriber:
    __slots__ = ("birth_date", "dials", "line", "phone", "received", "sent", "session", "text", "told")

    def __init__(self, phone: str, birth_date: str) -> None:
        self.phone, self.birth_date = phone, birth_date
        self.dials, self.session, self.text = 0, "", ""
        self.received, self.sent = b"", 0.0
        self.line: socket.socket | None = None
        self.told: Told | None = None


class Crowd:
    """All subscribers of a rush."""

    def __init__(self, rush: Rush) -> None:
        self._rush = rush
        self._workers: Iterator[tuple[str, str]] = iter(rush.workers)
        self._chance = random.Random(20210113)
        self._due: list[tuple[float, int, _Subscriber]] = []
        self._order = 0
        #: With the moment from which on each is idle, the latest last.
        self._idle: list[tuple[float, socket.socket]] = []
        self._selector = selectors.DefaultSelector()
        self._head = (
            f"POST {rush.path} HTTP/1.1\r\nHost: {rush.host}:{rush.port}\r\nAccept: */*\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        )
        self._session = f"ATUid_{time.monotonic_ns():x}_"
        self._dialled = 0
        self._look_at = 0.0

    def run(self) -> list[Told]:
        """Play all phases, one after the other."""
        told = [self._play(phase) for phase in self._rush.phases]
        for line in [*(line for _, line in self._idle), *(key.fileobj for key in self._selector.get_map().values())]:
            assert isinstance(line, socket.socket)
            line.close()
        return told

    def _play(self, phase: Phase) -> Told:
        told, warming = Told(phase.name, began=time.monotonic()), Told(phase.name)
        began, cpu = time.perf_counter(), time.process_time()
        counts_at, ends_at = began + phase.counts_from, began + phase.seconds
        every = 1 / phase.a_second
        arrives = began
        now_told = warming if phase.counts_from else told
        while (now := time.perf_counter()) < ends_at:
            if now_told is warming and now >= counts_at:
                now_told, cpu, told.began = told, time.process_time(), time.monotonic()
            while arrives <= now:
                arrives += every
                worker = next(self._workers, None)
                if worker is not None:
                    self._dial(_Subscriber(*worker), now_told)
            while self._due and self._due[0][0] <= now:
                _, _, subscriber = heapq.heappop(self._due)
                self._go_on(subscriber, now_told, phase)
            until = min(arrives, ends_at, self._due[0][0] if self._due else ends_at)
            for key, _ in self._selector.select(max(0.0, until - time.perf_counter())):
                self._hear(key.data, now_told, phase)
            self._lose_the_late(now, now_told)
        told.seconds = phase.seconds - phase.counts_from
        told.cpu_seconds = time.process_time() - cpu
        return told

    def _go_on(self, subscriber: _Subscriber, told: Told, phase: Phase) -> None:
        if subscriber.text:
            self._send(subscriber, told)
        elif phase.redials:
            self._dial(subscriber, told)
        else:
            told.gave_up += 1

    def _later(self, seconds: tuple[float, float], subscriber: _Subscriber) -> None:
        self._order += 1
        heapq.heappush(self._due, (time.perf_counter() + self._chance.uniform(*seconds), self._order, subscriber))

    def _dial(self, subscriber: _Subscriber, told: Told) -> None:
        self._dialled += 1
        subscriber.dials += 1
        subscriber.session, subscriber.text = f"{self._session}{self._dialled:08d}", ""
        self._send(subscriber, told)

    def _send(self, subscriber: _Subscriber, told: Told) -> None:
        body = (
            f"sessionId={subscriber.session}&phoneNumber=%2B{subscriber.phone[1:]}&networkCode=51010"
            f"&serviceCode=%2A384%2A119%23&text={subscriber.text}"
        )
        told.asked += 1
        subscriber.received, subscriber.sent, subscriber.told = b"", time.perf_counter(), told
        try:
            subscriber.line = line = self._free_line()
            self._selector.register(line, selectors.EVENT_READ, subscriber)
            line.sendall(f"{self._head}{len(body)}\r\n\r\n{body}".encode())
        except OSError as error:
            self._fail(subscriber, told, type(error).__name__)

    def _free_line(self) -> socket.socket:
        """The line that was used last, or a new one; raises ``OSError``."""
        if self._idle and self._idle[-1][0] > time.perf_counter() - _KEPT:
            return self._idle.pop()[1]
        for _, line in self._idle:  # the others have been idle for longer
            line.close()
        self._idle.clear()
        return self._connect()

    def _connect(self) -> socket.socket:
        made = socket.create_connection((self._rush.host, self._rush.port), _WAITS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _hear(self, subscriber: _Subscriber, told: Told, phase: Phase) -> None:
        assert subscriber.line is not None
        try:
            piece = subscriber.line.recv(65536)
            if not piece:
                raise WrongAnswer("the connection was closed")
            subscriber.received += piece
            answer = read_answer(subscriber.received)
        except (OSError, WrongAnswer) as error:
            self._fail(subscriber, told, str(error).partition("|")[0] or type(error).__name__)
            return
        if answer is None:
            return
        took = round((time.perf_counter() - subscriber.sent) * 1e6)
        self._selector.unregister(subscriber.line)
        self._idle.append((time.perf_counter(), subscriber.line))
        subscriber.line = None
        if answer.startswith("CON "):
            told.took_us[ANSWERED].append(took)
            typed = subscriber.birth_date if "tanggal lahir" in answer.lower() else "1"
            subscriber.text = f"{subscriber.text}*{typed}" if subscriber.text else typed
            self._later(_LOOKS, subscriber)
        elif _TICKET.search(answer):
            told.took_us[ANSWERED].append(took)
            told.tickets += 1
        elif answer.startswith("END ") and "sibuk" in answer:
            told.took_us[SHED].append(took)
            self._redial(subscriber, told, phase)
        else:
            self._note(told, f"no answer of ours: {answer[:40]}")

    def _redial(self, subscriber: _Subscriber, told: Told, phase: Phase) -> None:
        subscriber.text = ""
        if phase.redials and subscriber.dials < _MOST_DIALS:
            self._later(_REDIALS, subscriber)
        else:
            told.gave_up += 1

    def _fail(self, subscriber: _Subscriber, told: Told, words: str) -> None:
        self._note(told, words)
        if subscriber.line is not None:
            if subscriber.line.fileno() in self._selector.get_map():
                self._selector.unregister(subscriber.line)
            subscriber.line.close()
            subscriber.line = None

    def _lose_the_late(self, now: float, told: Told) -> None:
        if now < self._look_at:
            return
        self._look_at = now + 1.0
        for key in list(self._selector.get_map().values()):
            if now - key.data.sent > _WAITS:
                self._fail(key.data, told, f"no answer within {_WAITS:.0f} s")

    @staticmethod
    def _note(told: Told, words: str) -> None:
        told.errors[words] = told.errors.get(words, 0) + 1


def main() -> None:
    """Play the rush on stdin; what came of it goes to stdout."""
    gc.disable()
    told = Crowd(Rush.of(json.load(sys.stdin))).run()
    json.dump([asdict(phase) for phase in told], sys.stdout)


if __name__ == "__main__":
    main()
