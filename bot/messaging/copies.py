"""Keeping an entry of a stream where a replica may be the primary in a moment: it counts once a replica has it, too.

While no replica is connected none can take over, and the entry is as safe as on a server that stands alone.
"""

from __future__ import annotations

import time
from typing import Any, Final

import redis

#: Milliseconds that a replica may take; seconds for which it holds that none is connected.
_WITHIN_MS: Final = 50
_HOLDS: Final = 2.0


class Copies:
    """Adds to streams of a primary that has a replica. Shared by threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._alone_until = 0.0

    def add(self, stream: str, fields: Any) -> None:
        """Add an entry, in one round trip; raises ``redis.TimeoutError`` where a replica is connected and does not say that it
        has it, else ``redis.RedisError``."""
        if time.monotonic() < self._alone_until:
            self._client.xadd(stream, fields)
            return
        pipeline = self._client.pipeline(transaction=False)
        pipeline.xadd(stream, fields)
        pipeline.wait(1, _WITHIN_MS)
        if pipeline.execute()[1]:
            return
        role: Any = self._client.execute_command("ROLE")  # type: ignore[no-untyped-call]
        if role[2]:
            raise redis.TimeoutError("no replica has it")
        self._alone_until = time.monotonic() + _HOLDS
