"""The wires to PostgreSQL and Valkey, which can be slow or cut: ``python -m faults.wires NAME=SOCKET ...``.

A process of its own, so that what it does takes nothing from whoever measures. It prints a line of JSON with the TCP port
of each wire, then reads commands from stdin, a line of JSON each: ``{"wire": NAME, "latency": SECONDS, "cut": BOOL}``, and
prints an empty line when it is so. A cut wire resets every connection and takes no new one. It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_PROJECT = Path(__file__).resolve().parents[1]
_PIECE = 1 << 16


class Wire:
    """Takes TCP connections and passes them on to a Unix socket."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.latency = 0.0
        self.is_cut = False
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset every connection."""
        self.is_cut = True
        for writer in list(self._open):
            _reset(writer)

    async def serve(self) -> int:
        """Listen; returns the port."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, backlog=256)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refused(writer):
            return
        try:
            there, back = await asyncio.open_unix_connection(self._target)
        except OSError:
            _reset(writer)
            return
        if self._refused(writer):  # meanwhile
            back.close()
            return
        self._open |= {writer, back}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, back))
                both.create_task(self._pump(there, writer))
        except* OSError:
            pass
        finally:
            self._open -= {writer, back}
            for end in (writer, back):
                end.close()

    def _refused(self, writer: asyncio.StreamWriter) -> bool:
        if self.is_cut:
            _reset(writer)
        return self.is_cut

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on until one side ends; then both do."""
        while piece := await reader.read(_PIECE):
            if self.latency:
                await asyncio.sleep(self.latency)
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    with contextlib.suppress(OSError, ValueError):
        plug = writer.get_extra_info("socket")
        if plug is not None and plug.family == socket.AF_INET:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    transport.abort()


async def _main(targets: Mapping[str, str]) -> None:
    wires = {name: Wire(target) for name, target in targets.items()}
    print(json.dumps({name: await wire.serve() for name, wire in wires.items()}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        told = json.loads(line)
        wire = wires[told["wire"]]
        wire.latency = float(told["latency"])
        if told["cut"]:
            wire.cut()
        else:
            wire.is_cut = False
        print(flush=True)


class RunningWires:
    """``with RunningWires({"postgres": socket}) as wires: ... wires.ports["postgres"] ...``"""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._argv = [sys.executable, "-m", "faults.wires", *(f"{name}={target}" for name, target in targets.items())]
        self._running: subprocess.Popen[str]
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._running = subprocess.Popen(
            self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_PROJECT, bufsize=1
        )
        assert self._running.stdout is not None
        self.ports = json.loads(self._running.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._running.stdin is not None
        with contextlib.suppress(OSError):
            self._running.stdin.close()
        try:
            self._running.wait(5)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()

    def set(self, wire: str, *, latency: float = 0.0, cut: bool = False) -> None:
        """How a wire is from now on; returns when it is so."""
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(json.dumps({"wire": wire, "latency": latency, "cut": cut}) + "\n")
        if not self._running.stdout.readline():
            raise BrokenPipeError("the wires have ended")


if __name__ == "__main__":
    asyncio.run(_main(dict(argument.split("=", 1) for argument in sys.argv[1:])))
