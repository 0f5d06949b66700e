"""Where the servers of a folder listen, as their keeper posts it for all who want to use them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import psutil  # type: ignore[import-untyped]

from bot.embedded.errors import EmbeddedServerError, NoEmbeddedServer
from bot.embedded.layout import Layout
from bot.embedded.locks import is_locked


class Kind(StrEnum):
    """Which of the two servers."""

    POSTGRES = "postgres"
    VALKEY = "valkey"


BOTH = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """Where the servers listen; empty for one that was not asked for."""

    database_url: str = ""
    redis_url: str = ""

    def covers(self, kinds: Iterable[Kind]) -> bool:
        """Whether all of ``kinds`` are there."""
        listed = {Kind.POSTGRES: self.database_url, Kind.VALKEY: self.redis_url}
        return all(listed[kind] for kind in kinds)


@dataclass(frozen=True, slots=True)
class Posted:
    """What whoever keeps the servers posts: who it is, where they listen, what it could not start or has to say.

    ``shared``: it stops them when nobody uses them any more, rather than when it pleases.
    """

    pid: int
    urls: ServerUrls
    shared: bool = False
    problems: Mapping[Kind, EmbeddedServerError] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def write(self, layout: Layout) -> None:
        """Post it, all at once."""
        text = json.dumps(
            {
                "pid": self.pid,
                "database_url": self.urls.database_url,
                "redis_url": self.urls.redis_url,
                "shared": self.shared,
                "problems": {
                    kind: {"no_server": isinstance(problem, NoEmbeddedServer), "text": str(problem)}
                    for kind, problem in self.problems.items()
                },
                "notices": self.notices,
            }
        )
        unfinished = layout.addresses.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.replace(layout.addresses)


def posted(layout: Layout) -> Posted | None:
    """What the living keeper of this folder has posted, if there is one."""
    try:
        found = json.loads(layout.addresses.read_text())
        posting = Posted(
            pid=int(found["pid"]),
            urls=ServerUrls(str(found["database_url"]), str(found["redis_url"])),
            shared=bool(found["shared"]),
            problems={Kind(kind): _problem(told) for kind, told in found["problems"].items()},
            notices=tuple(found["notices"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # A keeper that was killed leaves its posting behind, and the next one has the lock before it has removed that.
    with contextlib.suppress(OSError):
        if psutil.pid_exists(posting.pid) and is_locked(layout.servers_lock):
            return posting
    return None


def _problem(told: Mapping[str, object]) -> EmbeddedServerError:
    return (NoEmbeddedServer if told["no_server"] else EmbeddedServerError)(str(told["text"]))
