"""Waits until whoever made the hosts has gone, however that came, and removes what is left of them."""

from __future__ import annotations

import signal
import sys

from bot.embedded.locks import FileLock
from scale.hosts import LOCK, sweep

if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Nobody writes: the end of the file is the end of the process that holds the other end.
    sys.stdin.read()
    lock = FileLock(LOCK)
    # Whoever has it now has swept before.
    if lock.take():
        sweep()
