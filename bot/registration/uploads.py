"""Lists that an admin has uploaded: kept sealed, read by a worker, first as a dry run, then for real.

A worker holds an advisory lock while it reads one. An upload that is ``running`` and that nobody holds belongs to a worker
that died: since an import is one transaction, it is read anew.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.clock import Clock
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.registration.importing import ImportFailed, ImportReport, Kind, Step, import_file

#: Bytes of an uploaded file at most.
LARGEST: Final = 64 * 1024**2
#: How often a file is read that its worker did not survive.
_TRIES: Final = 3
#: Uploads listed.
MOST: Final = 50

_CONTENT: Final = "upload.content"
_REJECTED: Final = "upload.rejected"
#: Advisory locks of uploads, by their id.
_LOCK: Final = 0x55504C44
_FOLDER: Final = "balas-upload-"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
#: Seconds between two notes of how far it is.
_NOTE_EVERY: Final = 0.5
#: How far an import is when a step begins, in percent, and how much the reading itself counts.
_BEGINS: Final = {Step.READING: 0, Step.WAITING: 65, Step.WRITING: 70, Step.LISTING_REJECTED: 95}
_READING: Final = 65


class Refused(ValueError):
    """An upload that was not taken; the text is one plain line."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as its page shows it. ``done``: percent. ``report``: as ``ImportReport.as_json`` has it, or a fault."""

    id: int
    kind: Kind
    file_name: str
    dry_run: bool
    state: str
    uploaded_by: str
    uploaded_at: datetime
    finished_at: datetime | None
    done: int
    report: dict[str, Any]
    has_content: bool
    has_rejected: bool

    @property
    def is_open(self) -> bool:
        """Whether it is still to be read, or is being read."""
        return self.state in {"waiting", "running"}


_COLUMNS: Final = (
    "id, kind, file_name, dry_run, state, uploaded_by, uploaded_at, finished_at, done, report, "
    "content_sealed IS NOT NULL, rejected_sealed IS NOT NULL"
)


def _upload(row: Any) -> Upload:
    return Upload(*(row[0], Kind(row[1]), *row[2:9], row[9] or {}, *row[10:]))


def receive(
    database: Database, vault: Vault, kind: Kind, file_name: str, content: bytes, actor: str, now: datetime
) -> int:
    """Keep a file to be read, first as a dry run; returns its number. Raises ``Refused``."""
    if not content:
        raise Refused("The file is empty.")
    sealed = vault.seal_bytes(content, _CONTENT)
    with database.transaction() as connection:
        row = connection.execute(
            "INSERT INTO upload (kind, file_name, dry_run, state, uploaded_by, uploaded_at, total, content_sealed) "
            "VALUES (%s, %s, true, 'waiting', %s, %s, 100, %b) RETURNING id",
            (kind.value, _tidy(file_name), actor, now, sealed),
        ).fetchone()
        if row is None:
            raise LookupError("an INSERT gives its row")
        audit.record(connection, now, actor, "upload.receive", f"upload:{row[0]}", {"kind": kind.value})
        return int(row[0])


def go(database: Database, number: int, actor: str, now: datetime) -> bool:
    """Have a list imported for real whose dry run is over. False: it is under way or done, or its file is gone."""
    with database.transaction() as connection:
        changed = connection.execute(
            "UPDATE upload SET dry_run = false, state = 'waiting', done = 0, report = NULL, rejected_sealed = NULL, "
            "started_at = NULL, finished_at = NULL WHERE id = %s AND dry_run AND state = 'finished' "
            "AND content_sealed IS NOT NULL",
            (number,),
        )
        if changed.rowcount:
            audit.record(connection, now, actor, "upload.import", f"upload:{number}")
        return changed.rowcount == 1


def one(database: Database, number: int) -> Upload | None:
    """An upload, None if there is none."""
    row = database.row(f"SELECT {_COLUMNS} FROM upload WHERE id = %s", (number,))
    return None if row is None else _upload(row)


def listed(database: Database) -> list[Upload]:
    """The latest uploads, the newest first."""
    return [_upload(row) for row in database.rows(f"SELECT {_COLUMNS} FROM upload ORDER BY id DESC LIMIT {MOST}")]


def rejected(database: Database, vault: Vault, number: int, actor: str, now: datetime) -> bytes | None:
    """The rejected rows as CSV, which goes to the audit log; None if there are none (any more)."""
    with database.transaction() as connection:
        row = connection.execute("SELECT rejected_sealed FROM upload WHERE id = %s", (number,)).fetchone()
        if row is None or row[0] is None:
            return None
        audit.record(connection, now, actor, "upload.rejected", f"upload:{number}")
    return vault.open_bytes(bytes(row[0]), _REJECTED)


def read_next(database: Database, vault: Vault, clock: Clock) -> int | None:
    """Read the next upload that waits and that nobody reads; returns its number, None if there is none.

    ``database``: one without a limit on its statements, and with three connections.
    """
    for (number,) in database.rows("SELECT id FROM upload WHERE state IN ('waiting', 'running') ORDER BY id"):
        with _held(database, number) as held:
            if held and _begin(database, number, clock.now()):
                _read(database, vault, clock, number)
                return int(number)
    return None


@contextmanager
def _held(database: Database, number: int) -> Iterator[bool]:
    # Within a transaction, which also a pooler leaves its connection; between two statements it holds nothing else.
    with database.transaction() as connection:
        found = connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s::int)", (_LOCK, number)).fetchone()
        yield found == (True,)


def _begin(database: Database, number: int, now: datetime) -> bool:
    """Note that it is being read; False if it need not be any more. One that no worker survives is given up."""
    row = database.row(
        "UPDATE upload SET state = CASE WHEN coalesce((report ->> 'tries')::int, 0) >= %(tries)s THEN 'failed' "
        "ELSE 'running' END, started_at = %(now)s, finished_at = CASE WHEN coalesce((report ->> 'tries')::int, 0) >= "
        "%(tries)s THEN %(now)s::timestamptz END, report = CASE WHEN coalesce((report ->> 'tries')::int, 0) >= %(tries)s "
        "THEN %(given_up)s ELSE jsonb_build_object('tries', coalesce((report ->> 'tries')::int, 0) + 1) END "
        "WHERE id = %(id)s AND state IN ('waiting', 'running') RETURNING state",
        {
            "id": number,
            "now": now,
            "tries": _TRIES,
            "given_up": Jsonb({"fault": "The worker that read it stopped, several times. Split the file."}),
        },
    )
    return row is not None and row[0] == "running"


def _read(database: Database, vault: Vault, clock: Clock, number: int) -> None:
    kind, name, dry_run, actor, sealed = database.rows(
        "SELECT kind, file_name, dry_run, uploaded_by, content_sealed FROM upload WHERE id = %s", (number,)
    )[0]
    if sealed is None:
        _end(database, number, "failed", {"fault": "The file is not there any more. Upload it again."}, clock.now())
        return
    with _folder() as folder:
        path, rejected_path = folder / str(name), folder / ".rejected"
        path.touch(mode=0o600)
        path.write_bytes(vault.open_bytes(bytes(sealed), _CONTENT))
        try:
            report = import_file(
                *(database, vault, clock, Kind(kind), path),
                dry_run=dry_run,
                rejected_path=rejected_path,
                progress=_Notes(database, number),
                actor=actor,
            )
        except ImportFailed as error:
            fault = str(error).removeprefix(f"{name}: ")
            _end(database, number, "failed", {"fault": f"The file {fault}."}, clock.now())
            return
        bad = vault.seal_bytes(rejected_path.read_bytes(), _REJECTED) if rejected_path.exists() else None
        _end(database, number, "finished", _shown(report), clock.now(), bad, keep=dry_run)


def _end(
    database: Database,
    number: int,
    state: str,
    report: dict[str, object],
    now: datetime,
    rejected_sealed: bytes | None = None,
    *,
    keep: bool = False,
) -> None:
    """Note the outcome; the file itself is kept only where it may be imported yet."""
    database.rows(
        "UPDATE upload SET state = %s, finished_at = %s, done = 100, report = %s, rejected_sealed = %b, "
        "content_sealed = CASE WHEN %s THEN content_sealed END WHERE id = %s",
        (state, now, Jsonb(report), rejected_sealed, keep, number),
    )


def _shown(report: ImportReport) -> dict[str, object]:
    return {name: value for name, value in report.as_json().items() if name not in {"rejected_file", "file"}}


class _Notes:
    """Notes how far an import is, for whoever waits at the page."""

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._number = number
        self._next = 0.0

    def __call__(self, step: Step, done: float | None) -> None:
        if step is Step.READING and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _NOTE_EVERY
        percent = _BEGINS[step] + (round(_READING * done) if step is Step.READING and done is not None else 0)
        self._database.rows("UPDATE upload SET done = %s WHERE id = %s", (percent, self._number))


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for one import, in memory where there is some, that only we may enter; those of dead workers go."""
    room = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    for left in room.glob(f"{_FOLDER}*"):
        owner = left.name.removeprefix(_FOLDER).split("-")[0]
        with contextlib.suppress(OSError):
            if left.stat().st_uid == os.geteuid() and owner.isdecimal() and not _lives(int(owner)):
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-", dir=room) as made:
        yield Path(made)


def _lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _tidy(file_name: str) -> str:
    """A file's name that is one anywhere, and no more than that."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._ -]", "_", last)[-80:].strip(" .") or "list"
