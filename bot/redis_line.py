"""A connection that redis-py has made, talked to with nothing in between.

Around each command redis-py looks for a health check that is due, puts together who answers, should that fail, and chooses
between protocols. For a command that costs less than half of that, its socket and its reader are used as they are: fields that
are the library's own, whose version is pinned.
"""

from __future__ import annotations

import socket
import threading
from typing import Any, Final

import hiredis
import redis
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

#: Those that read as all do. A sentinel's, for one, turns some answers into errors of its own.
_PLAIN: Final = (UnixDomainSocketConnection, Connection, SSLConnection)
_READ_SIZE: Final = 65536


class OwnLine:
    """Of each thread a connection of its own, taken out of a client's pool for good and asked directly."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._own = threading.local()

    @property
    def connection(self) -> Any:
        """This thread's; None before it has first asked."""
        return getattr(self._own, "connection", None)

    def ask(self, *command: str | bytes | int) -> Any:
        """The answer to a command; raises as ``ask`` does. A connection that the server has closed is found out by asking."""
        connection = self.connection
        if connection is None:
            connection = self._own.connection = self._client.connection_pool.get_connection()
        return ask(connection, pack(*command))


def pack(*command: str | bytes | int) -> bytes:
    """A command as it is sent. redis-py's own packer first looks whether the command's name is of several words."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub has a tuple of one
    return packed


def ask(connection: Any, packed: bytes) -> Any:
    """The answer to one packed command; makes the connection first where there is none.

    Raises what redis-py raises: an error that the server answers with; ``redis.TimeoutError`` after the connection's time limit
    and ``redis.ConnectionError``, both of which leave it closed, as does an interruption: nobody finds the answer to what was
    asked before.
    """
    line = connection._sock
    if line is None or type(connection) not in _PLAIN:
        connection.send_packed_command((packed,), check_health=False)
        return connection.read_response()
    try:
        answer = _answer(line, connection._parser._reader, packed)
    except TimeoutError as error:
        connection.disconnect()
        raise redis.TimeoutError("no answer in time") from error
    except OSError as error:
        connection.disconnect()
        raise redis.ConnectionError(f"lost: {type(error).__name__}") from error
    except BaseException:
        connection.disconnect()
        raise
    if isinstance(answer, redis.ConnectionError):  # for one, that it is still loading
        connection.disconnect()
    if isinstance(answer, redis.RedisError):
        raise answer
    return answer


def _answer(line: socket.socket, reader: Any, packed: bytes) -> Any:
    line.sendall(packed)
    while True:
        received = line.recv(_READ_SIZE)
        if not received:
            raise ConnectionResetError
        reader.feed(received)
        answer = reader.gets()
        # What comes without having been asked for is nobody's answer.
        while isinstance(answer, hiredis.PushNotification):
            answer = reader.gets()
        if answer is not NOT_ENOUGH_DATA:
            return answer
