"""Locks that the kernel takes back when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

_RETRY = 0.02


class FileLock:
    """A lock on a file (``flock``), shared or exclusive.

    It goes with the process: a kill -9 frees it, and a file left behind means nothing. ``create=False`` counts a file
    that is missing as locked by nobody, and leaves it missing.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self, *, shared: bool = False, patience: float = 0.0) -> bool:
        """Take the lock, trying for ``patience`` seconds; False when others have it. Raises ``OSError``."""
        until = time.monotonic() + patience
        while not self._try(fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if time.monotonic() >= until:
                return False
            time.sleep(_RETRY)
        return True

    def release(self) -> None:
        """Give the lock back; the file stays, because others may be waiting on it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def intact(self) -> bool:
        """Whether the path still leads to the file that is held: somebody may have removed the folder."""
        return self._descriptor is not None and self._is_at_path(self._descriptor)

    def _try(self, mode: int) -> bool:
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self.path, self._flags, 0o600)
        except FileNotFoundError:
            if self._flags & os.O_CREAT:
                raise
            return True
        taken = False
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            # Between opening and locking the file may have been replaced; then this lock would protect nothing.
            taken = self._is_at_path(descriptor)
        if taken:
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return taken

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))  # noqa: PTH116  follows the same path
        except FileNotFoundError:
            return False


def is_locked(path: Path) -> bool:
    """Whether anybody holds the lock at ``path`` exclusively.

    To look is to share it for an instant: who wants it alone needs a little patience.
    """
    probe = FileLock(path, create=False)
    if probe.take(shared=True):
        probe.release()
        return False
    return True
