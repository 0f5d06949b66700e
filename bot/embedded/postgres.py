"""The embedded PostgreSQL 18."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]

from bot.embedded import leftovers
from bot.embedded.account import Account, our_name
from bot.embedded.binaries import postgres_programs
from bot.embedded.child import BARE_ENVIRONMENT, spawn
from bot.embedded.errors import EmbeddedServerError, FolderInUse
from bot.embedded.layout import PRIVATE, Layout
from bot.embedded.locks import FileLock
from bot.embedded.placement import Placement, forget_sockets, own, place_postgres
from bot.embedded.server import START_LIMIT, Server

#: The role and the database that clients use.
NAME = "balas"
_PORT = "5432"  # part of the socket's name; nothing listens on the network

_SETTINGS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    # On few cores, and with most pages in the system's memory, handing a read to another process costs more than reading.
    "io_method": "sync",
    "checkpoint_timeout": "10min",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements, their values and the errors that quote them stay out of the log: they are personal data. LOG ranks
    # above ERROR here, so what the server says of itself is kept and what it says to clients is not.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_autovacuum_min_duration": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_PID_LINE, _STATUS_LINE = 0, 7  # of postmaster.pid
_HALF_MADE = "postgres.new"


class Postgres(Server):
    """PostgreSQL on a Unix socket, for the account that runs us and root, as role and database ``balas``.

    ``durable=False`` is for tests: a crash of the machine may then spoil the data. ``say`` takes one-line notices.
    """

    title: ClassVar[str] = "PostgreSQL"
    program: ClassVar[str] = "postgres"
    # Fast shutdown (clients are cut off, data written out), then immediate (the next start recovers).
    ladder: ClassVar[leftovers.Ladder] = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 1.0))
    parting: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, layout: Layout, *, durable: bool, say: Callable[[str], None]) -> None:
        super().__init__(layout.log / "postgres.log")
        self._layout = layout
        self._durable = durable
        self._say = say
        self._place: Placement | None = None
        self._elsewhere_lock: FileLock | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}@/{NAME}?host={quote(str(self._settled().sockets))}"

    def prepare(self) -> None:
        place = self._place = place_postgres(self._layout, postgres_programs(), self._say)
        self._lock_elsewhere(place)
        if not (place.data / "PG_VERSION").exists():
            self._create(place)
        self._check_version(place)
        self._write_access_rules(place)

    def stop(self) -> None:
        super().stop()
        forget_sockets(self._layout, "postgres")
        if self._elsewhere_lock is not None:
            self._elsewhere_lock.release()

    def is_ready(self) -> bool:
        lines = _lines(self._data() / "postmaster.pid")
        return len(lines) > _STATUS_LINE and lines[_PID_LINE] == str(self.pid) and lines[_STATUS_LINE] == "ready"

    def _settled(self) -> Placement:
        if self._place is None:
            raise RuntimeError("PostgreSQL has not been prepared")
        return self._place

    def _data(self) -> Path:
        return self._settled().data

    def _account(self) -> Account | None:
        return self._settled().account

    def _argv(self) -> list[str]:
        place = self._settled()
        settings = _SETTINGS | {"unix_socket_directories": str(place.sockets)} | ({} if self._durable else _NOT_DURABLE)
        argv = [str(place.programs.folder / "postgres"), "-D", str(place.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return argv

    def _clear_stale(self) -> None:
        # PostgreSQL takes any living process of its account for the owner of these files, even if that is another
        # program by now. We hold the folder's lock and have stopped every server on it, so nobody owns them; where
        # the number is free PostgreSQL removes them itself, after it made sure that no memory is still shared.
        place = self._settled()
        for file in (place.data / "postmaster.pid", place.sockets / f".s.PGSQL.{_PORT}.lock"):
            pid = next(iter(_lines(file)), "").lstrip("-")
            if pid.isdigit() and psutil.pid_exists(int(pid)):
                file.unlink(missing_ok=True)

    def _lock_elsewhere(self, place: Placement) -> None:
        base = place.data.parent
        if base != self._layout.folder:
            self._elsewhere_lock = FileLock(base / "lock")
            if not self._elsewhere_lock.take():
                raise FolderInUse(
                    f"{base}, where {self._layout.postgres_location} points, is in use by another data folder."
                )

    def _create(self, place: Placement) -> None:
        """Make the cluster and its database, all or nothing: a half-made one is thrown away by the next start."""
        unfinished = place.data.with_name(_HALF_MADE)
        for program in ("initdb", self.program):
            leftovers.stop(program, unfinished, self.ladder)
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            unfinished.chmod(PRIVATE)
            own(unfinished, place.account)
            options = [f"--username={NAME}", "--encoding=UTF8", "--auth=peer", "--no-instructions"]
            # The same order and the same upper and lower case on every machine.
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if not self._durable:
                options.append("--no-sync")
            self._run_once(place, unfinished, "initdb", ["-D", str(unfinished), *options])
            alone = ["--single", "-D", str(unfinished), "-c", "exit_on_error=on", "template1"]
            self._run_once(place, unfinished, "postgres", alone, statement=f"CREATE DATABASE {NAME}\n")
            unfinished.rename(place.data)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedServerError(f"PostgreSQL's data could not be made in {place.data}: {error}") from error

    def _run_once(self, place: Placement, cwd: Path, program: str, argv: list[str], statement: str = "") -> None:
        with tempfile.TemporaryFile() as statements, self.log.open("ab") as log:
            statements.write(statement.encode())
            statements.seek(0)
            child = spawn(
                [place.programs.folder / program, *argv],
                env=BARE_ENVIRONMENT,
                cwd=cwd,
                source=statements,
                output=log,
                parting=signal.SIGTERM,
                account=place.account,
                umask=0o077,
            )
            try:
                code = child.wait(START_LIMIT)
            except BaseException:
                child.kill()
                child.wait()
                raise
        if code != 0:
            raise EmbeddedServerError(f"PostgreSQL's data could not be made: {self._last_words()} (see {self.log})")

    def _check_version(self, place: Placement) -> None:
        made_by = (place.data / "PG_VERSION").read_text().strip()
        ours = place.programs.version.split(".")[0]
        if made_by != ours:
            raise EmbeddedServerError(
                f"The data in {place.data} was made by PostgreSQL {made_by}, and this release brings {ours}: "
                "dump it with the old release, and restore it with this one."
            )

    def _write_access_rules(self, place: Placement) -> None:
        """Let in, by the kernel's word, the account that runs us and the one that runs PostgreSQL."""
        names = {our_name(), *([place.account.name] if place.account is not None else [])}
        rules = {
            "pg_hba.conf": "local all all peer map=balas\nlocal replication all peer map=balas\n",
            "pg_ident.conf": "".join(f'balas "{name}" {NAME}\n' for name in sorted(names)),
        }
        for name, text in rules.items():
            file = place.data / name
            file.write_text(text)
            own(file, place.account)


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text(errors="replace").splitlines()]
    except OSError:
        return []
