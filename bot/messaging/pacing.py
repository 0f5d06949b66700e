"""Pacing: how fast a gateway is sent to, by all workers together, evenly spaced (GCRA).

One key per gateway holds the time at which the next message may leave. Who wants to send moves it on by the cost of its
messages and is told how long to wait; who would have to wait long takes nothing and asks again. The rate is given with
each question, so that changing it works at once. A gateway that asks for less is left alone for a while, for longer each
time, and is sent to as before once it has been content for a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

#: Seconds that a slot may lie ahead when it is taken.
HORIZON = 0.25
#: Seconds for which a gateway is left alone after it first asked for less, and at most.
_FIRST_REST, _LONGEST_REST = 1, 60
#: Seconds without complaint after which its complaints are forgotten.
_CONTENT = 60
_KEPT_MS = 120_000

# The cost is checked before anything is taken. Redis' own clock, since all workers must share one.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local next = tonumber(redis.call('HGET', KEYS[1], 'next') or '0')
local resting = tonumber(redis.call('HGET', KEYS[1], 'rests_until') or '0')
local start = math.max(now, next, resting)
local wait = start - now
if wait > tonumber(ARGV[2]) then return {0, wait} end
if tonumber(ARGV[1]) > 0 then
  redis.call('HSET', KEYS[1], 'next', string.format('%d', start + tonumber(ARGV[1])))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {1, wait}
"""

# Complaints that come while it is left alone already are one.
_REST = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local until_ = tonumber(redis.call('HGET', KEYS[1], 'rests_until') or '0')
if now < until_ then return until_ - now end
local rests = tonumber(redis.call('HGET', KEYS[1], 'rests') or '0')
if now > until_ + tonumber(ARGV[3]) * 1000000 then rests = 0 end
local pause = math.min(tonumber(ARGV[2]), tonumber(ARGV[1]) * 2 ^ rests)
pause = math.floor(math.max(pause, tonumber(ARGV[4])) * 1000000)
redis.call('HSET', KEYS[1], 'rests_until', string.format('%d', now + pause), 'rests', rests + 1)
redis.call('PEXPIRE', KEYS[1], math.max(tonumber(ARGV[5]), pause / 1000 * 2 + tonumber(ARGV[3]) * 1000))
return pause
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """``granted``: the messages may leave in ``wait`` seconds. Else nothing was taken; ask again then."""

    granted: bool
    wait: float


class Pace:
    """The pace of every gateway; shared by all processes through Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self._take = client.register_script(_TAKE)
        self._rest = client.register_script(_REST)

    def take(self, gateway: str, messages: int, rate: float | None) -> Slot:
        """Ask to send ``messages`` at ``rate`` a second (None: no limit but what the gateway itself asks for).

        Raises ``redis.RedisError``.
        """
        cost = 0 if rate is None else round(messages / rate * 1_000_000)
        granted, wait = self._ask(self._take, gateway, [cost, round(HORIZON * 1_000_000), _KEPT_MS])
        return Slot(bool(granted), wait / 1_000_000)

    def rest(self, gateway: str, at_least: float = 0.0) -> float:
        """The gateway asks to be sent to more slowly: leave it alone; returns for how many seconds."""
        arguments = [_FIRST_REST, _LONGEST_REST, _CONTENT, at_least, _KEPT_MS]
        return float(self._ask(self._rest, gateway, arguments)) / 1_000_000

    @staticmethod
    def _ask(script: Any, gateway: str, arguments: list[float]) -> Any:
        return script(keys=["pace:{" + gateway + "}"], args=arguments)


def resting(client: redis.Redis, gateways: Sequence[str]) -> dict[str, float]:
    """Seconds for which each gateway is still left alone, 0 for those that are not; raises ``redis.RedisError``."""
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for gateway in gateways:
        pipeline.hget("pace:{" + gateway + "}", "rests_until")
    (seconds, microseconds), *until = pipeline.execute()
    now = seconds * 1_000_000 + microseconds
    return {name: max(0, int(end or 0) - now) / 1_000_000 for name, end in zip(gateways, until, strict=True)}


def most_at_once(rate: float | None, most: int) -> int:
    """Recipients of one request: the gateway's most, but so few that a second's rate stays evenly spread over it."""
    return most if rate is None else max(1, min(most, int(rate / 20)))


def most_in_hand(rate: float | None, most: int) -> int:
    """Messages that a worker claims at a time: at most what leaves in two seconds."""
    return most if rate is None else max(1, min(most, int(rate * 2)))
