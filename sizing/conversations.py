"""What a conversation takes in Redis, open at each screen and once it is over."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import redis
import urllib3

from bench.failure import BenchFailed
from bench.script import ONWARD
from bench.stage import HOST
from bot.conversation.hops import STREAM

#: Seconds until what goes through Redis must have left it.
_QUIET_LIMIT, _POLL = 60.0, 0.1
#: How often a request is sent that is turned away, and seconds in between.
_TRIES, _PAUSE = 20, 0.5
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class ConversationBytes:
    """Bytes of a conversation's key with all that the server keeps for it.

    ``open``: at each of the screens on the way, as many phones at each. ``over``: after the ticket; it is kept until its time
    is over. ``grown``: by how much the server's memory grew for each open one, everything counted.
    """

    phones: int
    open: tuple[float, ...]
    over: float
    grown: float

    @property
    def open_mean(self) -> float:
        """Of somebody who may be at any of the screens."""
        return statistics.fmean(self.open)


def measure_conversations(
    redis_url: str, port: int, path: str, callers: Sequence[tuple[str, str]], registered: Sequence[str]
) -> ConversationBytes:
    """Have ``callers`` (phone, birth date as typed) dial and stop at one of the screens each, as many at each.

    ``registered``: phones that have been shown a ticket. Raises ``BenchFailed`` for an answer that is no screen.
    """
    stops = len(ONWARD) + 1
    client = redis.Redis.from_url(redis_url)
    try:
        before = _memory(client)
        called: list[list[str]] = [[] for _ in range(stops)]
        pool = urllib3.HTTPConnectionPool(HOST, port, timeout=30.0)
        for number, (phone, birth_date) in enumerate(callers):
            typed = (birth_date, *ONWARD)
            stop = number % stops
            _call(pool, path, phone, typed[:stop], f"ATUid_open{number:07d}")
            called[stop].append(phone)
        pool.close()
        grown = (_memory(client) - before) / len(callers)
        return ConversationBytes(
            phones=len(callers),
            open=tuple(_mean(client, phones) for phones in called),
            over=_mean(client, registered),
            grown=grown,
        )
    finally:
        client.close()


def _call(pool: urllib3.HTTPConnectionPool, path: str, phone: str, typed: Sequence[str], session: str) -> None:
    for count in range(len(typed) + 1):
        fields = {
            "sessionId": session,
            "phoneNumber": phone,
            "networkCode": "51010",
            "serviceCode": "*384*119#",
            "text": "*".join(typed[:count]),
        }
        for _ in range(_TRIES):
            answer = pool.urlopen("POST", path, body=urlencode(fields), headers=_HEADERS, retries=False)
            if answer.data.startswith(b"CON "):
                break
            # A machine that has other things to do is too slow for its deadline: the same request goes on from there.
            time.sleep(_PAUSE)
        else:
            raise BenchFailed(f"screen {count + 1} is no CON: {answer.data.decode(errors='replace')[:60]}")


def _memory(client: redis.Redis) -> int:
    """Bytes in use once nothing is on its way to PostgreSQL; raises ``BenchFailed``."""
    until = time.monotonic() + _QUIET_LIMIT
    while client.xlen(STREAM) > 0:
        if time.monotonic() > until:
            raise BenchFailed(f"hops did not leave Redis within {_QUIET_LIMIT:.0f} s")
        time.sleep(_POLL)
    return int(client.info("memory")["used_memory"])


def _mean(client: redis.Redis, phones: Sequence[str]) -> float:
    sizes = [client.memory_usage(f"conv:{{{phone}}}") for phone in phones]
    if None in sizes:
        raise BenchFailed(f"{sizes.count(None)} of {len(sizes)} conversations are not in Redis")
    return statistics.fmean(int(size) for size in sizes if size is not None)
