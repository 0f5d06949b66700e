"""The embedded Valkey 9, which speaks Redis."""

from __future__ import annotations

import contextlib
import signal
import socket
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from bot.embedded import leftovers
from bot.embedded.binaries import valkey_program
from bot.embedded.errors import EmbeddedServerError
from bot.embedded.layout import PRIVATE, Layout
from bot.embedded.placement import forget_sockets, socket_folder
from bot.embedded.server import Server

_SOCKET = "valkey.sock"
_ANSWER_LIMIT = 0.5


class Valkey(Server):
    """Valkey on a Unix socket in a folder that only our account can enter; nothing listens on the network.

    What was written is on the disk within a second (append-only file); not with ``durable=False``, for tests.
    """

    title: ClassVar[str] = "Valkey"
    program: ClassVar[str] = "valkey-server"
    ladder: ClassVar[leftovers.Ladder] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0))
    parting: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, layout: Layout, *, durable: bool) -> None:
        super().__init__(layout.log / "valkey.log")
        self._layout = layout
        self._durable = durable
        self._program = Path()
        self._sockets = Path()

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._sockets / _SOCKET))}?db=0"

    def prepare(self) -> None:
        self._program = valkey_program()
        try:
            self._data().mkdir(exist_ok=True)
            self._data().chmod(PRIVATE)
            self._sockets = socket_folder(self._layout, "valkey", self._layout.run, None)
        except OSError as error:
            raise EmbeddedServerError(
                f"Valkey has no place for its data below {self._layout.folder} ({error}); set VAR to another folder."
            ) from error

    def stop(self) -> None:
        super().stop()
        forget_sockets(self._layout, "valkey")

    def is_ready(self) -> bool:
        # While it still reads its file it answers -LOADING.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_LIMIT)
            connection.connect(str(self._sockets / _SOCKET))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def _data(self) -> Path:
        return self._layout.valkey

    def _argv(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._sockets / _SOCKET),
            "unixsocketperm": "700",
            "dir": str(self._data()),
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": "",
            # Commands and memory hold phone numbers: neither the slow log nor a crash report keeps them.
            "slowlog-log-slower-than": "-1",
            "crash-log-enabled": "no",
        }
        argv = [str(self._program)]
        for name, value in settings.items():
            argv += [f"--{name}", value]
        return argv
