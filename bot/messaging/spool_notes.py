"""What each machine has in its spool, as it noted last, in Redis: for the page, which reads no other machine's disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import redis
import structlog

from bot.messaging.spool import Contents

_log = structlog.get_logger(__name__)

_KEY: Final = "spool:machines"
#: Machines that are not heard of for so long, and had nothing in their spool, are forgotten.
_FORGOTTEN_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Noted:
    """A machine's spool at a moment. ``usable``: whether its disk takes letters. ``machine``: host and folder."""

    machine: str
    contents: Contents
    usable: bool
    at: datetime


def note(client: redis.Redis, noted: Noted) -> None:
    """Say how a machine's spool stands; raises ``redis.RedisError``."""
    contents = noted.contents
    oldest = contents.oldest_at.isoformat() if contents.oldest_at else None
    values = [contents.waiting, oldest, contents.quarantined, noted.usable, noted.at.isoformat()]
    client.hset(_KEY, noted.machine, json.dumps(values))


def forget_old(client: redis.Redis, now: datetime) -> None:
    """Forget machines that have gone and left nothing; raises ``redis.RedisError``."""
    for each in noted(client):
        is_empty = not each.contents.waiting and not each.contents.quarantined
        if is_empty and now - each.at > _FORGOTTEN_AFTER:
            client.hdel(_KEY, each.machine)


def noted(client: redis.Redis) -> list[Noted]:
    """What the machines have noted, by name; raises ``redis.RedisError``."""
    found: Any = client.hgetall(_KEY)
    read = [_read(machine, values) for machine, values in sorted(found.items())]
    return [each for each in read if each is not None]


def _read(machine: bytes, stored: bytes) -> Noted | None:
    try:
        waiting, oldest, quarantined, usable, at = json.loads(stored)
        contents = Contents(int(waiting), datetime.fromisoformat(oldest) if oldest else None, int(quarantined))
        return Noted(machine.decode(), contents, bool(usable), datetime.fromisoformat(at))
    except (ValueError, TypeError) as error:
        _log.warning("spool_note_unreadable", error=type(error).__name__)  # another release wrote it
        return None
