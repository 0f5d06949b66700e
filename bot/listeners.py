"""Sockets on which a service's web processes listen, held by whoever starts them from one process to the next.

A socket that is closed loses the connections that nobody has accepted yet. So the old and the new process of a renewal listen
on the same one, each of several processes on one of its own (SO_REUSEPORT), over which Linux spreads who connects. The
variable ``BALAS_LISTENERS`` names their descriptors to the command ``bot web``. On Linux: elsewhere a web server makes its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Final

NAME: Final = "BALAS_LISTENERS"
#: Asks a web server that listens on sockets of its starter's to leave them to its successor, and to end. As with other web
#: servers, one of the signals that are ignored by who does not know them.
HAND_OVER: Final = signal.SIGWINCH


def bound(host: str, port: int, count: int) -> tuple[int, ...]:
    """Descriptors of ``count`` sockets on one address, on which nobody listens yet; none but on Linux. Raises ``OSError``."""
    if sys.platform != "linux":
        return ()
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            made.append(socket.socket(family, kind, protocol))
            for level, option in (
                (socket.SOL_SOCKET, socket.SO_REUSEADDR),
                (socket.SOL_SOCKET, socket.SO_REUSEPORT),
                (socket.IPPROTO_TCP, socket.TCP_NODELAY),  # those that are accepted have it, too
            ):
                made[-1].setsockopt(level, option, 1)
            made[-1].bind(address)
    except OSError:
        for each in made:
            each.close()
        raise
    return tuple(each.detach() for each in made)


def told(descriptors: tuple[int, ...]) -> dict[str, str]:
    """The variable that names them."""
    return {NAME: ",".join(map(str, descriptors))}


def inherited(env: Mapping[str, str]) -> tuple[int, ...]:
    """The descriptors that ``env`` names; none where it names none."""
    return tuple(int(each) for each in env.get(NAME, "").split(",") if each)


def silence(descriptors: tuple[int, ...]) -> None:
    """Have nobody listen on them any more, whoever holds them: who waits there is refused, and who comes."""
    for each in descriptors:
        with socket.socket(fileno=os.dup(each)) as held, contextlib.suppress(OSError):  # nobody did
            held.shutdown(socket.SHUT_RDWR)


def make_deaf(descriptor: int) -> None:
    """Leave a socket to the others that hold it: here nobody ever connects to its number again.

    What is accepted goes on; a server that waits for connections on this number waits in vain.
    """
    with socket.socket(socket.AF_UNIX) as nobodys:
        nobodys.setblocking(False)
        nobodys.bind("")  # a name of the kernel's choice, which nobody knows
        nobodys.listen(0)
        os.dup2(nobodys.fileno(), descriptor)
