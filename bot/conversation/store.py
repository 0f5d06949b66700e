"""Where conversations stand, in Redis: one small key per phone, saved by compare-and-set.

A value is ``<version>:<token>:<JSON>``. A save names the version it read; Redis keeps it only if that is still the
version there, or if the token shows that this very save has been carried out already (a client may have re-sent it after
a lost answer). TTLs only collect garbage: how old a conversation may be is decided by the clock, from ``at``.
"""

from __future__ import annotations

import hashlib
import os
import random
from typing import Any

import msgspec
import redis

from bot.away import Away
from bot.breaker import Breaker
from bot.deadline import LEAST, time_left
from bot.redis_clients import REDIS_TIMEOUT
from bot.redis_line import OwnLine, pack

#: The version of the stored form, and how to bring an older one up: FORM_MIGRATIONS[n] makes n + 1 of n.
FORM = 1
FORM_MIGRATIONS: dict[int, Any] = {}

#: Garbage is collected after this many seconds: longer than any conversation may be resumed (48 h).
KEEP_SECONDS = 50 * 3600

# Two savers with the same token would both believe that they won: a generator of our own, which nobody else can seed,
# and which the children of a process do not share.
_tokens = random.Random()  # noqa: S311 - unlike, not secret
os.register_at_fork(after_in_child=_tokens.seed)

# ARGV: how the value that was read begins ("" for none), the new one, the seconds to keep it, and how many characters of
# the new one, less one, are its version and token: no more is looked at of what is there.
SAVE = """
local now = redis.call('GETRANGE', KEYS[1], 0, ARGV[4])
if string.sub(now, 1, #ARGV[1]) == ARGV[1] and (now == '') == (ARGV[1] == '') then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  return 1
end
if now == string.sub(ARGV[2], 1, ARGV[4] + 1) then return 1 end
return 0
"""
_SAVE_SHA = hashlib.sha1(SAVE.encode(), usedforsecurity=False).hexdigest()


class StoreAway(Away):
    """Redis cannot be reached or did not answer in time."""


class _NoTime(redis.TimeoutError):
    """The caller's deadline came first: it says nothing about the server."""


#: The members of the stored form by our names. Its version comes before them, as ``v``.
_MEMBERS = {
    "at": "a",
    "conversation": "c",
    "session": "s",
    "heard": "h",
    "heard_length": "l",
    "answer": "w",
    "goes_on": "g",
    "paid_until": "p",
}


class Record(msgspec.Struct, kw_only=True, rename=_MEMBERS):
    """What is kept for a phone.

    ``conversation``: the frozen form, None once over. ``session``: the USSD session that was answered last; ``heard`` and
    ``heard_length`` a keyed digest and the length of its text (the text itself holds birth dates); ``answer`` and
    ``goes_on`` what it was answered; ``at`` when, in seconds since the epoch. ``paid_until``: the moment up to which the
    phone has used up its turns (``often``).

    Nobody changes one.
    """

    at: float
    conversation: dict[str, Any] | None = None
    session: str = ""
    heard: str = ""
    heard_length: int = 0
    answer: str = ""
    goes_on: bool = False
    paid_until: int = 0


_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Record).decode


def _beginning() -> bytes:
    return b'{"v":%d,' % FORM


def encode(record: Record) -> bytes:
    """The JSON of a record."""
    return _beginning() + _write(record)[1:]


def decode(text: bytes) -> Record | None:
    """The record of a JSON text; None if a newer release wrote it or it cannot be read: the conversation starts anew."""
    try:
        return _read(text) if text.startswith(_beginning()) else _migrated(text)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _migrated(text: bytes) -> Record | None:
    stored = msgspec.json.decode(text)
    if stored["v"] > FORM:
        return None
    for version in range(stored["v"], FORM):
        stored = FORM_MIGRATIONS[version](stored)
    return msgspec.convert(stored, Record)


#: Seconds that must be left for a connection to be made: for that, and for being greeted on it.
_SET_UP = 2 * REDIS_TIMEOUT


class Store:
    """Loads and saves records; each call is one round trip, and keeps to the deadline of whoever calls.

    Each thread keeps a connection of its own and talks to it directly: what redis-py's client does around a command
    (borrowing, locking, retrying, measuring) costs as much as the command. A connection that the server closed meanwhile
    is found out by the load, which may be asked twice.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._line = OwnLine(client)
        self._breaker = Breaker()

    def _ask(self, *command: str | bytes | int) -> Any:
        """The answer to a command. After an error other than an answer, the connection is closed and made anew."""
        left = time_left()
        if left is not None and left < _SET_UP:
            return self._ask_hurriedly(left, *command)
        return self._line.ask(*command)

    def _ask_hurriedly(self, left: float, *command: str | bytes | int) -> Any:
        """With too little time for making a connection, and perhaps for a round trip; raises ``_NoTime``."""
        connection = self._line.connection
        if connection is None or not connection.is_connected or left < LEAST:
            raise _NoTime("no time left")
        connection.send_packed_command((pack(*command),), check_health=False)
        if left >= REDIS_TIMEOUT:
            return connection.read_response()
        try:
            return connection.read_response(timeout=left)
        except redis.TimeoutError as error:
            raise _NoTime("no time left") from error

    @staticmethod
    def key(phone: str) -> str:
        """The key of a phone. The braces are the hash tag of a cluster."""
        return "conv:{" + phone + "}"

    def load(self, phone: str) -> tuple[Record | None, int]:
        """The record of a phone, if any, and its version (0: none); raises ``StoreAway``.

        At once, where somebody has just waited for Redis in vain.
        """
        if not self._breaker.admits():
            raise StoreAway("just kept waiting")
        key = self.key(phone)
        try:
            value: Any = self._get(key)
        except redis.RedisError as error:
            raise self._away(error) from error
        self._breaker.heard()
        if value is None:
            return None, 0
        version, _, rest = value.partition(b":")
        return decode(rest.partition(b":")[2]), int(version)

    def _get(self, key: str) -> Any:
        try:
            return self._ask("GET", key)
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            # The server had closed this connection; a paused or dead one fails again at once, or times out.
            return self._ask("GET", key)

    def save(self, phone: str, version: int, record: Record) -> bool:
        """Keep a record if the version there is still ``version``. False: somebody else was faster.

        Raises ``StoreAway``; then it may or may not have been kept.
        """
        beginning = b"%d:%x:" % (version + 1, _tokens.getrandbits(64))
        arguments = (
            *(1, self.key(phone)),
            f"{version}:" if version else "",
            beginning + encode(record),
            *(KEEP_SECONDS, len(beginning) - 1),
        )
        try:
            try:
                return bool(self._ask("EVALSHA", _SAVE_SHA, *arguments))
            except redis.exceptions.NoScriptError:
                return bool(self._ask("EVAL", SAVE, *arguments))
        except redis.RedisError as error:
            raise self._away(error) from error

    def _away(self, error: redis.RedisError) -> StoreAway:
        if isinstance(error, redis.TimeoutError) and not isinstance(error, _NoTime):
            self._breaker.trip()
        return StoreAway(type(error).__name__)

    def forget(self, phone: str) -> None:
        """Drop what is kept for a phone; raises ``StoreAway``."""
        try:
            self._client.delete(self.key(phone))
        except redis.RedisError as error:
            raise StoreAway(type(error).__name__) from error
