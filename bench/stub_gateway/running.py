"""A stub gateway that runs in a process of its own, for tests and benches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlencode
from urllib.request import urlopen

from bench.stub_gateway.message_log import Logged, read_log

_PROJECT = Path(__file__).resolve().parents[2]
_PATIENCE = 10.0


class RunningStub:
    """``with RunningStub(log) as stub: ... stub.url ...``: started, told what to do, stopped at the end."""

    def __init__(
        self,
        log: Path,
        *,
        receipts_to: str = "",
        auth_token: str = "",
        bodies: bool = False,
        host: str = "127.0.0.1",
        **behaviour: float,
    ) -> None:
        """``behaviour``: members of ``Behaviour``; ``bodies``: keep each text beside the log; ``host``: where it listens."""
        self.log = log
        self._argv = [sys.executable, "-m", "bench.stub_gateway", "--log", str(log), "--host", host]
        self._argv += ["--receipts-to", receipts_to, "--auth-token", auth_token, *(["--bodies"] if bodies else [])]
        for name, value in behaviour.items():
            self._argv += [f"--{name.replace('_', '-')}", str(value)]
        self._running: subprocess.Popen[str]
        self.url = ""

    @property
    def pid(self) -> int:
        """The process that it runs in."""
        return self._running.pid

    def __enter__(self) -> Self:
        """Raises ``OSError`` if it does not start."""
        self._running = subprocess.Popen(self._argv, stdout=subprocess.PIPE, text=True, cwd=_PROJECT)
        assert self._running.stdout is not None
        self.url = self._running.stdout.readline().strip()
        if not self.url:
            self.__exit__()
            raise OSError("the stub gateway did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.terminate()
        try:
            self._running.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()

    def behaves(self, **behaviour: float) -> None:
        """Change some members of its ``Behaviour``."""
        self._tell("behave", {name: str(value) for name, value in behaviour.items()})

    def refuses(self, number: str, code: int) -> None:
        """Refuse messages to a number with the provider's ``code``; 0 takes it back."""
        self._tell("refuse", {"number": number, "code": str(code)})

    def forget_receipts(self) -> None:
        """Deliver none of the receipts that are still planned."""
        self._tell("forget", {})

    def state(self) -> dict[str, int]:
        """Its counters: see ``bench.stub_gateway.server``."""
        with urlopen(f"{self.url}/_stub/state", timeout=_PATIENCE) as answer:
            told: dict[str, int] = json.load(answer)
            return told

    def taken(self) -> list[Logged]:
        """Every message that it has taken."""
        return list(read_log(self.log)) if self.log.exists() else []

    def _tell(self, what: str, form: Mapping[str, str]) -> None:
        with urlopen(f"{self.url}/_stub/{what}", urlencode(form).encode(), timeout=_PATIENCE) as answer:
            answer.read()
