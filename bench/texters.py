"""The load generator of ``replies``: N people at a time who register by SMS, one after the other.

A process of its own: ``python -m bench.texters`` reads a ``TextScript`` from stdin and writes a ``TextAccount`` to stdout. One
thread, plain sockets and requests made by hand, as in ``bench.subscribers``. Where the answer leaves by the gateway's API, the
stub's log is read while it grows: it tells when the gateway was handed the answer, so reading it late changes no time.
"""

from __future__ import annotations

import gc
import heapq
import json
import os
import random
import selectors
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict

from bench.subscribers import WrongAnswer
from bench.texter import Texter, TurnedAway
from bench.texts import TextAccount, TextScript

_EXAMPLES = 5
#: Seconds between two looks at the log.
_LOOK = 0.001


class _Log:
    """The stub's log from now on: moment and number of each message."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
        os.lseek(self._file, 0, os.SEEK_END)
        self._rest = b""

    def read(self) -> Iterator[tuple[float, str]]:
        """What has been written since."""
        piece = os.read(self._file, 1 << 20)
        if not piece:
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            at, _, _, _, number, _ = line.decode().split("\t")
            yield float(at), number


class Conversations:
    """All texters together, until everybody has registered."""

    def __init__(self, script: TextScript) -> None:
        """Connects the texters; raises ``OSError`` if nobody listens."""
        self.account = TextAccount()
        self._script = script
        workers = enumerate(script.workers)
        self._texters = [Texter(script, workers, self.account) for _ in range(script.lines)]
        self._log = _Log(script.log) if script.log else None
        self._selector = selectors.DefaultSelector()
        for texter in self._texters:
            self._selector.register(texter.socket, selectors.EVENT_READ, texter)
        self._by_phone: dict[str, Texter] = {}
        self._thinking: list[tuple[float, int, Texter]] = []
        self._chance = random.Random(len(script.workers))

    def run(self) -> TextAccount:
        """Let everybody text; returns when the last one has been answered or given up."""
        time.sleep(max(0.0, self._script.begins_at - time.monotonic()))
        cpu, heard_at = time.process_time(), time.monotonic()
        self.account.began = self.account.ended = heard_at
        for texter in self._texters:
            self._begin(texter)
        while self._by_phone:
            ready = self._selector.select(self._until_next())
            for key, _events in ready:
                self._hear(key.data)
            handed = list(self._log.read()) if self._log is not None else []
            for at, number in handed:
                self._hand(at, number)
            now = time.monotonic()
            while self._thinking and self._thinking[0][0] <= now:
                self._text(heapq.heappop(self._thinking)[2])
            if ready or handed or self._thinking:
                heard_at = now
            elif now > heard_at + self._script.patience:
                self.account.errors[f"no answer within {self._script.patience:.0f} s"] = len(self._by_phone)
                break
        self.account.cpu_seconds = time.process_time() - cpu
        return self.account

    def _until_next(self) -> float:
        """Seconds until something may have to be done that no socket tells of."""
        waits = _LOOK if self._log is not None else self._script.patience
        return min(waits, max(0.0, self._thinking[0][0] - time.monotonic())) if self._thinking else waits

    def _begin(self, texter: Texter) -> None:
        """The next worker of this line, if there is one."""
        self._by_phone.pop(texter.phone, None)
        if texter.is_next():
            self._by_phone[texter.phone] = texter
            self._think(texter)

    def _think(self, texter: Texter) -> None:
        if self._script.pause:
            due = time.monotonic() + self._script.pause * self._chance.uniform(0.5, 1.5)
            heapq.heappush(self._thinking, (due, id(texter), texter))
        else:
            self._text(texter)

    def _text(self, texter: Texter) -> None:
        try:
            texter.text()
        except OSError as error:
            self._give_up(texter, type(error).__name__)

    def _hear(self, texter: Texter) -> None:
        try:
            is_over = texter.hear()
        except TurnedAway as error:
            wait = texter.comes_again_in
            if wait is None:
                self._give_up(texter, str(error))
            elif self._is_connected_anew(texter):
                heapq.heappush(self._thinking, (time.monotonic() + wait, id(texter), texter))
            return
        except (WrongAnswer, OSError) as error:
            self._give_up(texter, str(error) if isinstance(error, WrongAnswer) else type(error).__name__)
            return
        if is_over:
            self._go_on(texter)

    def _hand(self, at: float, number: str) -> None:
        """The gateway was handed an answer for a number."""
        texter = self._by_phone.get(number)
        if texter is None or not texter.waits:
            self._note("an answer that nobody waits for")
        elif texter.is_handed(at):
            self._go_on(texter)

    def _go_on(self, texter: Texter) -> None:
        if texter.goes_on():
            self._think(texter)
        else:
            self._begin(texter)

    def _give_up(self, texter: Texter, reason: str) -> None:
        """The registration is lost; the line goes on with the next worker."""
        self._note(reason)
        if self._is_connected_anew(texter):
            self._begin(texter)

    def _is_connected_anew(self, texter: Texter) -> bool:
        """Leave half an answer behind; False if nobody listens any more."""
        self._selector.unregister(texter.socket)
        try:
            texter.reconnect()
        except OSError as error:
            self._note(f"cannot connect: {type(error).__name__}")
            self._by_phone.pop(texter.phone, None)
            return False
        self._selector.register(texter.socket, selectors.EVENT_READ, texter)
        return True

    def _note(self, reason: str) -> None:
        kind = reason.partition("|")[0].strip()
        self.account.errors[kind] = self.account.errors.get(kind, 0) + 1
        if len(self.account.examples) < _EXAMPLES:
            self.account.examples.append(reason)


def main() -> None:
    """Play the script on stdin."""
    conversations = Conversations(TextScript.of(json.load(sys.stdin)))
    # Everything made here lives to the end: looking for garbage would only make some answers seem slow.
    gc.disable()
    json.dump(asdict(conversations.run()), sys.stdout)


if __name__ == "__main__":
    main()
