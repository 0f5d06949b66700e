"""The address that the service listens on: whether it is free, and whether the service answers there."""

from __future__ import annotations

import errno
import http.client
import socket

from bot import listeners
from bot.serve.errors import CannotServe

_ANSWER_LIMIT = 1.0
#: Names for "every address of this machine", and how this machine reaches itself then.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not listened on


def check_free(host: str, port: int) -> None:
    """Raise ``CannotServe`` if nothing can listen on ``host`` and ``port`` now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as error:
        raise CannotServe(f"HOST must be an address of this machine, not {host!r}.") from error
    except OSError as error:
        raise CannotServe(_reason(host, port, error)) from error


def bound(host: str, port: int, count: int) -> tuple[int, ...]:
    """Sockets for so many web processes (``bot.listeners``), ours from now on; raises ``CannotServe``."""
    try:
        return listeners.bound(host, port, count)
    except OSError as error:
        raise CannotServe(_reason(host, port, error)) from error


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program; stop that one, or set PORT to a free port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this account; set PORT to 1024 or higher."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST must be an address of this machine, not {host!r}."
    return f"Nothing can listen on {host}, port {port}: {error.strerror}."


def browsable(host: str, port: int) -> str:
    """The URL at which a browser on this machine finds the service."""
    reached = _EVERYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def unready(host: str, port: int) -> str | None:
    """Why the service is not ready yet, by its own ``/readyz``, or None when it is. Takes a second at most."""
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=_ANSWER_LIMIT)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        if answer.status == http.HTTPStatus.OK:
            return None
        said = answer.read(500).decode(errors="replace").strip().splitlines()
        return said[0] if said else f"it answers {answer.status}"
    except (OSError, http.client.HTTPException):
        return "the web process does not answer yet"
    finally:
        connection.close()
