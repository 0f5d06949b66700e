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

    It goes with the process: a kill -9 frees it, and a file left behind means nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
    """Whether anybody holds the lock at ``path``, exclusively or shared."""
    if not path.exists():
        return False
    probe = FileLock(path)
    if probe.take():
        probe.release()
        return False
    return True
