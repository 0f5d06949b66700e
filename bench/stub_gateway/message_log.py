"""The stub's log: what a gateway was handed, by its own word. One line a message, tabs between its fields:

    seconds of the monotonic clock, seconds since 1970, gateway, digest of the text, number, the gateway's id

The lines of a request are written, at one go, before its answer: whatever becomes of the client, they are there.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple

#: Bytes of a text's digest.
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """The messages of one request: the same text to all numbers; ``receipts_to``: the address that it named, if any."""

    gateway: str
    body: str
    numbers: Sequence[str]
    ids: Sequence[str]
    receipts_to: str = ""


class Logged(NamedTuple):
    """A line of the log."""

    monotonic: float
    at: float
    gateway: str
    digest: str
    number: str
    id: str


def digest_of(body: str) -> str:
    """How the log names a text."""
    return blake2b(body.encode(), digest_size=_DIGEST).hexdigest()


class MessageLog:
    """Appends to a file; without one it only counts. ``bodies``: beside it, each text once, by its digest."""

    def __init__(self, path: Path | None, *, bodies: bool = False) -> None:
        """Raises ``OSError`` where the file cannot be written."""
        self.messages = 0
        self._file = _append_to(path) if path else None
        self._bodies = _append_to(_bodies_of(path)) if path and bodies else None
        self._known: set[str] = set()

    def write(self, taken: Taken) -> None:
        """Add what was taken."""
        self.messages += len(taken.ids)
        if self._file is None:
            return
        digest = digest_of(taken.body)
        if self._bodies is not None and digest not in self._known:
            self._known.add(digest)
            _write(self._bodies, json.dumps([digest, taken.body]) + "\n")
        start = f"{time.monotonic():.6f}\t{time.time():.6f}\t{taken.gateway}\t{digest}\t"
        lines = [f"{start}{number}\t{named}\n" for number, named in zip(taken.numbers, taken.ids, strict=True)]
        _write(self._file, "".join(lines))


def _append_to(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _bodies_of(log: Path) -> Path:
    return log.with_suffix(".bodies")


def _write(file: int, text: str) -> None:
    left = memoryview(text.encode())
    while left:
        left = left[os.write(file, left) :]


def read_log(path: Path, skip: int = 0) -> Iterator[Logged]:
    """Every line so far, after the first ``skip``."""
    with path.open(encoding="utf-8") as lines:
        for line in islice(lines, skip, None):
            monotonic, at, *rest = line.rstrip("\n").split("\t")
            yield Logged(float(monotonic), float(at), *rest)


def read_bodies(log: Path) -> dict[str, str]:
    """The texts by their digests, of a log that was kept with them."""
    with _bodies_of(log).open(encoding="utf-8") as lines:
        return dict(json.loads(line) for line in lines)


def repeated(logged: Iterable[Logged]) -> dict[tuple[str, str], int]:
    """Which numbers were sent one text more than once, by the text's digest and number, and how often."""
    counts = Counter((line.digest, line.number) for line in logged)
    return {key: count for key, count in counts.items() if count > 1}
