"""Runs the service's children: passes on what they write, starts them again when they die, stops them together."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bot.embedded.child import spawn
from bot.listeners import HAND_OVER
from bot.serve.interrupts import Interrupts
from bot.serve.terminal import Terminal

#: Seconds between SIGTERM and SIGKILL when the service stops.
GRACE = 10.0
#: A child that dies is started again after this long, and longer each time it dies young (seconds).
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 1.5
_STEADY_AFTER = 10.0
#: Seconds that a web server has for handing over before it is asked to end as any other: it takes two.
_HANDING_OVER = 3.0
_TURN = 0.1
_LONGEST_LINE = 64 * 1024
_LAST_PIECES = 64  # of a dead child's output; a pipe holds 64 KiB by default, more only if somebody still writes


@dataclass(frozen=True, slots=True)
class Child:
    """A program to run: the name before its lines, its command and its environment.

    ``listeners``: descriptors of ours, of sockets on which it listens, and its successor after it (``bot.listeners``).
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # it holds keys
    listeners: tuple[int, ...] = ()


@dataclass(slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    started_at: float
    pause: float = FIRST_PAUSE
    unfinished: bytes = b""


class Supervisor:
    """Children of one service, all in the hands of one thread: nothing here happens outside ``turn``.

    Each child leads a session of its own, so that Ctrl-C reaches us alone, and gets SIGTERM from the kernel when we are
    killed (Linux). ``each_turn`` is called about ten times a second.
    """

    def __init__(
        self,
        terminal: Terminal,
        interrupts: Interrupts,
        *,
        cwd: Path,
        each_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self.terminal = terminal
        self._interrupts = interrupts
        self._cwd = cwd
        self._each_turn = each_turn
        self._next_turn = 0.0
        self._selector = selectors.DefaultSelector()
        self._running: dict[str, _Running] = {}
        self._resting: dict[str, tuple[float, float, Child]] = {}  # name: when to start again, pause so far, child
        self._leaving: list[_Running] = []  # who has a successor

    def run(self, child: Child) -> int:
        """Run ``child`` once, to its end; its exit code. Raises ``Stopped`` when asked to stop meanwhile."""
        running = self._start(child, FIRST_PAUSE)
        while running.process.poll() is None:
            self._interrupts.check()
            self._turn()
        return self._bury(running)

    def start(self, children: Iterable[Child]) -> None:
        """Start children that are to run until ``stop``."""
        for child in children:
            self._start(child, FIRST_PAUSE)

    def renew(self, child: Child, is_ready: Callable[[], bool], patience: float) -> bool:
        """Start ``child`` beside the running one of its name, and end that once the new one is ready; True if it is.

        Within ``patience`` seconds; otherwise the old one stays. Raises ``Stopped`` when asked to stop meanwhile.
        """
        self._resting.pop(child.name, None)
        old = self._running.pop(child.name, None)
        if old is not None:
            self._leaving.append(old)
        self._start(child, FIRST_PAUSE)
        until = time.monotonic() + patience
        while not is_ready():
            self._interrupts.check()
            self.turn()
            if time.monotonic() > until:
                self._withdraw(child, old)
                return False
        if old is not None:
            self._dismiss(old)
        return True

    def turn(self) -> None:
        """Pass on output for a tenth of a second, and start again what has died."""
        self._turn()
        for running in [one for one in self._running.values() if one.process.poll() is not None]:
            self._rest(running)
        now = time.monotonic()
        for name, (when, pause, child) in list(self._resting.items()):
            if now >= when:
                del self._resting[name]
                try:
                    self._start(child, pause)
                except OSError as error:  # too many processes, no memory: it may pass
                    self.terminal.say(f"{name} could not be started: {error.strerror}")
                    self._resting[name] = (now + LONGEST_PAUSE, pause, child)

    def stop(self, grace: float = GRACE) -> None:
        """End all children: SIGTERM, then, after ``grace`` seconds or a second Ctrl-C, SIGKILL to all they started."""
        self._resting.clear()
        for running in self._all():
            running.process.terminate()
        until = time.monotonic() + grace
        while self._all() and time.monotonic() < until and not self._interrupts.at_once:
            self._forward(_TURN)
            for running in [one for one in self._all() if one.process.poll() is not None]:
                self._bury(running)
        for running in self._all():
            self.terminal.say(f"{running.child.name} did not end by itself and was killed")
            self._bury(running)
        self.terminal.flush(_TURN)

    def _all(self) -> list[_Running]:
        return [*self._leaving, *self._running.values()]

    def _withdraw(self, child: Child, old: _Running | None) -> None:
        """Have the old one go on instead of its successor."""
        self._resting.pop(child.name, None)
        if child.name in self._running:
            self._bury(self._running[child.name])
        if old in self._leaving:
            self._leaving.remove(old)
            self._running[child.name] = old

    def _dismiss(self, running: _Running) -> None:
        """End one that has a successor: in order, within ``GRACE``."""
        if running.child.listeners:
            running.process.send_signal(HAND_OVER)
            self._await_end(running, _HANDING_OVER)
        running.process.terminate()
        self._await_end(running, GRACE)
        if not self._interrupts.asked:  # else ``stop`` ends it with the others
            self._bury(running)

    def _await_end(self, running: _Running, seconds: float) -> None:
        until = time.monotonic() + seconds
        while running.process.poll() is None and time.monotonic() < until and not self._interrupts.asked:
            self.turn()

    def _turn(self) -> None:
        self._forward(_TURN)
        now = time.monotonic()
        if now >= self._next_turn:  # children that write much make short turns
            self._next_turn = now + _TURN
            self._each_turn()
        self.terminal.flush()

    def _start(self, child: Child, pause: float) -> _Running:
        # Each start gets a pipe of its own: the last one may still be in the hands of a dead child's children.
        process = spawn(
            child.argv,
            env=child.env,
            cwd=self._cwd,
            output=subprocess.PIPE,
            parting=signal.SIGTERM,
            passes=child.listeners,
        )
        if process.stdout is None:
            raise LookupError("whoever is started with a pipe has one")
        running = _Running(child, process, process.stdout, time.monotonic(), pause)
        os.set_blocking(running.output.fileno(), False)
        self._selector.register(running.output, selectors.EVENT_READ, running)
        self._running[child.name] = running
        return running

    def _rest(self, running: _Running) -> None:
        code = self._bury(running)
        now = time.monotonic()
        steady = now - running.started_at > _STEADY_AFTER
        pause = FIRST_PAUSE if steady else running.pause
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self.terminal.say(f"{running.child.name} {how}; starting it again")
        self._resting[running.child.name] = (now + pause, min(pause * 2, LONGEST_PAUSE), running.child)

    def _bury(self, running: _Running) -> int:
        """Kill what is left of a child and of those it started, pass on its last words; its exit code."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(running.process.pid, signal.SIGKILL)
        code = running.process.wait()
        for _ in range(_LAST_PIECES):
            if running.output.closed or not self._read(running):
                break
        if running.unfinished:
            self.terminal.pass_on(running.child.name, running.unfinished)
        self._close(running)
        if running in self._leaving:
            self._leaving.remove(running)
        else:
            del self._running[running.child.name]
        return code

    def _close(self, running: _Running) -> None:
        if not running.output.closed:
            self._selector.unregister(running.output)
            running.output.close()

    def _forward(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            self._read(key.data)

    def _read(self, running: _Running) -> bool:
        """Pass on one piece of output, so that one who writes without pause does not keep us; whether there was any."""
        try:
            piece = os.read(running.output.fileno(), _LONGEST_LINE)
        except BlockingIOError:
            return False
        if not piece:
            self._close(running)
            return False
        *lines, rest = (running.unfinished + piece).split(b"\n")
        for line in lines:
            self.terminal.pass_on(running.child.name, line)
        if len(rest) > _LONGEST_LINE:
            self.terminal.pass_on(running.child.name, rest)
            rest = b""
        running.unfinished = rest
        return True
