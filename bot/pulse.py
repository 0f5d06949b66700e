"""Signs of life: what waits in RQ's queues, which workers are there, when the sweep last ran, whether a clock leads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import redis
from rq import Queue, Worker

from bot.queues import Work

#: The key that the leading clock holds.
CLOCK_LEADER: Final = "clock:leader"
#: When the last sweep was through, by our clock.
_SWEPT: Final = "sweep:last"
#: Somebody has asked for the invariants to be checked; gone when that has been done, or after so many seconds.
_CHECK_ASKED: Final = "doctor:asked"
_CHECK_SECONDS: Final = 900
_KEEP_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Pulse:
    """``queued``: jobs that wait, ``workers``: how many are alive and ``busy`` of them, for each work."""

    queued: Mapping[Work, int]
    workers: Mapping[Work, int]
    busy: Mapping[Work, int]
    swept_at: datetime | None
    clock_leads: bool
    check_asked: bool


def feel(client: redis.Redis) -> Pulse:
    """The signs of life at this moment; raises ``redis.RedisError``."""
    queued = {work: int(Queue(work.value, connection=client).count) for work in Work}
    alive: Counter[str] = Counter()
    busy: Counter[str] = Counter()
    for worker in Worker.all(connection=client):
        for name in worker.queue_names():
            alive[name] += 1
            busy[name] += worker.get_state() == "busy"
    swept: Any = client.get(_SWEPT)
    return Pulse(
        queued,
        {work: alive[work.value] for work in Work},
        {work: busy[work.value] for work in Work},
        None if swept is None else datetime.fromisoformat(swept.decode()),
        bool(client.exists(CLOCK_LEADER)),
        bool(client.exists(_CHECK_ASKED)),
    )


def note_sweep(client: redis.Redis, at: datetime) -> None:
    """The sweep is through; raises ``redis.RedisError``."""
    client.set(_SWEPT, at.isoformat())


def ask_for_check(client: redis.Redis) -> bool:
    """Have a worker check the invariants; False if that has been asked for already. Raises ``redis.RedisError``."""
    if not client.set(_CHECK_ASKED, "1", nx=True, ex=_CHECK_SECONDS):
        return False
    Queue(Work.SWEEP.value, connection=client).enqueue(
        "bot.checkups.check_invariants", job_timeout=_CHECK_SECONDS, result_ttl=0, failure_ttl=_KEEP_SECONDS
    )
    return True


def check_is_done(client: redis.Redis) -> None:
    """The check that was asked for is through; raises ``redis.RedisError``."""
    client.delete(_CHECK_ASKED)
