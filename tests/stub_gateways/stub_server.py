"""What the stub gateways share: they log what reaches them and behave as told.

The log is the truth about what a provider was handed: a line is written, and flushed, before the answer goes out. In
the same process a test uses the attributes and methods of ``StubGateway``; a stub in a process of its own is told by

    POST /_stub/behave    behaviour=<Behaviour> [&times=<N>]    (without times: from now on)
    POST /_stub/refuse    number=<E.164>&code=<the provider's code>
    GET  /_stub/log       every request so far, a JSON object per line, as in the log file
"""

from __future__ import annotations

import argparse
import contextlib
import json
import ssl
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Self

from tests.stub_gateways.behaviour import MISTAKEN, Behaviour, Received, StubAnswer, Taken
from tests.stub_gateways.stub_http import CONTROL, StubHttpServer


class StubGateway(ABC):
    """A provider on a free port of this machine: ``with AfricasTalkingStub() as stub: ... stub.url ...``."""

    #: The header by which the provider knows its customer.
    credentials_header: str

    def __init__(self, *, port: int = 0, log: Path | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.delay = 30.0
        self.drip = 0.5
        self.redirect_to = ""
        self.received: list[Received] = []
        self.refused: dict[str, int] = {}
        self._always = Behaviour.NORMAL
        self._next: deque[Behaviour] = deque()
        self._lock = threading.Lock()
        self._log = log.open("a", encoding="utf-8") if log else None
        self._over = threading.Event()
        self._server = StubHttpServer(("127.0.0.1", port), self, tls)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    # --- for tests ---

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def taken(self) -> list[Taken]:
        """Every message that was taken, in the order of taking."""
        with self._lock:
            return [taken for received in self.received for taken in received.taken]

    def behaves(self, behaviour: Behaviour, times: int | None = None) -> None:
        """Behave so from now on, or for the next ``times`` requests."""
        with self._lock:
            if times is None:
                self._always = behaviour
                self._next.clear()
            else:
                self._next.extend([behaviour] * times)

    def refuses(self, number: str, code: int) -> None:
        """Answer for ``number`` with the provider's ``code`` from now on."""
        self.refused[number] = code

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and let go of every request that is still being answered."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()
        if self._log:
            self._log.close()

    def wait(self) -> None:
        """Serve until interrupted."""
        self._thread.join()

    # --- what a provider adds ---

    @abstractmethod
    def answer(self, received: Received) -> StubAnswer:
        """The documented answer to a request; appends what it takes to ``received.taken``."""

    # --- the inside ---

    def next_behaviour(self) -> Behaviour:
        """What to do with the request that comes now."""
        with self._lock:
            return self._next.popleft() if self._next else self._always

    def drops_next(self) -> bool:
        """Whether the request that comes now is not even to be read."""
        with self._lock:
            if (self._next[0] if self._next else self._always) is not Behaviour.DROP_BEFORE_READING:
                return False
            if self._next:
                self._next.popleft()
            return True

    def note(self, received: Received) -> None:
        """Log a request."""
        with self._lock:
            self.received.append(received)
            if self._log:
                self._log.write(_line(received))
                self._log.flush()

    def pause(self, seconds: float) -> bool:
        """Wait; whether the stub is still on."""
        return not self._over.wait(seconds)

    def control(self, path: str, form: Mapping[str, str]) -> StubAnswer:
        """What a test in another process tells or asks."""
        match path.removeprefix(CONTROL):
            case "behave":
                self.behaves(Behaviour(form["behaviour"]), int(form["times"]) if "times" in form else None)
            case "refuse":
                self.refuses(form["number"], int(form["code"]))
            case "log":
                with self._lock:
                    return StubAnswer(200, "".join(map(_line, self.received)).encode(), "application/x-ndjson")
            case _:
                return StubAnswer(404, b"")
        return StubAnswer(200, b"")

    def shaped(self, received: Received) -> StubAnswer:
        """The answer as the behaviour has it, the request having been noted."""
        behaviour = received.behaviour
        answer = MISTAKEN.get(behaviour)
        if behaviour is Behaviour.REDIRECT:
            answer = StubAnswer(307, b"", "text/plain", (("Location", self.redirect_to + received.path),))
        if answer is None:
            answer = self.answer(received)
        self.note(received)
        if behaviour is Behaviour.JSON_WITH_CHARSET:
            return StubAnswer(answer.status, answer.body, "application/json; charset=utf-8")
        if behaviour is Behaviour.PLAIN_JSON:
            return StubAnswer(answer.status, answer.body, "text/plain")
        return answer


def _line(received: Received) -> str:
    return json.dumps(asdict(received)) + "\n"


def run(make: type[StubGateway]) -> None:
    """Serve in a process of its own, as told on the command line; prints the address."""
    arguments = argparse.ArgumentParser(description=make.__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--log", type=Path, help="append every request to this file, a JSON object per line")
    arguments.add_argument("--behaviour", type=Behaviour, choices=list(Behaviour), default=Behaviour.NORMAL)
    arguments.add_argument("--delay", type=float, default=30.0, help="seconds, for slow")
    told = arguments.parse_args()
    stub = make(port=told.port, log=told.log)
    stub.behaves(told.behaviour)
    stub.delay = told.delay
    print(stub.url, flush=True)  # noqa: T201 - whoever started it reads the port here
    with stub, contextlib.suppress(KeyboardInterrupt):
        stub.wait()
