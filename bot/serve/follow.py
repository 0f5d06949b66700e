"""Following a log that another process writes."""

from __future__ import annotations

from pathlib import Path


class FollowedLog:
    """The lines that are added to ``path`` from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = self._size()
        self._unfinished = b""

    def new_lines(self) -> list[bytes]:
        """The whole lines added since the last call."""
        size = self._size()
        if size < self._at:  # begun anew
            self._at, self._unfinished = 0, b""
        if size == self._at:
            return []
        try:
            with self._path.open("rb") as log:
                log.seek(self._at)
                added = log.read(size - self._at)
        except OSError:
            return []
        self._at += len(added)
        *lines, self._unfinished = (self._unfinished + added).split(b"\n")
        return lines

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0
