"""Where conversations go, turn by turn: noted for those who evaluate, at no cost to those who wait for an answer.

A turn puts one small value into a queue of its process. A thread writes what has come together to a Redis stream, twice a
second and in one command, and whoever keeps it reads it from there. Written in the script that saves a conversation, or
beside it, it would cost each turn a command of its own; and on a cluster the stream lies elsewhere than the conversation, so
that it would cost a round trip as well. What is noted may be lost, with the last half second of a process or while Redis is
away.

A note says when, by which channel, which state of which flow, and who, if that is known, by a number that says nothing
outside of this service, and whether they have proved it: no phone, nothing that was typed.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import redis
import structlog

from bot.metrics import HOPS_LOST

_log = structlog.get_logger(__name__)

STREAM = "hops"
#: Seconds in which notes come together.
_EVERY = 0.5
#: Notes in one entry of the stream, and entries that the stream keeps at most (about).
_TOGETHER, _MOST_ENTRIES = 1000, 5000
#: Notes that wait in a process at most.
_MOST_WAITING = 20_000

_numbers = random.SystemRandom()


#: What is noted of a turn, in the order of ``Note``.
_Waiting = tuple[float, str, str, str, int, int, bool]


class Note(Protocol):
    """Notes a turn. ``at``: seconds since the epoch; ``person`` 0: not known; ``visit``: the same for all turns of one call."""

    def __call__(
        self, at: float, channel: str, flow: str, state: str, person: int, visit: int, is_proven: bool
    ) -> None: ...


def unnoted(at: float, channel: str, flow: str, state: str, person: int, visit: int, is_proven: bool) -> None:
    """For whoever needs no notes."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A turn, as it was noted. ``state``: where the person stands then. ``person`` None: not known."""

    at: datetime
    channel: str
    flow: str
    state: str
    person: int | None
    visit: int
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Turns that were noted together. ``position``: in the stream; ``number``: the batch's own, wherever it is read."""

    position: bytes
    number: int
    hops: tuple[Hop, ...]


class HopNotes:
    """Notes turns, and writes them from a thread of its own, started at the first."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._waiting: deque[_Waiting] = deque(maxlen=_MOST_WAITING)
        self._wanted = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._writing = threading.Lock()

    def note(self, at: float, channel: str, flow: str, state: str, person: int, visit: int, is_proven: bool) -> None:
        """Note a turn. Costs the caller a place in a queue."""
        self._waiting.append((at, channel, flow, state, person, visit, is_proven))
        if not self._wanted.is_set():
            self._wake()

    def write(self) -> None:
        """Write what waits, now; what cannot be written is lost, which is counted."""
        with self._writing:
            while self._waiting:
                self._put([self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))])

    def close(self) -> None:
        """Write what waits and stop."""
        self._stop.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _wake(self) -> None:
        self._wanted.set()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="hop-notes", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set() or self._waiting:
            self._wanted.wait()
            self._stop.wait(_EVERY)
            self._wanted.clear()
            self.write()

    def _put(self, notes: list[_Waiting]) -> None:
        lines = [
            f"{at:.6f} {channel} {flow} {state} {person} {visit}"
            for at, channel, flow, state, person, visit, _ in notes
        ]
        # Apart from the lines, which the release before can read then.
        proven = "".join("1" if note[-1] else "0" for note in notes)
        entry: dict[Any, Any] = {"n": _numbers.getrandbits(63), "h": "\n".join(lines), "p": proven}
        try:
            self._client.xadd(STREAM, entry, maxlen=_MOST_ENTRIES, approximate=True)
        except redis.RedisError as error:
            HOPS_LOST.inc(len(lines))
            _log.warning("hops_lost", hops=len(lines), error=type(error).__name__)


def oldest(client: redis.Redis, most: int) -> list[Batch]:
    """The oldest ``most`` batches of the stream; raises ``redis.RedisError``. They stay until they are dropped."""
    entries: Any = client.xrange(STREAM, count=most)
    return [_batch(position, fields) for position, fields in entries]


def drop(client: redis.Redis, batches: list[Batch]) -> None:
    """Take batches out of the stream; raises ``redis.RedisError``."""
    client.xdel(STREAM, *[batch.position for batch in batches])


def _batch(position: bytes, fields: dict[bytes, bytes]) -> Batch:
    try:
        lines = fields[b"h"].decode().split("\n")
        proven = fields.get(b"p", b"").decode().ljust(len(lines), "0")
        hops = tuple(_hop(line, mark == "1") for line, mark in zip(lines, proven, strict=True))
        return Batch(position, int(fields[b"n"]), hops)
    except (ValueError, TypeError, KeyError) as error:
        # Another release wrote it: it must not be in the way of what comes behind it.
        _log.warning("hops_unreadable", error=type(error).__name__)
        return Batch(position, 0, ())


def _hop(line: str, is_proven: bool) -> Hop:
    at, channel, flow, state, person, visit = line.split(" ")
    seconds, _, micro = at.partition(".")
    moment = datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(micro))
    return Hop(moment, channel, flow, state, int(person) or None, int(visit), is_proven)
