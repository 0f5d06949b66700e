"""What the two embedded servers have in common: one child, started, watched, started again, stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from bot.embedded import leftovers
from bot.embedded.account import Account
from bot.embedded.child import BARE_ENVIRONMENT, spawn
from bot.embedded.errors import EmbeddedServerError

#: Seconds that a server may take until it answers; PostgreSQL may first have to recover from a crash.
START_LIMIT = 120.0
_POLL = 0.01
_TRIES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 1.5
_STEADY_AFTER = 10.0
_LOG_LIMIT = 5 * 1024 * 1024
_TAIL = 4096


class Server(ABC):
    """One server program working on one data folder. Not for use from several threads."""

    #: As people call it.
    title: ClassVar[str]
    #: The program's name in the list of processes.
    program: ClassVar[str]
    #: Signals that stop it, each with the seconds it may take, from the gentlest to the last.
    ladder: ClassVar[leftovers.Ladder]
    #: What the kernel sends it when its keeper dies.
    parting: ClassVar[signal.Signals]

    def __init__(self, log: Path) -> None:
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause = _FIRST_PAUSE
        self._next_try = 0.0

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect; the same for as long as the server is kept."""

    @abstractmethod
    def prepare(self) -> None:
        """Settle places and make what the server needs before it first starts; raises ``EmbeddedServerError``."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers clients now."""

    @abstractmethod
    def _data(self) -> Path: ...

    @abstractmethod
    def _argv(self) -> list[str]: ...

    def _account(self) -> Account | None:
        return None

    def _clear_stale(self) -> None:  # noqa: B027  most servers leave nothing
        """Remove what a dead server left that would keep a new one from starting."""

    @property
    def pid(self) -> int | None:
        """The process number while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    @property
    def wanted(self) -> bool:
        """Whether it has been started and not stopped since, dead or alive."""
        return self._child is not None

    def launch(self) -> None:
        """Start the child, without waiting for it to answer; raises ``EmbeddedServerError``."""
        leftovers.stop(self.program, self._data(), self.ladder)
        self._clear_stale()
        self._rotate_log()
        try:
            with self.log.open("ab") as output:
                self._child = spawn(
                    self._argv(),
                    env=BARE_ENVIRONMENT,
                    cwd=self._data(),
                    output=output,
                    parting=self.parting,
                    account=self._account(),
                    umask=0o077,
                )
        except OSError as error:
            raise EmbeddedServerError(f"{self.title} could not be started: {error}") from error
        self._started_at = time.monotonic()

    def await_ready(self) -> None:
        """Wait until the launched server answers; raises ``EmbeddedServerError`` with the reason if it does not.

        A server that ends at once is launched again a few times: the last one's memory may not be free yet.
        """
        until = time.monotonic() + START_LIMIT
        tries = 1
        while not self.is_ready():
            if self.pid is None:
                if tries == _TRIES:
                    raise EmbeddedServerError(f"{self.title} does not start: {self._last_words()} (see {self.log})")
                time.sleep(_FIRST_PAUSE)
                tries += 1
                self.launch()
            elif time.monotonic() > until:
                raise EmbeddedServerError(f"{self.title} does not answer after {START_LIMIT:.0f} s (see {self.log})")
            time.sleep(_POLL)

    def tend(self) -> str | None:
        """Launch the server again if it has died; what happened, in one line. Never waits for it to answer.

        Call it several times a second: the first try comes at once, later ones at growing intervals up to 1.5 s.
        """
        if self._child is None or self.pid is not None:
            return None
        now = time.monotonic()
        if now < self._next_try:
            return None
        code = self._child.returncode
        self._pause = _FIRST_PAUSE if now - self._started_at > _STEADY_AFTER else min(self._pause * 2, _LONGEST_PAUSE)
        self._next_try = now + self._pause
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self.launch()
        return f"{self.title} {how}; started again"

    def ask_to_stop(self) -> None:
        """Send the gentlest stopping signal, without waiting."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(self.ladder[0][0])

    def stop(self) -> None:
        """Stop it and wait until it has ended, with harsher signals as its time runs out. Harmless when it has."""
        if self._child is not None:
            for number, seconds in self.ladder:
                if self._child.poll() is not None:
                    break
                self._child.send_signal(number)
                try:
                    self._child.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
            self._child = None

    def hurry(self) -> None:
        """Send the second signal now to a server that is being stopped."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(self.ladder[1][0])

    def kill(self) -> None:
        """End it as a crash would; ``tend`` brings it back."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def _rotate_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _last_words(self) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _TAIL))
                lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        except OSError:
            lines = []
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "Fatal" in line]
        return (telling or lines or ["it left no word"])[-1]
