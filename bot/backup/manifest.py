"""What a backup says of itself: ``manifest.json`` beside the dump, written last, so that one without it is not whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.backup.failure import BackupFailed

MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
_FORMAT: Final = 1
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """``taken_at``: the moment as of which everything is; ``postgres``: the server's major version; ``size``: bytes.

    ``rows``: of each table. ``probe`` is a text sealed with ``DATA_KEY``, ``hashed`` the same text hashed with it, and
    ``key_ids`` are the ids of all keys that something in the dump is sealed with: enough to tell whether a key is the
    right one, and nothing of the key itself.
    """

    taken_at: datetime
    release: str
    schema: str
    postgres: int
    size: int
    sha256: str
    rows: dict[str, int]
    probe: str
    hashed: str
    key_ids: tuple[str, ...]


def write(manifest: Manifest, folder: Path) -> None:
    """Write it, on disk when this returns."""
    body = {"format": _FORMAT, **asdict(manifest), "taken_at": manifest.taken_at.isoformat()}
    unfinished = folder / f".{MANIFEST}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / MANIFEST)
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def read(folder: Path) -> Manifest:
    """The manifest of a backup; raises ``BackupFailed``."""
    try:
        body = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BackupFailed(
            f"{folder} holds no {MANIFEST}: it is no backup, or one that was not finished; take another one."
        ) from None
    except (OSError, ValueError):
        raise BackupFailed(f"{folder / MANIFEST} cannot be read, or is damaged; take another backup.") from None
    try:
        if body.pop("format") != _FORMAT:
            raise BackupFailed(f"{folder} was made by a newer release; restore it with that one.")
        body |= {"taken_at": datetime.fromisoformat(body["taken_at"]), "key_ids": tuple(body["key_ids"])}
        return Manifest(**body)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BackupFailed(f"{folder / MANIFEST} is damaged; take another backup.") from None


def checksum(file: Path, tell: Callable[[float], None]) -> str:
    """SHA-256 of a file, in hex; tells how much is done, from 0 to 1."""
    digest, done, size = hashlib.sha256(), 0, max(1, file.stat().st_size)
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            tell(done / size)
    return digest.hexdigest()


def check_dump(folder: Path, manifest: Manifest, tell: Callable[[float], None]) -> Path:
    """The dump, if it is as it was written; raises ``BackupFailed``."""
    dump = folder / DUMP
    if not dump.is_file():
        raise BackupFailed(f"{dump} is missing.")
    size = dump.stat().st_size
    if size != manifest.size:
        what = "cut short" if size < manifest.size else "longer than it was"
        raise BackupFailed(f"{dump} is {what}: {size:,} of {manifest.size:,} bytes; fetch it again, or another backup.")
    if checksum(dump, tell) != manifest.sha256:
        raise BackupFailed(f"{dump} is damaged: its checksum is another one; fetch it again, or another backup.")
    return dump
