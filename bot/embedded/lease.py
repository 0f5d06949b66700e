"""Using the servers of a folder, whoever keeps them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.embedded import keeper
from bot.embedded.addresses import BOTH, Kind, ServerUrls, posted
from bot.embedded.child import spawn
from bot.embedded.errors import EmbeddedServerError
from bot.embedded.layout import Layout
from bot.embedded.locks import is_locked
from bot.embedded.server import START_LIMIT
from bot.embedded.users import Users

_POLL = 0.02
_BETWEEN_KEEPERS = 0.5
_PROJECT = Path(__file__).resolve().parents[2]
#: What a keeper gets of our environment: where programs and folders are, and none of our keys.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "PYTHONPATH")


def _nothing() -> None:
    """The default of ``check``."""


class Lease:
    """The right to use servers of ``folder`` until it is released or this process ends, in whatever way.

    Entering waits until they answer. ``check`` is called while waiting, and may raise to give up.
    """

    def __init__(
        self,
        folder: Path,
        kinds: frozenset[Kind] = BOTH,
        *,
        say: Callable[[str], None] | None = None,
        check: Callable[[], None] = _nothing,
    ) -> None:
        self._layout = Layout(folder.absolute())
        self._kinds = kinds
        self._say = say or (lambda line: print(line, file=sys.stderr))  # noqa: T201  notices for the person there
        self._check = check
        self._users = Users(self._layout)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._next_keeper = 0.0
        self._notices_passed_on = 0
        self._urls = ServerUrls()

    @property
    def urls(self) -> ServerUrls:
        """Where the servers listen; the same as long as the lease lasts."""
        return self._urls

    def __enter__(self) -> Self:
        try:
            self._take()
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def tend(self) -> None:
        """See to it that the servers have a keeper; call several times a second during a long lease. Never waits."""
        now = time.monotonic()
        if now >= self._next_keeper and not self._keeper_lives():
            self._next_keeper = now + _BETWEEN_KEEPERS
            self._start_keeper()

    def release(self, *, patience: float = START_LIMIT, impatient: Callable[[], bool] = lambda: False) -> bool:
        """Let go, and wait until the servers have stopped; False if they go on, because others use them or keep them.

        They are given ``patience`` seconds to stop in order, after which, or once ``impatient``, they are cut short.
        """
        if not self._users.joined:
            return True
        self._users.leave()
        until = time.monotonic() + patience
        hurried = False
        while self._keeper_lives():
            found = posted(self._layout)
            if (found is not None and not found.shared) or self._users.in_use():
                return False
            if not hurried and (time.monotonic() > until or impatient()):
                self._hurry()
                hurried = True
            time.sleep(_POLL)
        return True

    def _take(self) -> None:
        self._layout.make()
        until = time.monotonic() + START_LIMIT
        while not self._join():  # a keeper that is stopping lets nobody in
            self._wait(until)
        while not self._arrived():
            self.tend()
            self._wait(until)

    def _join(self) -> bool:
        try:
            return self._users.join(self._kinds)
        except OSError as error:
            raise EmbeddedServerError(
                f"{error.filename} cannot be used ({error.strerror}); use the account that made it, or set VAR to "
                "another folder."
            ) from error

    def _wait(self, until: float) -> None:
        self._check()
        if time.monotonic() > until:
            raise EmbeddedServerError(
                f"The servers of {self._layout.folder} do not answer after {START_LIMIT:.0f} s; see {self._layout.log}."
            )
        time.sleep(_POLL)

    def _arrived(self) -> bool:
        found = posted(self._layout)
        if found is None:
            if self._keeper is not None and self._keeper.poll() == keeper.FAILED:
                raise EmbeddedServerError(f"The servers cannot be kept: {_last_line(self._layout.servers_log)}")
            return False
        if self._keeper is not None and found.pid == self._keeper.pid:
            for notice in found.notices[self._notices_passed_on :]:
                self._say(notice)
            self._notices_passed_on = len(found.notices)
        for kind in self._kinds:
            if kind in found.problems:
                raise found.problems[kind]
        self._urls = ServerUrls(
            found.urls.database_url if Kind.POSTGRES in self._kinds else "",
            found.urls.redis_url if Kind.VALKEY in self._kinds else "",
        )
        return found.urls.covers(self._kinds)

    def _start_keeper(self) -> None:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with self._layout.servers_log.open("ab") as log:
            self._keeper = spawn(
                [sys.executable, "-m", keeper.__name__, self._layout.folder],
                env=env,
                cwd=_PROJECT,
                output=log,
                parting=None,  # it ends when its last user does, and that need not be us
            )

    def _hurry(self) -> None:
        # A keeper that we did not start is left alone: its number is no longer posted while it stops.
        if self._keeper is not None and self._keeper.poll() is None:
            self._keeper.send_signal(signal.SIGUSR1)

    def _keeper_lives(self) -> bool:
        if self._keeper is not None and self._keeper.poll() is None:
            return True
        return is_locked(self._layout.servers_lock)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it left no word"
