"""The addresses of Redis as settings write them: one server, a cluster, or a primary that sentinels name.

    redis://host:6379/0                       one Redis or Valkey (also rediss:// and unix://)
    redis+cluster://host:6379,host:6379       a cluster, by some of its nodes
    redis+sentinel://host:26379,host:26379/name[/db]    the primary that these sentinels call ``name``

``rediss+cluster://`` and ``rediss+sentinel://`` speak TLS. ``user:password@`` before the hosts is for the servers;
``?sentinel_user=...&sentinel_password=...`` for sentinels that want one too.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit


class RedisKind(enum.StrEnum):
    """How the servers behind an address stand together."""

    SINGLE = "single"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """An address, read. ``nodes``: host and port of some of a cluster's nodes, or of the sentinels; none of a single server,
    whose ``url`` redis-py reads itself. ``primary``: the sentinels' name for the servers."""

    url: str
    kind: RedisKind
    nodes: tuple[tuple[str, int], ...] = ()
    primary: str = ""
    db: int = 0
    user: str | None = None
    password: str | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None
    tls: bool = False


SINGLE: Final = ("redis://", "rediss://", "unix://")
CLUSTER: Final = ("redis+cluster://", "rediss+cluster://")
SENTINEL: Final = ("redis+sentinel://", "rediss+sentinel://")

_NODE: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")
_PORTS: Final = {RedisKind.CLUSTER: 6379, RedisKind.SENTINEL: 26379}


def redis_address(url: str) -> RedisAddress:
    """Read an address; raises ``ValueError`` whose words fit behind the setting's name, and hold none of the password."""
    if url.startswith(SINGLE):
        return RedisAddress(url, RedisKind.SINGLE)
    if not url.startswith((*CLUSTER, *SENTINEL)):
        raise ValueError(
            f"must start with {' or '.join((*SINGLE, *CLUSTER, *SENTINEL))}, not {url.partition(':')[0]!r}"
        )
    kind = RedisKind.CLUSTER if url.startswith(CLUSTER) else RedisKind.SENTINEL
    parts = urlsplit(url)
    sign_in, _, hosts = parts.netloc.rpartition("@")
    user, _, password = sign_in.partition(":")
    more = dict(parse_qsl(parts.query))
    if strange := sorted(
        more.keys() - ({"sentinel_user", "sentinel_password"} if kind is RedisKind.SENTINEL else set())
    ):
        raise ValueError(f"takes no {strange[0]!r} behind the question mark")
    primary, db = _path(kind, parts.path.strip("/"))
    return RedisAddress(
        url,
        kind,
        tuple(_node(each.strip(), kind) for each in hosts.split(",")),
        primary,
        db,
        unquote(user) or None,
        unquote(password) or None,
        more.get("sentinel_user"),
        more.get("sentinel_password"),
        parts.scheme.startswith("rediss"),
    )


def _node(text: str, kind: RedisKind) -> tuple[str, int]:
    found = _NODE.fullmatch(text)
    if found is None or not 0 < int(found[3] or 1) < 65536:
        raise ValueError(f"must name its servers as host:port,host:port, not {text!r}")
    return found[1] or found[2], int(found[3] or _PORTS[kind])


def _path(kind: RedisKind, path: str) -> tuple[str, int]:
    """The sentinels' name and the number of the database."""
    if kind is RedisKind.CLUSTER:
        if path not in {"", "0"}:
            raise ValueError(f"names a cluster, which has no databases: leave out {path!r}")
        return "", 0
    found = re.fullmatch(r"([^/]+)(?:/([0-9]{1,3}))?", path)
    if found is None:
        raise ValueError("must end with the name that the sentinels know the primary by, e.g. .../balas or .../balas/1")
    return unquote(found[1]), int(found[2] or 0)
