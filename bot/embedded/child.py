"""Starting a child that does not outlive us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from bot.embedded.account import Account

#: For programs that are not ours: neither our keys nor variables that would change their ways.
BARE_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_PR_SET_PDEATHSIG = 1
# Looked up before any fork: the child may do no more than call it.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: int | IO[bytes],
    source: int | IO[bytes] = subprocess.DEVNULL,
    parting: signal.Signals | None,
    account: Account | None = None,
    umask: int = -1,
    passes: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C in our terminal reaches us alone.

    It reads ``source``, writes output and errors to ``output``, and runs as ``account`` (None: ourselves). ``parting``
    is the signal that the kernel sends it when we die, be it by kill -9 (Linux only; elsewhere whoever starts next
    finds what was left). It is sent when the *thread* that called us ends, so call from the main thread. ``passes``:
    descriptors of ours that it has, too. Raises ``OSError``.
    """
    rights: dict[str, object] = {}
    if account is not None:
        rights = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]  # the overloads know no **rights
        [str(part) for part in argv],
        env=dict(env),
        cwd=cwd,
        stdin=source,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=umask,
        pass_fds=tuple(passes),
        # Runs after the change of account, which would have cleared what it sets.
        preexec_fn=_die_with_parent(parting) if parting is not None and _prctl is not None else None,
        **rights,
    )


def _die_with_parent(parting: signal.Signals) -> Callable[[], None]:
    parent, number = os.getpid(), int(parting)

    def in_child() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # we died before the line above: nobody will send the signal any more
            os._exit(1)

    return in_child
