"""What the service writes to its standard output, without ever waiting for whoever reads it."""

from __future__ import annotations

import os
import select
from collections import deque

_MOST_KEPT = 512 * 1024


class Terminal:
    """Lines for the terminal, each with the name of who wrote it.

    A reader that has stopped reading (a paused terminal, a full pipe) must not stop the service: lines wait, and when
    too many do, the oldest are dropped and counted.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._begun = b""  # the rest of a long line, of which a part has been written
        self._dropped = 0
        self._gone = False

    def say(self, line: str) -> None:
        """Write a line of our own."""
        self._add(line.encode(errors="replace") + b"\n")

    def pass_on(self, name: str, line: bytes) -> None:
        """Write a line of the child ``name``."""
        self._add(f"{name:<8}| ".encode() + line + b"\n")

    def flush(self, patience: float = 0.0) -> None:
        """Write what can be written; wait up to ``patience`` seconds for the reader."""
        while (self._begun or self._waiting) and not self._gone:
            if not select.select([], [self._descriptor], [], patience)[1]:
                return
            line = self._begun or self._next()
            # A pipe that is ready takes PIPE_BUF bytes without making us wait, more perhaps not.
            chunk, self._begun = line[: select.PIPE_BUF], line[select.PIPE_BUF :]
            try:
                os.write(self._descriptor, chunk)
            except OSError:
                # Nobody will read any more (the terminal was closed); the service goes on.
                self._gone = True
                self._waiting.clear()

    def _next(self) -> bytes:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            return f"... {dropped} lines were not shown: nobody read them in time\n".encode()
        line = self._waiting.popleft()
        self._size -= len(line)
        return line

    def _add(self, line: bytes) -> None:
        if self._gone:
            return
        self._waiting.append(line)
        self._size += len(line)
        self.flush()
        while self._size > _MOST_KEPT:
            self._size -= len(self._waiting.popleft())
            self._dropped += 1
