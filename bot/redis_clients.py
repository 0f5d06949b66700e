"""Clients of Redis: of one server, of a cluster, or of the primary that sentinels name."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.connection import SSLConnection
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from bot.redis_addresses import RedisAddress, RedisKind, redis_address
from bot.redis_cluster import ClusterClient

#: Seconds that a round trip may take.
REDIS_TIMEOUT = 0.4
#: Seconds that a sentinel may take, where whoever asks has no limit.
_SENTINEL_TIMEOUT = 1.0


def connect(url: str, *, timeout: float | None = REDIS_TIMEOUT) -> redis.Redis:
    """A client of Redis at ``url`` that gives up after ``timeout`` seconds and never sends anything twice.

    None: for RQ's workers, who wait and try again, as redis-py does of itself; where another server is to take over, sooner
    and more often. Raises ``ValueError`` for an address that cannot be meant.
    """
    address = redis_address(url)
    options: dict[str, Any] = {"retry": Retry(ExponentialWithJitterBackoff(base=0.1, cap=0.5), 20)}
    if timeout is not None:
        options = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_error": [],
            "health_check_interval": 0,
            "driver_info": None,  # telling its name would be two round trips more for each new connection
        }
    match address.kind:
        case RedisKind.SINGLE:
            return redis.Redis.from_url(url, **options) if timeout is not None else redis.Redis.from_url(url)
        case RedisKind.CLUSTER:
            return ClusterClient(address.nodes, {**options, **_signing_in(address)})
        case RedisKind.SENTINEL:
            return _primary(address, timeout, options)


class _Connection(SentinelManagedConnection):
    """Redis-py's leaves a connection open on which an answer was not awaited to its end, by a timeout or a signal: who speaks
    on it next would be given the answer to what was asked before."""

    def read_response(self, disable_decoding: bool = False, **options: Any) -> Any:
        return super().read_response(disable_decoding, **{"disconnect_on_error": True, **options})


class _TlsConnection(_Connection, SSLConnection):
    """The same by TLS."""


def _signing_in(address: RedisAddress) -> dict[str, Any]:
    return {"username": address.user, "password": address.password, "ssl": address.tls}


def _primary(address: RedisAddress, timeout: float | None, options: dict[str, Any]) -> redis.Redis:
    """A client whose every new connection asks the sentinels first; one to a server that is primary no more is closed."""
    patience = timeout or _SENTINEL_TIMEOUT
    asking = {**options, "socket_timeout": patience, "socket_connect_timeout": patience}
    asking |= {"username": address.sentinel_user, "password": address.sentinel_password, "ssl": address.tls}
    # A server that does not answer is found out by its connection's limit also where an answer may take long.
    servers = {**options, "socket_connect_timeout": patience, **_signing_in(address), "db": address.db}
    sentinels: Any = Sentinel(list(address.nodes), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    kind = _TlsConnection if servers.pop("ssl") else _Connection
    client: redis.Redis = sentinels.master_for(address.primary, connection_class=kind, **servers)
    return client
