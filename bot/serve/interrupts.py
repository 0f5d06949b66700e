"""The signals that ask the service to stop, or to renew its processes."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_Handler = Callable[[int, FrameType | None], Any] | int | None
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Asks to start every process anew, one after the other. (SIGHUP means that the terminal is gone.)
RENEWING = signal.SIGUSR1


class Stopped(Exception):
    """The service was asked to stop while it was still starting."""


class Interrupts:
    """Counts the requests to stop, while entered: the first asks for an orderly end, the second for one at once."""

    def __init__(self) -> None:
        self._count = 0
        self._renewals = 0
        self._before: dict[signal.Signals, _Handler] = {}

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self._count > 0

    @property
    def at_once(self) -> bool:
        """Whether to stop without waiting for anybody."""
        return self._count > 1

    def take_renewal(self) -> bool:
        """Whether somebody has asked to renew all processes since the last call."""
        asked, self._renewals = self._renewals > 0, 0
        return asked

    def check(self) -> None:
        """Raise ``Stopped`` if asked to stop."""
        if self.asked:
            raise Stopped

    def __enter__(self) -> Self:
        for number in _ASKING:
            # Under nohup a closed terminal means nothing; a background job of a shell must hear SIGINT all the same.
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._on_signal)
        self._before[RENEWING] = signal.signal(RENEWING, self._on_renewal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._count += 1

    def _on_renewal(self, number: int, frame: FrameType | None) -> None:
        self._renewals += 1
