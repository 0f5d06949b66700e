"""Everything that runs: real servers behind wires that can be cut, the real service, a gateway that keeps its own log."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil  # type: ignore[import-untyped]

from bench.blast_stage import fill
from bench.stage import free_port
from bench.stub_gateway.running import RunningStub
from bot.clock import set_file_clock
from bot.db.database import Database
from bot.embedded.child import spawn
from bot.embedded.servers import EmbeddedServers
from faults.wires import RunningWires

_PROJECT = Path(__file__).resolve().parents[1]
POSTGRES, VALKEY = "postgres", "valkey"
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "XDG_RUNTIME_DIR")
#: When the story begins: in the morning, within the sending window of all zones.
BEGINS = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0)
#: Seconds that the service has to stop.
_STOPS_WITHIN = 20.0


@dataclass
class Stage:
    """What is running. ``database``: straight to PostgreSQL, past the wire."""

    environ: Mapping[str, str]
    folder: Path
    port: int
    servers: EmbeddedServers
    wires: RunningWires
    stub: RunningStub
    service: subprocess.Popen[bytes]
    database: Database
    clock_file: Path

    def children(self, *words: str) -> list[psutil.Process]:
        """The service's processes whose command line contains all ``words``."""
        found = []
        for child in psutil.Process(self.service.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = " ".join(child.cmdline())
                if all(word in line for word in words):
                    found.append(child)
        return found

    def kill(self, *words: str) -> int:
        """kill -9 of those processes; returns how many."""
        found = self.children(*words)
        for child in found:
            with contextlib.suppress(psutil.Error):
                child.kill()
        return len(found)

    def server_processes(self, name: str) -> list[psutil.Process]:
        """A server's processes, the first one first."""
        pid = self.servers.postgres.pid if name == POSTGRES else self.servers.valkey.pid
        if pid is None:
            return []
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]

    def signal_server(self, name: str, number: signal.Signals) -> None:
        """Send all of a server's processes a signal."""
        for process in self.server_processes(name):
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def bot(self, *arguments: str, told: str | None = None) -> str:
        """Run a command of the service past the wires; raises ``RuntimeError`` with its words if it fails."""
        environ = {
            **self.environ,
            "DATABASE_URL": self.servers.urls.database_url,
            "REDIS_URL": self.servers.urls.redis_url,
        }
        argv = [sys.executable, "-m", "bot", *arguments]
        done = subprocess.run(argv, env=environ, cwd=_PROJECT, input=told, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"bot {arguments[0]}: {done.stderr or done.stdout}")
        return done.stdout


@contextlib.contextmanager
def staged(folder: Path, workers: int, say: Callable[[str], None]) -> Iterator[Stage]:
    """Set everything up in ``folder``; call from the main thread."""
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(EmbeddedServers(folder, say=lambda _line: None))
        sockets = {
            POSTGRES: _postgres_socket(servers.urls.database_url),
            VALKEY: _valkey_socket(servers.urls.redis_url),
        }
        wires = stack.enter_context(RunningWires(sockets))
        port, secret = free_port(), secrets.token_hex(8)
        receipts = f"http://127.0.0.1:{port}/webhooks/africastalking/{secret}/receipts"
        stub = stack.enter_context(
            RunningStub(folder / "messages.log", receipts_to=receipts, bodies=True, receipts=0.6, receipts_twice=0.1)
        )
        clock_file = folder / "clock.json"
        set_file_clock(clock_file, BEGINS, 1.0)
        say(f"making up {workers:,} workers")
        environ = _settings(folder, servers, wires, port, secret, stub.url, clock_file)
        _fill(servers, environ, workers)
        log = stack.enter_context((folder / "service.log").open("ab"))
        service = spawn(
            [sys.executable, "-m", "bot", "serve"], env=environ, cwd=_PROJECT, output=log, parting=signal.SIGTERM
        )
        stack.callback(_stop, service)
        database = Database(servers.urls.database_url, size=2, limit=20.0)
        stack.callback(database.close)
        yield Stage(environ, folder, port, servers, wires, stub, service, database, clock_file)


def _fill(servers: EmbeddedServers, environ: Mapping[str, str], workers: int) -> None:
    straight = {**environ, "DATABASE_URL": servers.urls.database_url}
    fill(straight, workers, 0)


def _settings(
    folder: Path, servers: EmbeddedServers, wires: RunningWires, port: int, secret: str, gateway: str, clock: Path
) -> dict[str, str]:
    user = urlsplit(servers.urls.database_url).username or "balas"
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environ | {
        "VAR": str(folder),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": f"postgresql://{user}@127.0.0.1:{wires.ports[POSTGRES]}/{_database_name(servers)}"
        "?sslmode=disable&gssencmode=disable",
        "REDIS_URL": f"redis://127.0.0.1:{wires.ports[VALKEY]}/0",
        "SECRET_KEY": secrets.token_hex(32),
        "DATA_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "WEBHOOK_SECRET": secret,
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "faults",
        "AT_API_KEY": "key-of-faults",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": gateway,
        "CLOCK_FILE": str(clock),
        "CAMPAIGN_APPROVAL_ABOVE": "100000",
        "LOG_LEVEL": "INFO",
    }


def _database_name(servers: EmbeddedServers) -> str:
    return urlsplit(servers.urls.database_url).path.lstrip("/") or "postgres"


def _postgres_socket(url: str) -> str:
    """The Unix socket that a URL of libpq with a folder as its host means."""
    query = urlsplit(url).query
    folder = next(unquote(part.removeprefix("host=")) for part in query.split("&") if part.startswith("host="))
    return f"{folder}/.s.PGSQL.5432"


def _valkey_socket(url: str) -> str:
    return unquote(url.removeprefix("unix://").partition("?")[0])


def _stop(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    try:
        service.wait(_STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.pid, signal.SIGKILL)
        service.wait()
