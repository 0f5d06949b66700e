"""A process that ends with its parent: a web server's process must not go on serving when its master was killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parting: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel for ``parting`` when our parent dies (Linux; elsewhere a no-op).

    If the parent has died before we could ask, we are orphans already, and end.
    """
    if sys.platform != "linux" or os.environ.get("BALAS_PARENT") is None:
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, parting)
    if os.getppid() != int(os.environ["BALAS_PARENT"]):
        os.kill(os.getpid(), parting)
