"""Tries at signing in, counted in Redis, in all processes together. One that was right is not counted.

A try is counted before it is looked at, so that many at once are not more than the limit, and given back if it was right.
Wrong ones stay counted then: somebody who signs in gives nobody who guesses at their password more tries.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import redis

#: Seconds that a wrong try counts.
WINDOW: Final = 600

# KEYS: one for each limit; ARGV: seconds, the try's mark, then the most for each. Nothing is counted where one is full.
# On a cluster the keys lie in one slot by their hash tag.
_TRY = """
local now = redis.call('TIME')
local moment = now[1] * 1000 + math.floor(now[2] / 1000)
for number, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', moment - ARGV[1] * 1000)
  if redis.call('ZCARD', key) >= tonumber(ARGV[2 + number]) then return 0 end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, moment, ARGV[2])
  redis.call('EXPIRE', key, ARGV[1])
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was let through: give it back if it was right."""

    mark: str
    keys: tuple[str, ...]


class Tries:
    """Limits by what is tried: ``{"name": 8}`` are eight wrong tries of one name in ``WINDOW`` seconds."""

    def __init__(self, client: redis.Redis, limits: dict[str, int]) -> None:
        self._client = client
        self._limits = limits
        self._script = client.register_script(_TRY)

    def begin(self, **subjects: str) -> Try | None:
        """Count a try; None where there were too many. Raises ``redis.RedisError``."""
        keys = tuple(f"tries:{{sign-in}}:{kind}:{subject}" for kind, subject in subjects.items())
        mark = secrets.token_hex(8)
        most = [self._limits[kind] for kind in subjects]
        return Try(mark, keys) if self._script(keys=list(keys), args=[WINDOW, mark, *most]) else None

    def give_back(self, made: Try) -> None:
        """It was right after all; raises ``redis.RedisError``."""
        for key in made.keys:
            self._client.zrem(key, made.mark)
