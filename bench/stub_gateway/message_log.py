"""The stub's log: what a gateway was handed, by its own word. One line a message, tabs between its fields:

    seconds of the monotonic clock, seconds since 1970, gateway, digest of the text, number, the gateway's id

The lines of a request are written, at one go, before its answer: whatever becomes of the client, they are there.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
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
    """Appends to a file; without one it only counts."""

    def __init__(self, path: Path | None) -> None:
        """Raises ``OSError`` where the file cannot be written."""
        self.messages = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if path else None

    def write(self, taken: Taken) -> None:
        """Add what was taken."""
        self.messages += len(taken.ids)
        if self._file is None:
            return
        start = f"{time.monotonic():.6f}\t{time.time():.6f}\t{taken.gateway}\t{digest_of(taken.body)}\t"
        lines = [f"{start}{number}\t{named}\n" for number, named in zip(taken.numbers, taken.ids, strict=True)]
        left = memoryview("".join(lines).encode())
        while left:
            left = left[os.write(self._file, left) :]


def read_log(path: Path) -> Iterator[Logged]:
    """Every line so far."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            monotonic, at, *rest = line.rstrip("\n").split("\t")
            yield Logged(float(monotonic), float(at), *rest)


def repeated(logged: Iterable[Logged]) -> dict[tuple[str, str], int]:
    """Which numbers were sent one text more than once, by the text's digest and number, and how often."""
    counts = Counter((line.digest, line.number) for line in logged)
    return {key: count for key, count in counts.items() if count > 1}
