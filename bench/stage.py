"""A service to be measured, and what it is compared with: servers, database and processes of their own.

All of it is as in production: PostgreSQL with synchronous commits on a disk, Valkey with its append-only file, and the
real commands ``bot web`` and, unless told otherwise, ``bot worker`` and ``bot clock``. Tickets leave by the simulator's
gateway.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from bench.cpu import FLOOR, POSTGRESQL, SENDERS, VALKEY, WEB, Meters
from bench.failure import BenchFailed
from bot.clock import RealClock
from bot.crypto import Vault
from bot.db import migrate
from bot.db.database import Database
from bot.embedded.child import spawn
from bot.embedded.servers import EmbeddedServers
from bot.registration import closing
from bot.registration.sample import load_sample
from bot.serve import plan
from bot.serve.address import unready
from bot.serve.supervisor import Child

HOST = "127.0.0.1"

_PROJECT = Path(__file__).resolve().parents[1]
#: Seconds until a child must serve, and until it must have ended after SIGTERM.
_START_LIMIT, _STOP_LIMIT = 60.0, 15.0
_POLL = 0.02
#: What the service sees of our own environment: none of the settings.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "XDG_RUNTIME_DIR")
#: What the sample fills gets its statistics at once, as autovacuum would give it within the minute.
_FILLED = "district, facility, worker, vaccination_session"


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running. ``ports`` and ``children`` by name; ``path`` is the webhook's."""

    database_url: str
    redis_url: str
    path: str
    ports: Mapping[str, int]
    children: Mapping[str, subprocess.Popen[bytes]]
    meters: Meters

    def check_alive(self) -> None:
        """Raise ``BenchFailed`` if a process of the service has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise BenchFailed(f"{name} ended by itself with exit code {child.returncode}")


@contextlib.contextmanager
def staged(
    folder: Path,
    *,
    workers: int,
    web_only: bool,
    say: Callable[[str], None],
    filled: Callable[[Mapping[str, str], int], None] | None = None,
) -> Iterator[Stage]:
    """Set everything up in ``folder`` for ``workers`` made-up people, and stop it at the end. Call from the main thread.

    ``filled`` fills the database in another way than ``fill_roster``. Raises ``BenchFailed`` or
    ``bot.embedded.errors.EmbeddedServerError``.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(ended_by_sigterm())
        say("starting PostgreSQL and Valkey")
        servers = stack.enter_context(EmbeddedServers(folder))
        ports = {name: free_port() for name in (WEB, FLOOR)}
        env = settings_of(folder, servers, ports[WEB])
        say(f"making up {workers:,} workers, their facilities and sessions")
        (filled or fill_roster)(env, workers)

        say("starting the service and the floor")
        log_path = folder / "log" / "service.log"
        log = stack.enter_context(log_path.open("ab"))
        children = stack.enter_context(
            running_children([*_service(env, web_only=web_only), floor_of(env, ports[FLOOR])], log)
        )
        stage = Stage(
            database_url=env["DATABASE_URL"],
            redis_url=env["REDIS_URL"],
            path=f"/webhooks/africastalking/{env['WEBHOOK_SECRET']}/ussd",
            ports=ports,
            children=children,
            meters=Meters(
                {
                    WEB: [children[WEB].pid],
                    FLOOR: [children[FLOOR].pid],
                    POSTGRESQL: pids_of(servers.postgres.pid),
                    VALKEY: pids_of(servers.valkey.pid),
                    SENDERS: [process.pid for name, process in children.items() if name not in (WEB, FLOOR)],
                }
            ),
        )
        await_serving(stage, log_path)
        yield stage


def settings_of(folder: Path, servers: EmbeddedServers, port: int) -> dict[str, str]:
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return env | {
        "VAR": str(folder),
        "HOST": HOST,
        "PORT": str(port),
        "DATABASE_URL": servers.urls.database_url,
        "REDIS_URL": servers.urls.redis_url,
        "SECRET_KEY": secrets.token_hex(32),
        "DATA_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "WEBHOOK_SECRET": secrets.token_hex(16),
        "SMS_GATEWAY": "simulator",
        "SIMULATOR": "1",
    }


def _service(env: Mapping[str, str], *, web_only: bool) -> Iterator[Child]:
    """The service's own plan."""
    return (child for child in plan.children(env) if child.name == WEB or not web_only)


def floor_of(env: Mapping[str, str], port: int) -> Child:
    """The floor's server, with the settings of the service's."""
    return Child(FLOOR, (sys.executable, "-m", "bench.floor_server"), {**env, "PORT": str(port)})


def fill_roster(env: Mapping[str, str], workers: int) -> None:
    """What ``bot db upgrade`` and ``bot sample load`` do."""
    url = env["DATABASE_URL"]
    migrate.upgrade(url)
    database, clock = Database(url, limit=None), RealClock()
    try:
        closing.set_first_value(database, None, now=clock.now())
        load_sample(database, Vault(env["DATA_KEY"]), clock, workers)
    finally:
        database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {_FILLED}")
        connection.execute("CHECKPOINT")


@contextlib.contextmanager
def running_children(wanted: Iterable[Child], log: IO[bytes]) -> Iterator[Mapping[str, subprocess.Popen[bytes]]]:
    """Running children by name, ended together at the end, with everything that they have started."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for child in wanted:
            running[child.name] = spawn(child.argv, env=child.env, cwd=_PROJECT, output=log, parting=signal.SIGTERM)
        yield running
    finally:
        for process in running.values():
            process.terminate()
        until = time.monotonic() + _STOP_LIMIT
        for process in running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def await_serving(stage: Stage, log_path: Path) -> None:
    until = time.monotonic() + _START_LIMIT
    waiting = dict(stage.ports)
    while waiting:
        try:
            stage.check_alive()
        except BenchFailed as failed:
            raise BenchFailed(f"{failed}: {_last_line(log_path)}") from failed
        for name, port in list(waiting.items()):
            if _listens(port) if name != WEB else unready(HOST, port) is None:
                del waiting[name]
        if time.monotonic() > until:
            raise BenchFailed(f"{', '.join(waiting)} did not serve within {_START_LIMIT:.0f} s: {_last_line(log_path)}")
        time.sleep(_POLL)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    """A port on which nobody listens: below those of callers, so that none takes it before the server does that wants it."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def pids_of(pid: int | None) -> list[int]:
    return [] if pid is None else [pid]


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it left no word"


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does, with everything stopped and removed."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
