"""The process that keeps the servers of one folder for as long as anybody uses them.

The keeper starts a server when somebody wants to use it (the service, a command), starts it again when it dies, and
stops all when nobody is left. So commands that overlap share the servers, none pulls them away from under another, and
a user that is killed lets go like any other.

    python -m bot.embedded.keeper FOLDER
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from bot.embedded.addresses import Kind, Posted
from bot.embedded.errors import EmbeddedServerError, FolderInUse
from bot.embedded.layout import Layout
from bot.embedded.servers import EmbeddedServers
from bot.embedded.users import Users

#: Exit codes: the folder has another keeper; the folder cannot be used at all (the reason is on standard error).
TAKEN, FAILED = 75, 1
_TICK = 0.1


class Keeper:
    """Keeps the servers of one folder; ``run`` is its life."""

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)
        self._servers = EmbeddedServers(folder, say=self._say)
        self._problems: dict[Kind, EmbeddedServerError] = {}
        self._notices: list[str] = []
        self._told_to_end = False
        self._stopping = False

    def run(self) -> None:
        """Keep the servers until nobody uses them any more; raises ``EmbeddedServerError`` if the folder is no use."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_end)
        signal.signal(signal.SIGUSR1, self._on_hurry)
        self._servers.claim()
        users = Users(self._layout)
        try:
            # A folder that was removed has no users, whatever the locks say.
            while not self._told_to_end and self._servers.still_ours():
                wanted = users.in_use()
                if not wanted and users.close_if_unused():
                    break
                self._start_missing(wanted)
                self._servers.tend()
                time.sleep(_TICK)
        finally:
            self._stopping = True
            self._servers.stop()

    def _start_missing(self, wanted: frozenset[Kind]) -> None:
        # One by one: that there is no PostgreSQL for this machine is no reason to refuse Valkey to somebody else.
        changed = False
        for kind in Kind:
            if kind not in wanted:
                # Whoever asks for it next gets another try.
                changed |= self._problems.pop(kind, None) is not None
            elif kind not in self._problems and not self._servers.urls.covers([kind]):
                changed = True
                try:
                    self._servers.start(frozenset([kind]))
                except EmbeddedServerError as error:
                    self._problems[kind] = error
        if changed:
            Posted(os.getpid(), self._servers.urls, True, self._problems, tuple(self._notices)).write(self._layout)

    def _say(self, line: str) -> None:
        self._notices.append(line)
        sys.stderr.write(line + "\n")

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        self._told_to_end = True

    def _on_hurry(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            self._servers.hurry()


def main(folder: Path) -> int:
    """Keep the servers of ``folder``; the exit code."""
    try:
        Keeper(folder).run()
    except FolderInUse:
        return TAKEN
    except EmbeddedServerError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
