"""PostgreSQL and Valkey for one data folder, as children of this process; and finding those that run already."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.embedded.addresses import BOTH, Kind, Posted, ServerUrls, posted
from bot.embedded.errors import EmbeddedServerError, FolderInUse
from bot.embedded.layout import Layout
from bot.embedded.locks import FileLock
from bot.embedded.postgres import Postgres
from bot.embedded.server import Server
from bot.embedded.valkey import Valkey

__all__ = ["BOTH", "EmbeddedServers", "Kind", "ServerUrls", "urls_of_running", "using_servers"]

#: Whoever only looks whether a lock is free holds it for an instant, and may make us wait this long (seconds).
_GLANCES = 0.5


def _to_terminal(line: str) -> None:
    sys.stderr.write(line + "\n")


class EmbeddedServers:
    """The servers of ``folder``, kept as children of this process and found again, data and all, at the next start.

    They end with this process, on Linux also by kill -9; call from its main thread. ``durable=False``, for tests, is
    faster and loses data when the machine crashes. ``say`` takes one-line notices (default: standard error).
    """

    def __init__(self, folder: Path, *, durable: bool = True, say: Callable[[str], None] = _to_terminal) -> None:
        self.layout = Layout(folder.absolute())
        self.postgres = Postgres(self.layout, durable=durable, say=say)
        self.valkey = Valkey(self.layout, durable=durable)
        self._by_kind: dict[Kind, Server] = {Kind.POSTGRES: self.postgres, Kind.VALKEY: self.valkey}
        self._say = say
        self._lock = FileLock(self.layout.servers_lock)

    @property
    def urls(self) -> ServerUrls:
        """Where the started servers listen. It stays the same when one has to be started again."""
        return ServerUrls(
            database_url=self.postgres.url if self.postgres.wanted else "",
            redis_url=self.valkey.url if self.valkey.wanted else "",
        )

    def claim(self) -> None:
        """Make the folder ours alone; raises ``FolderInUse`` or another ``EmbeddedServerError``."""
        self.layout.make()
        try:
            taken = self._lock.take(patience=_GLANCES)
        except OSError as error:
            raise EmbeddedServerError(
                f"{self._lock.path} cannot be used ({error.strerror}); use the account that made it, or set VAR to "
                "another folder."
            ) from error
        if not taken:
            raise FolderInUse(
                f"The servers of {self.layout.folder} are in use by another program; stop that one, or set VAR to "
                "another folder."
            )
        self.layout.addresses.unlink(missing_ok=True)

    def still_ours(self) -> bool:
        """Whether the folder is the one that we claimed, and not removed or replaced since."""
        return self._lock.intact()

    def start(self, kinds: frozenset[Kind] = BOTH) -> ServerUrls:
        """Start those of ``kinds`` that were not started yet, wait until they answer, and post where they are.

        Raises ``FolderInUse``, ``NoEmbeddedServer`` or another ``EmbeddedServerError``, and leaves nothing running
        that did not run before.
        """
        claimed_before = self._lock.held
        if not claimed_before:
            self.claim()
        new = [server for kind, server in self._by_kind.items() if kind in kinds and not server.wanted]
        try:
            for server in new:
                server.prepare()
            for server in new:
                server.launch()
            for server in new:
                server.await_ready()
            Posted(os.getpid(), self.urls).write(self.layout)
        except BaseException:
            for server in new:
                server.stop()
            if not claimed_before:
                self._lock.release()
            raise
        return self.urls

    def tend(self) -> None:
        """Start again what has died, without waiting for it to answer; call several times a second."""
        for server in self._by_kind.values():
            try:
                news = server.tend()
            except EmbeddedServerError as error:
                news = str(error)
            if news:
                self._say(news)

    def stop(self) -> None:
        """Stop both and wait until they have ended (at most 12 s); the data stays. Harmless when they do not run."""
        if not self._lock.held:
            return
        if self.still_ours():
            self.layout.addresses.unlink(missing_ok=True)
        for server in self._by_kind.values():
            server.ask_to_stop()
        for server in self._by_kind.values():
            server.stop()
        self._lock.release()

    def hurry(self) -> None:
        """Cut short a ``stop`` that is waiting, at the price of a recovery at the next start."""
        for server in self._by_kind.values():
            server.hurry()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def urls_of_running(folder: Path) -> ServerUrls | None:
    """Where the servers of ``folder`` listen, if any process keeps them now."""
    found = posted(Layout(folder.absolute()))
    return found.urls if found is not None else None


@contextlib.contextmanager
def using_servers(folder: Path, *, database: bool = True, redis: bool = True) -> Iterator[ServerUrls]:
    """The servers of ``folder`` for the time of a command: those of a running service, or of another command.

    If there are none they are started, shared with every command that begins while they run, and stopped when the last
    one ends, which waits for that. Raises ``NoEmbeddedServer`` or another ``EmbeddedServerError``.
    """
    from bot.embedded.lease import Lease  # builds on this module's parts

    kinds = frozenset(kind for kind, asked in ((Kind.POSTGRES, database), (Kind.VALKEY, redis)) if asked)
    with Lease(folder, kinds) as lease:
        yield lease.urls
