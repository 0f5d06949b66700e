"""Waits until whoever made the hosts has gone, however that came, and removes what is left of them."""

from __future__ import annotations

import signal
import sys
from typing import Final

from bot.embedded.locks import FileLock
from scale.hosts import LOCK, sweep

#: Seconds that the kernel may take to close all files of a process that was killed.
_CLOSES_WITHIN: Final = 5.0

if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Nobody writes: the end of the file is the end of the process that holds the other end.
    sys.stdin.read()
    lock = FileLock(LOCK)
    # The kernel may close that file a moment before the lock's. Whoever has the lock for longer has swept before.
    if lock.take(patience=_CLOSES_WITHIN):
        sweep()
