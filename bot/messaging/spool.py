"""What was acknowledged while PostgreSQL was away: on this machine's disk, sealed, until it is replayed.

A letter is a file, written and forced to disk together with its folder before the gateway hears that we have it. Letters
about one phone lie in one of 64 folders, numbered in the order in which they came, so that each phone's are found by one
look, and replayed in that order. A letter's name holds keyed hashes, never a number. Several processes share the spool:
a folder is locked (``flock``, which ends with its holder) while a letter gets its number. What cannot be read is put aside
in ``quarantine``, and kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from bot.away import Away
from bot.crypto import Undecipherable, Vault
from bot.messaging.letters import Letter, Unreadable, frozen, thawed
from gateway_adapters.base import Receipt

_log = structlog.get_logger(__name__)

_PURPOSE: Final = "spool"
_FOLDERS: Final = 64
_MAKING, _QUARANTINE = "making", "quarantine"
_NAME: Final = re.compile(r"([0-9]{10})-([0-9]{13})-([0-9a-f]{16})-([0-9a-f]{16})")
#: Seconds that a webhook waits for a folder that another process of this machine is just writing to.
_PATIENCE: Final = 0.5
_RETRY: Final = 0.002
_PRIVATE: Final = 0o700
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SpoolAway(Away):
    """The spool takes nothing more: ``reason`` is "full", "busy", or what its disk said."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """A letter in the spool. ``number`` orders those of one folder; ``about`` is the same for all about one phone."""

    path: Path
    number: int
    at: datetime
    about: str


@dataclass(frozen=True, slots=True)
class Contents:
    """How many letters wait, when the oldest of them came, and how many lie in quarantine."""

    waiting: int
    oldest_at: datetime | None
    quarantined: int


class Spool:
    """The spool in ``folder``, which is made when it is first needed. ``most``: letters that it holds at most.

    The limit counts for each of the 64 folders, so that nobody who texts without end takes up all of it.
    """

    def __init__(self, folder: Path, vault: Vault, most: int) -> None:
        self.folder = folder
        self._vault = vault
        self._most = -(-most // _FOLDERS)
        self._quarantine = str(folder / _QUARANTINE)
        self._folders = [str(folder / f"{number:02d}") for number in range(_FOLDERS)]

    def make(self) -> None:
        """Make what is missing of the folders; raises ``SpoolAway`` where that is not possible."""
        try:
            self._make()
        except OSError as error:
            raise SpoolAway(type(error).__name__) from error

    def put(self, letter: Letter) -> bool:
        """Keep a letter: once this returns, it is on disk. False if it was there already. Raises ``SpoolAway``."""
        about, messages = self._about(letter), self._messages(letter)
        sealed = self._vault.seal(frozen(letter), _PURPOSE)
        try:
            try:
                return self._put(sealed, letter.at, about, messages)
            except FileNotFoundError:
                self._make()
                return self._put(sealed, letter.at, about, messages)
        except OSError as error:
            raise SpoolAway(type(error).__name__) from error

    def holds(self, phone: str) -> bool:
        """Whether something about a phone waits here: what comes now must then wait behind it."""
        return any(self._is_held(about) for about in self._hashes(phone))

    def entries(self, first: int = 0) -> Iterator[Entry]:
        """What waits, folder by folder from the ``first``, those about one phone in the order in which they came."""
        first %= _FOLDERS
        for folder in (*self._folders[first:], *self._folders[:first]):
            yield from sorted(_entries(folder), key=lambda entry: entry.number)

    def read(self, entry: Entry) -> Letter:
        """What a letter says; raises ``Unreadable``, and ``FileNotFoundError`` where it is gone."""
        try:
            return thawed(self._vault.open(entry.path.read_bytes(), _PURPOSE))
        except FileNotFoundError:
            raise
        except (Undecipherable, UnicodeDecodeError) as error:
            raise Unreadable(str(error) if isinstance(error, Undecipherable) else "no text") from error
        except OSError as error:
            raise Unreadable(os.strerror(error.errno or 0)) from error

    def remove(self, entry: Entry) -> None:
        """Take a letter that was handled out, for good: after a power cut, too."""
        entry.path.unlink(missing_ok=True)
        _force(entry.path.parent)

    def quarantine(self, entry: Entry) -> None:
        """Put a letter aside: it is kept, and no longer in the way of others. Raises ``OSError``."""
        target = Path(self._quarantine) / f"{entry.path.name}.{secrets.token_hex(4)}"
        entry.path.rename(target)
        _force(target.parent)
        _force(entry.path.parent)

    def quarantined(self) -> list[Entry]:
        """What was put aside, oldest first."""
        return sorted(_entries(self._quarantine), key=lambda entry: entry.at)

    def release(self, entry: Entry) -> None:
        """Let a letter of the quarantine wait again, behind what has come since; raises ``OSError``."""
        message = entry.path.name.split("-")[3][:16]
        self._admit(entry.path, entry.at, entry.about, [message], limited=False)
        self.remove(entry)  # where it waits already

    def count(self) -> Contents:
        """What is there, by names alone."""
        moments = [name[11:24] for folder in self._folders for name in _names(folder)]
        return Contents(len(moments), _moment(min(moments)) if moments else None, len(_names(self._quarantine)))

    @contextlib.contextmanager
    def replaying(self, patience: float = 0.0) -> Iterator[bool]:
        """Be the only one of this machine who replays; False where another process does. Raises ``OSError``."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield _lock(descriptor, patience)
        finally:
            os.close(descriptor)

    def tidy(self) -> None:
        """Remove what processes that died were just writing: nobody was told that we have it. Raises ``OSError``."""
        for left in (self.folder / _MAKING).iterdir():
            with contextlib.suppress(OSError):
                descriptor = os.open(left, os.O_RDWR | os.O_CLOEXEC)
                try:
                    if _lock(descriptor, 0.0):
                        left.unlink()
                finally:
                    os.close(descriptor)

    # --- within ----------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        for folder in (self.folder, *map(Path, self._folders), self.folder / _MAKING, self.folder / _QUARANTINE):
            if not folder.is_dir():
                folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
                _force(folder.parent)

    def _put(self, sealed: bytes, at: datetime, about: str, messages: list[str]) -> bool:
        unfinished = self.folder / _MAKING / secrets.token_hex(8)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, 0.0)  # for ``tidy``, which leaves alone what somebody is at
            left = memoryview(sealed)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
            return self._admit(unfinished, at, about, messages, limited=True)
        finally:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                unfinished.unlink()  # unless it has become a letter

    def _admit(self, unfinished: Path, at: datetime, about: str, messages: list[str], *, limited: bool) -> bool:
        folder = self._folder_of(about)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not _lock(descriptor, _PATIENCE):
                raise SpoolAway("busy")
            there = [found for found in map(_NAME.match, os.listdir(descriptor)) if found]  # noqa: PTH208
            is_new = not any(found[3] == about and found[4] in messages for found in there)
            if is_new:
                if limited and len(there) >= self._most:
                    raise SpoolAway("full")
                number = max((int(found[1]) for found in there), default=0) + 1
                moment = min(max((at - _EPOCH) // timedelta(milliseconds=1), 0), 10**13 - 1)
                unfinished.rename(Path(folder) / f"{number:010d}-{moment:013d}-{about}-{messages[0]}")
            # Also where it was there already: whoever has just written it may not have come to this.
            os.fsync(descriptor)
            return is_new
        finally:
            os.close(descriptor)

    def _about(self, letter: Letter) -> str:
        event = letter.event
        found = self._hashes(f"receipt {event.provider_id}" if isinstance(event, Receipt) else event.phone)
        # While a key is replaced, all about one phone stays together: what comes now lies where what waits does.
        return next(filter(self._is_held, found[1:]), found[0])

    def _messages(self, letter: Letter) -> list[str]:
        """The same for the same message delivered again; the first names it."""
        return self._hashes(letter.identity) if letter.identity else [secrets.token_hex(8)]

    def _is_held(self, about: str) -> bool:
        try:
            names = os.listdir(self._folder_of(about))  # noqa: PTH208 - on the way of every SMS: names are enough
        except FileNotFoundError:
            return False
        except OSError as error:
            _log.error("spool_unreadable", error=type(error).__name__)
            return False
        return any(about in name for name in names)

    def _hashes(self, text: str) -> list[str]:
        """With each key, the one that is used now first."""
        return [found[:8].hex() for found in self._vault.hashes(f"spool {text}")]

    def _folder_of(self, about: str) -> str:
        return self._folders[int(about[:2], 16) % _FOLDERS]


def _names(folder: str) -> list[str]:
    """The names of the letters in a folder: enough where a hundred thousand are counted."""
    try:
        return list(filter(_NAME.match, os.listdir(folder)))  # noqa: PTH208
    except FileNotFoundError:
        return []


def _entries(folder: str) -> Iterator[Entry]:
    for name in _names(folder):
        number, at, about, _ = name.split("-")
        yield Entry(Path(folder) / name, int(number), _moment(at), about)


def _moment(milliseconds: str) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def _lock(descriptor: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_RETRY)
        else:
            return True


def _force(folder: Path) -> None:
    """Have a folder's names on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
