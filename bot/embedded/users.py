"""Who uses the servers of a folder: each user is a file in ``run/users`` that it keeps locked as long as it lives.

Looking whether a user lives is trying its lock, which fails without any effect on it; the file of a dead one can be
locked, and is removed. A gate keeps new users out while the servers are being stopped.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from bot.embedded.addresses import Kind
from bot.embedded.layout import Layout
from bot.embedded.locks import FileLock


class Users:
    """The users of one folder's servers, seen by one of them or by the keeper."""

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.run / "users"
        self._gate = FileLock(layout.run / "gate")
        self._mine: FileLock | None = None

    def join(self, kinds: frozenset[Kind]) -> bool:
        """Become a user of ``kinds``; False while the gate is closed. Raises ``OSError``."""
        self._folder.mkdir(exist_ok=True)
        if not self._gate.take(shared=True):
            return False
        try:
            name = "-".join([*sorted(kinds), str(os.getpid()), secrets.token_hex(4)])
            self._mine = FileLock(self._folder / name)
            # Whoever looks just now may take our file, not locked yet, for that of a dead user and remove it.
            while not self._mine.take():
                pass
        finally:
            self._gate.release()
        return True

    def leave(self) -> None:
        """Be no user any more."""
        if self._mine is not None:
            self._mine.path.unlink(missing_ok=True)
            self._mine.release()
            self._mine = None

    @property
    def joined(self) -> bool:
        """Whether this object is a user."""
        return self._mine is not None

    def in_use(self) -> frozenset[Kind]:
        """Which servers anybody uses, be it this object."""
        return frozenset(kind for user in self._living() for kind in Kind if kind in user.name.split("-"))

    def close_if_unused(self) -> bool:
        """Let nobody join from now on until this process ends, unless there are users; whether that was done."""
        if not self._gate.take():
            return False
        if self.in_use():
            self._gate.release()
            return False
        return True

    def _living(self) -> Iterator[Path]:
        mine = self._mine.path if self._mine is not None else None
        for user in self._folder.glob("*-*"):
            lock = FileLock(user, create=False)
            if user == mine or not lock.take():
                yield user
            else:
                user.unlink(missing_ok=True)
                lock.release()
