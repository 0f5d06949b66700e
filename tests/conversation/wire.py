"""A wire to a real server that can lose an answer or be cut; and a server that is paused."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit


class Wire:
    """Passes what a client sends to the server at ``url`` (a Unix socket), and the answers back.

    ``loses``: once a command holds these bytes, it still reaches the server, but the answer is lost with the connection.
    """

    def __init__(self, url: str) -> None:
        self._target = unquote(urlsplit(url).path)
        self._folder = Path(tempfile.mkdtemp(prefix="wire-"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / "s"))
        self._listener.listen(16)
        self._open: set[socket.socket] = set()
        self._carried: list[bytes] = []
        self._losing: set[socket.socket] = set()
        self.loses: bytes | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"unix://{quote(str(self._folder / 's'))}?db=0"

    def carried(self, command: bytes) -> int:
        """How many times a command passed on its way to the server."""
        return sum(chunk.count(command) for chunk in self._carried)

    @property
    def requests(self) -> int:
        """How many times the client sent something: each waits for its answer before the next."""
        return len(self._carried)

    def cut(self) -> None:
        """Break every connection and take no new one."""
        self._listener.close()
        (self._folder / "s").unlink(missing_ok=True)
        self.drop()

    def drop(self) -> None:
        """Break every connection that there is."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Wire:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._open |= {client, server}
                threading.Thread(target=self._carry, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(server, client, False), daemon=True).start()

    def _carry(self, source: socket.socket, goal: socket.socket, to_server: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if to_server:
                    self._carried.append(chunk)
                    if self.loses is not None and self.loses in chunk:
                        self._losing.add(goal)  # before the server can answer
                elif source in self._losing:
                    break  # it has been carried out, and nobody hears of it
                goal.sendall(chunk)
        for end in (source, goal):
            self._open.discard(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
