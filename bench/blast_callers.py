"""Subscribers who register at their own pace while something else is measured."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from bench.script import Account, Script
from bench.subscribers import Line, WrongAnswer

_EXAMPLES = 5


class _UnhurriedLine(Line):
    """A subscriber who takes a while to type."""

    def __init__(
        self, script: Script, callers: Iterator[tuple[int, tuple[str, str]]], account: Account, pause: float
    ) -> None:
        super().__init__(script, callers, account)
        self._pause = pause

    def _send(self) -> None:
        time.sleep(self._pause)
        super()._send()


class Callers:
    """``with Callers(script, pause) as callers: ...``: they dial until the end; then ``account`` tells of it."""

    def __init__(self, script: Script, pause: float) -> None:
        """``pause``: seconds before each request of a subscriber."""
        self.account = Account()
        self._script = script
        self._pause = pause
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._callers = self._one_by_one(script.workers)
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(script.subscribers)]

    def __enter__(self) -> Callers:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.account.seconds = time.monotonic() - self._began

    def _one_by_one(self, workers: Sequence[tuple[str, str]]) -> Iterator[tuple[int, tuple[str, str]]]:
        return iter(list(enumerate(workers)))

    def _call(self) -> None:
        line: _UnhurriedLine | None = None
        while not self._over.is_set():
            try:
                if line is None:
                    line = _UnhurriedLine(self._script, self._callers, self.account, self._pause)
                if not line.dial():
                    break
                while line.hear():
                    pass
            except (WrongAnswer, OSError) as error:
                self._note(str(error) if isinstance(error, WrongAnswer) else type(error).__name__)
                if line is not None:
                    line.socket.close()
                line = None
                self._over.wait(self._pause)
        if line is not None:
            with contextlib.suppress(OSError):
                line.socket.close()

    def _note(self, reason: str) -> None:
        kind = reason.partition("|")[0].strip()
        with self._lock:
            self.account.errors[kind] = self.account.errors.get(kind, 0) + 1
            if len(self.account.examples) < _EXAMPLES:
                self.account.examples.append(reason)
