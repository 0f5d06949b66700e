"""The other side of ``second_reader``: the import starts it for a long file, and takes its rows as they come."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from bot.crypto import Vault
from bot.db.database import Database
from bot.registration.importing.codes import Codes
from bot.registration.importing.copying import Rows
from bot.registration.importing.report import ImportFailed, Kind
from bot.registration.importing.source import Turns

#: A shorter file, in bytes, is read before a second process has come up.
LONG: Final = 8 * 2**20
_PROJECT: Final = Path(__file__).resolve().parents[3]
_BLOCK: Final = 1 << 20
#: Before each block of rows: how many bytes, and whether they are plain ones; no bytes when there are no more.
FRAME: Final = struct.Struct(">I?")


class SecondReader:
    """A second process that reads the stretches of the file of which it has taken the turn."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, counter: int) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process was started without its pipes")
        #: What is left to the other reader.
        self.share = Turns(counter)
        self._counter = counter
        self._process, self._path = process, path
        self._orders, self._pipe = process.stdin, process.stdout.fileno()
        self._waiting = bytearray()
        self._through = False
        # With the usual 64 KiB it would stand still for most of each stretch that we read ourselves.
        with contextlib.suppress(OSError, AttributeError):  # a system that grants or knows no more
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _BLOCK)
        os.set_blocking(self._pipe, False)

    def ask(self, database: Database, vault: Vault, kind: Kind, now: datetime, codes: Codes | None) -> None:
        """Have it read. ``codes``: for plain rows that go straight into their table."""
        from bot.registration.importing.second_reader import state_of  # it knows of the pipeline, which knows of us

        asked = {
            "kind": kind.value,
            "path": str(self._path.absolute()),
            "state": state_of(self._path),
            "counter": self._counter,
            "now": now.isoformat(),
            "data_key": vault.data_key,
            "database_url": database.url,
            "codes": None if codes is None else codes.as_json(),
        }
        for say in (partial(self._orders.write, json.dumps(asked).encode() + b"\n"), self._orders.close):
            with contextlib.suppress(BrokenPipeError):  # it has ended: ``hand_over_rest`` tells
                say()

    def hand_over(self, to: Rows) -> None:
        """Hand on the rows that are there by now; does not wait."""
        while not self._through and self._take():
            self._frames(to)

    def hand_over_rest(self, to: Rows) -> None:
        """Wait for all rows that are still to come; raises ``ImportFailed`` where they do not."""
        os.set_blocking(self._pipe, True)
        self.hand_over(to)
        if not self._through or self._process.wait() != 0:
            raise ImportFailed("could not be read to its end by a second process, or has changed: try again")

    def _take(self) -> bool:
        try:
            block = os.read(self._pipe, _BLOCK)
        except BlockingIOError:
            return False
        self._waiting += block
        return bool(block)

    def _frames(self, to: Rows) -> None:
        at = 0
        while len(self._waiting) - at >= FRAME.size:
            length, plain = FRAME.unpack_from(self._waiting, at)
            begin, end = at + FRAME.size, at + FRAME.size + length
            if end > len(self._waiting):
                break
            if not length:
                self._through = True
            elif plain:
                to.plain(self._waiting[begin:end])
            else:
                to.staged(self._waiting[begin:end])
            at = end
        del self._waiting[:at]


def _processors() -> int:
    """How many this process may use; where the system does not tell, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def second_reader(path: Path, *, worth_it: bool) -> Iterator[SecondReader | None]:
    """A second reader of a long file where there is a processor for it, to be asked what it shall read; None elsewhere. It ends
    with the block."""
    if not worth_it or path.stat().st_size < LONG or _processors() < 2:
        yield None
        return
    with (
        tempfile.TemporaryFile() as counter,
        subprocess.Popen(
            (sys.executable, "-m", "bot.registration.importing.second_reader"),
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What it says in an emergency could hold what stands in the file.
            stderr=subprocess.DEVNULL,
            pass_fds=(counter.fileno(),),
        ) as process,
    ):
        try:
            yield SecondReader(process, path, counter.fileno())
        finally:
            process.kill()
