"""What fails while people register, and how long it took until answers, and what leaves, were good again."""

from __future__ import annotations

import contextlib
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import redis

from bot.clock import FileClock
from bot.db.database import Database, DatabaseAway
from bot.messaging import receipt_stream
from bot.redis_clients import connect
from faults.journal import Journal
from faults.judge import Verdict, judge
from faults.probing import Probes
from faults.subscribers import Inboxes, Subscriber, all_register
from scale import valkeys
from scale.carrying import SpreadCarrier
from scale.hosts import PREFIX
from scale.stage import Stage
from scale.valkeys import Server
from scale.watching import Officer

_TURN: Final = 0.1
#: Seconds of peace before a failure; for which its effects are watched at least, and at most.
_PEACE, _WATCHED_AT_LEAST, _WATCHED_AT_MOST = 3.0, 6.0, 30.0
#: Seconds until everybody must be done and everything have settled.
SETTLES_WITHIN: Final = 180.0
#: Seconds until the replica must have what the primary has.
_CATCHES_UP_WITHIN: Final = 20.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure. ``saw``: what callers and the operator got from its beginning until all was well; ``pages``: what an officer
    got who looked at the figures; ``answers``, ``sending`` and ``seeing``: seconds until they were good again, None: not within
    half a minute."""

    words: str
    saw: dict[str, int]
    pages: dict[str, int]
    slowest: float
    answers: float | None
    sending: float | None
    seeing: float | None

    @property
    def is_over(self) -> bool:
        """Whether all was well again in time."""
        return None not in (self.answers, self.sending, self.seeing)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of everybody. ``under_way``: messages that had not left and texts that nobody had handled when there was no
    more time; ``without_end``: messages of which the gateway told the end, and nobody noted it; ``missing``: bookings that the
    replica does not have; ``renewed``: processes that ended and were started anew."""

    subscribers: int
    failures: tuple[Failure, ...]
    verdict: Verdict
    receipts: int
    refused_receipts: int
    under_way: int
    without_end: int
    missing: int
    renewed: int
    took: float

    @property
    def right(self) -> bool:
        """Whether nothing durable was lost, and all was well again in time."""
        timely = not self.under_way and all(each.is_over for each in self.failures)
        # A receipt that was refused is the gateway's to deliver again; ours does not.
        return self.verdict.right and self.without_end <= self.refused_receipts and not self.missing and timely


def fail_over(stage: Stage, callers: Sequence[tuple[str, str]], short: bool, say: Callable[[str], None]) -> Outcome:
    """Have all callers register while servers fail; call from the main thread."""
    began, chance = time.monotonic(), random.Random(6)
    journal, clock = Journal(), FileClock(stage.clock_file)
    carrier = SpreadCarrier(0, stage.environ["WEBHOOK_SECRET"], journal, chance, places=stage.webs)
    inboxes = Inboxes(stage.stub.log)
    # Those who were only measured have got texts, too: nobody waits for these.
    inboxes.turn()
    probing = Database(stage.primary.url, size=1, limit=1.0)
    probes = Probes(carrier, probing, clock)
    people = [
        Subscriber(number, birth_date, chance.random() < 0.3, carrier, journal, inboxes)
        for number, birth_date in callers
    ]
    kinds = _kinds(short)
    failures = []
    with Officer(stage) as officer:
        lives = all_register(people, len(kinds) * (_PEACE + _WATCHED_AT_LEAST), chance)
        probes.start()
        for words, fail in kinds:
            _wait(stage, inboxes, _PEACE)
            say(words)
            start = time.monotonic()
            with fail(stage):
                failures.append(_watched(stage, words, start, inboxes, probes, officer))
        say("waiting until everybody is done and everything has settled")
        until = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < until and (any(life.is_alive() for life in lives) or not _settled(stage)):
            _wait(stage, inboxes, 0.5)
        probes.stop()
    probing.close()
    told = stage.stub.state()
    without_end = int(stage.database.value("SELECT count(*) FROM message WHERE state IN ('accepted', 'unknown')"))
    return Outcome(
        len(callers),
        tuple(failures),
        judge(stage.database, stage.stub.log, journal, len(callers), clock.now()),
        told["receipts_delivered"],
        told["receipts_failed"],
        _under_way(stage),
        without_end,
        _missing(stage),
        stage.renewed,
        time.monotonic() - began,
    )


def _watched(stage: Stage, words: str, start: float, inboxes: Inboxes, probes: Probes, officer: Officer) -> Failure:
    while True:
        _wait(stage, inboxes, 0.25)
        now = time.monotonic()
        seen = probes.carrier.journal.between(start, now)
        failure = Failure(
            words,
            dict(Counter(each.came_to for each in seen)),
            dict(officer.saw(start, now)),
            max((each.took for each in seen), default=0.0),
            *(probes.answering_again(start, now), probes.sending_again(start, now), officer.seeing_again(start, now)),
        )
        after = (failure.answers, failure.sending, failure.seeing)
        is_well = all(each is not None and now - start > each + 2.0 for each in after)
        if now - start > _WATCHED_AT_MOST or (is_well and now - start > _WATCHED_AT_LEAST):
            return failure


def _wait(stage: Stage, inboxes: Inboxes, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        stage.tend()
        inboxes.turn()
        left = until - time.monotonic()
        if left <= 0:
            return
        threading.Event().wait(min(_TURN, left))


_Kind = tuple[str, Callable[[Stage], contextlib.AbstractContextManager[None]]]


def _kinds(short: bool) -> list[_Kind]:
    """What fails, one after the other."""
    kinds: list[_Kind] = [
        ("kill -9 of a primary of the cluster", lambda stage: _killed(_cluster_primary(stage))),
        ("kill -9 of the queue's primary", lambda stage: _killed(_queue_primary(stage))),
    ]
    more: list[_Kind] = [
        ("the cable of a cluster primary's host is pulled", lambda stage: _unplugged(stage, _cluster_primary(stage))),
        ("PostgreSQL's replica is killed", _without_replica),
    ]
    return kinds if short else [*kinds, *more]


def _cluster_primary(stage: Stage) -> Server:
    return next(server for server in stage.cluster if server.process is not None and server.role() == "master")


def _queue_primary(stage: Stage) -> Server:
    return next(server for server in stage.queue if server.role() == "master")


@contextlib.contextmanager
def _killed(server: Server) -> Iterator[None]:
    """It comes back once another has its place, and is a replica then."""
    server.kill()
    yield
    server.start()


@contextlib.contextmanager
def _unplugged(stage: Stage, server: Server) -> Iterator[None]:
    """Nothing comes or goes any more, and nobody is told so."""
    namespace = f"{PREFIX}{server.host.name}"
    _link(namespace, "down")
    yield
    _link(namespace, "up")


def _link(namespace: str, state: str) -> None:
    subprocess.run(["ip", "-n", namespace, "link", "set", "eth0", state], check=True)


@contextlib.contextmanager
def _without_replica(stage: Stage) -> Iterator[None]:
    """It comes back, and has to catch up: nobody who registers needs it, and pages are read from the primary meanwhile."""
    stage.replica.stop()
    yield
    stage.replica.start_again()


def _settled(stage: Stage) -> bool:
    """Whether nothing is under way any more."""
    if _under_way(stage) or stage.stub.state()["receipts_waiting"]:
        return False
    with contextlib.suppress(redis.RedisError):
        return receipt_stream.waiting(connect(stage.environ["QUEUE_REDIS_URL"])) == 0
    return False


def _under_way(stage: Stage) -> int:
    return int(
        stage.database.value(
            "SELECT (SELECT count(*) FROM attempt WHERE state IN ('queued', 'claimed', 'submitted')) "
            "+ (SELECT count(*) FROM inbound WHERE state = 'received')"
        )
    )


def _missing(stage: Stage) -> int:
    """Bookings that the replica does not have; all of them where it does not answer."""
    ours, theirs = int(stage.database.value("SELECT count(*) FROM booking")), 0
    replica = Database(stage.replica.url, size=1, limit=10.0)

    def has_all() -> bool:
        nonlocal theirs
        with contextlib.suppress(DatabaseAway):
            theirs = int(replica.value("SELECT count(*) FROM booking"))
        return theirs == ours

    with contextlib.suppress(TimeoutError):
        valkeys.until(has_all, "the replica", _CATCHES_UP_WITHIN)
    replica.close()
    return ours - theirs
