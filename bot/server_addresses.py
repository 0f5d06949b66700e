"""Where PostgreSQL and Redis are, as the environment says it: which address is for what, and what goes together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.redis_addresses import RedisAddress, RedisKind, redis_address

_POSTGRESQL: Final = ("postgresql://", "postgres://")
_TRUE: Final = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class ServerAddresses:
    """``database_read_url``: a replica for what may be a little old, "" without one. ``database_pooler``: ``none``,
    ``unprepared`` or ``preparing``, a name of ``bot.db.database.Pooler``."""

    database_url: str
    database_read_url: str
    database_pooler: str
    redis_url: str
    queue_redis_url: str


def server_addresses(environ: Mapping[str, str]) -> ServerAddresses:
    """Read them; raises ``ValueError`` whose text names the setting, and tells no password."""
    redis_url = _set(environ, "REDIS_URL", "the address of Redis or Valkey, e.g. redis://localhost:6379/0")
    queue_redis_url = _queue(environ, _redis("REDIS_URL", redis_url))
    database_url = _set(environ, "DATABASE_URL", "the address of PostgreSQL, e.g. postgresql://user@host/balas")
    read_url = environ.get("DATABASE_READ_URL", "").strip()
    for name, url in (("DATABASE_URL", database_url), ("DATABASE_READ_URL", read_url)):
        if url and not url.startswith(_POSTGRESQL):
            # The rest of an address may hold a password.
            raise ValueError(f"{name} must start with {' or '.join(_POSTGRESQL)}, not {url.partition(':')[0]!r}")
    return ServerAddresses(database_url, read_url, _pooler(environ), redis_url, queue_redis_url)


def _set(environ: Mapping[str, str], name: str, meaning: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ValueError(f"{name} is not set: {meaning}")
    return value


def _redis(name: str, url: str) -> RedisAddress:
    try:
        return redis_address(url)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error


def _queue(environ: Mapping[str, str], conversations: RedisAddress) -> str:
    """The address for RQ, receipts and pace: by default that of the conversations, unless it is a cluster's."""
    url = environ.get("QUEUE_REDIS_URL", "").strip()
    if not url and conversations.kind is RedisKind.CLUSTER:
        raise ValueError("QUEUE_REDIS_URL is not set: RQ needs one server or sentinels, and REDIS_URL names a cluster")
    if url and _redis("QUEUE_REDIS_URL", url).kind is RedisKind.CLUSTER:
        raise ValueError("QUEUE_REDIS_URL must name one server or sentinels: RQ does not work on a cluster")
    return url or conversations.url


def _pooler(environ: Mapping[str, str]) -> str:
    mode = environ.get("DATABASE_POOLER", "").strip().lower()
    prepares = environ.get("DATABASE_PREPARES", "").strip().lower()
    if mode not in {"", "transaction"}:
        raise ValueError(f"DATABASE_POOLER must be transaction, or not set where there is no pooler, not {mode!r}")
    if not mode:
        if prepares:
            raise ValueError("DATABASE_PREPARES says what a pooler can do, and DATABASE_POOLER is not set")
        return "none"
    return "preparing" if prepares in _TRUE else "unprepared"
