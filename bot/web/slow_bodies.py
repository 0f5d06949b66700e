"""Bodies from whom we do not know yet: read with a limit on the time, since whoever sends one slowly holds up the process.

A web process answers one request at a time, and the server's reader waits for ever, also for a telephone that lost its
network in the middle of a form. A proxy that buffers bodies keeps both away (docs/operations.md asks for one). Where there is
none, or it does not, the process that waits in vain ends itself, and the server starts another in its place: its one
thread could not do anything else any more. Gateways with a secret in their path are known before anything is read, so a
stranger holds up none of theirs.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = structlog.get_logger(__name__)

#: Seconds that a body may take in all, and an upload, which only who is signed in may send.
PATIENCE: Final = 10.0
PATIENCE_FOR_UPLOADS: Final = 180.0
#: Seconds between two looks at how long a body has taken.
_LOOK: Final = 0.5


class PatientBody:
    """A body that is read as the server's own, but not for ever."""

    def __init__(self, body: Any, patience: float) -> None:
        self._body = body
        self._until = time.monotonic() + patience

    def extend(self, patience: float) -> None:
        """Give it more time, counted from now."""
        self._until = time.monotonic() + patience

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, fewer at the end."""
        _watch.begin(self._until)
        try:
            found: bytes = self._body.read(size)
        finally:
            _watch.end()
        return found

    def readline(self, size: int = -1) -> bytes:
        """The next line, or ``size`` bytes of it: nothing that is sent to us is read by lines."""
        return self.read(size)


class _Watch:
    """One thread for all bodies of a process: one for each would cost a signed webhook a tenth of its time.

    Threads that read at the same time are told apart; the time of a body is looked at every ``_LOOK`` seconds.
    """

    def __init__(self) -> None:
        self._reading: dict[int, float] = {}
        self._lock = threading.Lock()
        self._watching_in = 0

    def begin(self, until: float) -> None:
        """This thread reads, until a moment of the monotonic clock at most."""
        self._reading[threading.get_ident()] = until
        # A forked child has none of our threads.
        if self._watching_in != os.getpid():
            with self._lock:
                if self._watching_in != os.getpid():
                    self._watching_in = os.getpid()
                    threading.Thread(target=self._run, name="slow-bodies", daemon=True).start()

    def end(self) -> None:
        """This thread has read."""
        self._reading.pop(threading.get_ident(), None)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK)
            if any(until < time.monotonic() for until in list(self._reading.values())):
                _end_process()


def be_patient(call: WSGIEnvironment) -> None:
    """Have the body of a request read with a limit on the time."""
    if call.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in call:
        call["wsgi.input"] = PatientBody(call["wsgi.input"], PATIENCE)


def expect_upload(call: WSGIEnvironment) -> None:
    """Give the body the time that a large file takes."""
    body: Any = call["wsgi.input"]
    if isinstance(body, PatientBody):
        body.extend(PATIENCE_FOR_UPLOADS)


def _end_process() -> None:
    _log.error("body_never_came", seconds=PATIENCE)
    os._exit(1)


_watch = _Watch()
