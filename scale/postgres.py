"""PostgreSQL past one server: a primary, a streaming replica, PgBouncer in front; on hosts or, for tests, on this machine."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from bot.embedded.account import Account, account_for
from bot.embedded.binaries import PostgresPrograms, postgres_programs, reachable_by
from bot.embedded.child import BARE_ENVIRONMENT, spawn
from scale.hosts import HERE, Host
from scale.valkeys import until

NAME: Final = "balas"
_STARTS_WITHIN: Final = 60.0
_SETTINGS: Final = {
    "wal_level": "replica",
    "hot_standby": "on",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # Whoever gave a statement up behind a pooler could not cancel it: the server looks whether somebody still waits.
    "client_connection_check_interval": "500ms",
}
# Everybody on the network of our hosts, and on this machine: nothing else reaches it.
_ACCESS: Final = (
    "host all all 127.0.0.0/8 trust\nhost all all 10.119.0.0/24 trust\nhost replication all 0.0.0.0/0 trust\n"
)
#: PgBouncer's settings. Parameters that it does not know would end a connection: psql sends this one.
_POOLER: Final = {
    "pool_mode": "transaction",
    "auth_type": "any",
    "ignore_startup_parameters": "extra_float_digits",
    "max_client_conn": "500",
    "default_pool_size": "20",
    "server_idle_timeout": "60",
    "log_connections": "0",
    "log_disconnections": "0",
}


class NoPooler(RuntimeError):
    """PgBouncer is not installed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What servers in one folder share: programs that their account can run."""

    folder: Path
    programs: PostgresPrograms
    account: Account | None


@dataclass
class Running:
    """A server: where it listens, and its process. ``spawn``: starts one in the same place."""

    host: Host
    port: int
    spawn: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = self.spawn()

    @property
    def url(self) -> str:
        """For psycopg."""
        return f"postgresql://{NAME}@{self.host.address}:{self.port}/{NAME}"

    def stop(self) -> None:
        """At once, as a crash would."""
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def start_again(self) -> None:
        """After ``stop``, in the same folder; returns at once."""
        self.process = self.spawn()


def ground(folder: Path) -> Ground:
    """Prepare a folder, which everybody can enter; raises ``bot.embedded.errors.EmbeddedServerError``."""
    folder.mkdir(parents=True, exist_ok=True)
    account = account_for(folder / "data")
    return Ground(folder, reachable_by(account, postgres_programs(), folder), account)


def primary(on: Ground, host: Host, port: int, more: Mapping[str, str] | None = None) -> Running:
    """A new server with an empty database ``balas``; call from the main thread."""
    data = _folder(on, "primary")
    argv: list[str | Path] = [on.programs.folder / "initdb", "-D", data, f"--username={NAME}"]
    argv += ["--encoding=UTF8", "--auth=trust", "--no-instructions", "--locale-provider=builtin"]
    _run(on, HERE, [*argv, "--builtin-locale=C.UTF-8", "--locale=C"])
    (data / "pg_hba.conf").write_text(_ACCESS)
    running = _start(on, host, port, data, more or {})
    with psycopg.connect(running.url.removesuffix(NAME) + "postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME}".encode())
    return running


def replica(on: Ground, of: Running, host: Host, port: int, more: Mapping[str, str] | None = None) -> Running:
    """A copy of a primary that streams what it commits."""
    data = _folder(on, f"replica-{port}")
    argv: list[str | Path] = [
        on.programs.folder / "pg_basebackup",
        "-D",
        data,
        "-h",
        of.host.address,
        "-p",
        str(of.port),
    ]
    argv += ["-U", NAME, "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream"]
    # From where it will run: hosts may reach each other only.
    _run(on, host, argv)
    return _start(on, host, port, data, more or {})


def pooler(on: Ground, of: Running, host: Host, port: int) -> Running:
    """PgBouncer in transaction mode; raises ``NoPooler``."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        raise NoPooler("there is no PgBouncer: on Debian and Ubuntu, apt-get install pgbouncer")
    folder = _folder(on, f"pooler-{port}")
    lines = ["[databases]", f"{NAME} = host={of.host.address} port={of.port} user={NAME}", "[pgbouncer]"]
    lines += [f"listen_addr = {host.address}", f"listen_port = {port}", "unix_socket_dir =", f"pidfile = {folder}/pid"]
    lines += [f"{name} = {value}" for name, value in _POOLER.items()]
    file = folder / "pgbouncer.ini"
    file.write_text("\n".join(lines) + "\n")
    running = Running(host, port, lambda: _spawn(on, host, [program, file], folder))
    until(lambda: _answers(running.url), "PgBouncer", _STARTS_WITHIN)
    return running


def _start(on: Ground, host: Host, port: int, data: Path, more: Mapping[str, str]) -> Running:
    argv: list[str | Path] = [on.programs.folder / "postgres", "-D", data]
    for name, value in {"listen_addresses": host.address, "port": str(port), **_SETTINGS, **more}.items():
        argv += ["-c", f"{name}={value}"]
    running = Running(host, port, lambda: _spawn(on, host, argv, data))
    address = running.url.removesuffix(NAME) + "postgres"
    until(lambda: _answers(address), f"PostgreSQL on {host.address}:{port}", _STARTS_WITHIN)
    return running


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _folder(on: Ground, name: str) -> Path:
    folder = on.folder / name
    folder.mkdir(mode=0o700)
    if on.account is not None:
        shutil.chown(folder, on.account.uid, on.account.gid)
    return folder


def _as_account(on: Ground, argv: list[str | Path], *more: str) -> list[str | Path]:
    """The command line that gives up root's rights; on a host that has to be the last step."""
    if on.account is None:
        return argv
    ids = [f"--reuid={on.account.uid}", f"--regid={on.account.gid}", "--clear-groups"]
    return ["setpriv", *ids, *more, *argv]


def _spawn(on: Ground, host: Host, argv: list[str | Path], folder: Path) -> subprocess.Popen[bytes]:
    with (on.folder / f"{folder.name}.log").open("ab") as log:
        return spawn(
            host.argv(*_as_account(on, argv, "--pdeathsig=INT")),
            env=BARE_ENVIRONMENT,
            cwd=folder,
            output=log,
            parting=signal.SIGINT,
        )


def _run(on: Ground, host: Host, argv: list[str | Path]) -> None:
    done = subprocess.run(
        host.argv(*_as_account(on, argv)), env=BARE_ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{Path(argv[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
