"""A supervisor to play with, and what it wrote."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.serve.interrupts import Interrupts
from bot.serve.supervisor import Child, Supervisor
from bot.serve.terminal import Terminal


class Stage:
    """A supervisor whose terminal is a file, and whose children are small programs."""

    def __init__(self, folder: Path, interrupts: Interrupts) -> None:
        self.folder = folder
        self._log = folder / "terminal"
        self._descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT)
        self.supervisor = Supervisor(Terminal(self._descriptor), interrupts, cwd=folder)

    def child(self, name: str, program: str) -> Child:
        """A child that runs ``program`` in the stage's folder."""
        return Child(name, (sys.executable, "-u", "-c", program), {"PATH": os.environ["PATH"]})

    def turn_until(self, condition: Callable[[], object], turns: int = 150) -> None:
        """Let the supervisor work until ``condition``; fails after so many turns of a tenth of a second."""
        for _ in range(turns):
            if condition():
                return
            self.supervisor.turn()
        raise AssertionError(f"not so after {turns} turns; so far:\n{self.shown()}")

    def shown(self) -> str:
        """What the terminal shows."""
        return self._log.read_text()

    def lines_of(self, name: str) -> list[str]:
        """The lines in one of the children's files."""
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def close(self) -> None:
        """Leave nothing running."""
        self.supervisor.stop(grace=0)
        os.close(self._descriptor)


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Signals to this process count as requests to stop."""
    with Interrupts() as entered:
        yield entered


@pytest.fixture
def stage(tmp_path: Path, interrupts: Interrupts) -> Iterator[Stage]:
    """A fresh stage, emptied at the end."""
    made = Stage(tmp_path, interrupts)
    yield made
    made.close()
