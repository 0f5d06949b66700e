"""Everything that runs: PostgreSQL and Valkey, the stub gateway, and the whole service as ``bot serve`` runs it."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis
from rq import Queue

from bench.stage import HOST, ended_by_sigterm, free_port
from bench.stub_gateway.running import RunningStub
from bot.clock import FileClock
from bot.crypto import Vault
from bot.db import migrate
from bot.db.database import Database
from bot.embedded.child import spawn
from bot.embedded.servers import EmbeddedServers
from bot.queues import Work
from bot.registration.sample import load_sample
from bot.registration.sample.loading import ALL_DISTRICTS
from bot.serve.address import unready
from replay.curve import CLOSES
from replay.timekeeper import Timekeeper, moment_of

_PROJECT: Final = Path(__file__).resolve().parents[1]
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "XDG_RUNTIME_DIR")
#: Seconds that the service may take to start, and to stop.
_STARTS_WITHIN, _STOPS_WITHIN = 90.0, 20.0
#: The registry is made up as of the day after: its sessions begin on the 15th, so that which place somebody got decides
#: nothing on the 13th (nobody is reminded of an appointment yet).
_MADE_UP_AT: Final = 26 * 3600.0
_FILLED: Final = "district, facility, worker, vaccination_session"


class ReplayFailed(Exception):
    """The replay could not be run to its end; the text says why."""


@dataclass
class Stage:
    """What is running. ``database``: for what nobody else tells."""

    environ: Mapping[str, str]
    folder: Path
    port: int
    servers: EmbeddedServers
    stub: RunningStub
    database: Database
    queue: redis.Redis
    time: Timekeeper
    clock: FileClock
    service: subprocess.Popen[bytes] | None = None

    def bot(self, *arguments: str, told: str | None = None, may_fail: bool = False) -> str:
        """What a command of the service says; raises ``ReplayFailed`` with its words if it fails, unless it may."""
        argv = [sys.executable, "-m", "bot", *arguments]
        done = subprocess.run(
            argv, env=dict(self.environ), cwd=_PROJECT, input=told, capture_output=True, text=True, check=False
        )
        if done.returncode and not may_fail:
            raise ReplayFailed(f"bot {' '.join(arguments[:2])}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def webhook(self, what: str) -> str:
        """The path of a webhook."""
        return f"/webhooks/africastalking/{self.environ['WEBHOOK_SECRET']}/{what}"

    def ask_for(self, job: str) -> None:
        """Have a job of the clock's done now: at this pace its seconds are hours."""
        Queue(Work.SWEEP.value, connection=self.queue).enqueue(f"bot.jobs.{job}", result_ttl=0)

    def ask_for_turns(self) -> None:
        """Have the turns of conversations copied now that have been noted."""
        Queue(Work.RECEIPTS.value, connection=self.queue).enqueue("bot.hop_jobs.copy_hops", result_ttl=0)

    def check_alive(self) -> None:
        """Raise ``ReplayFailed`` if the service has ended."""
        if self.service is not None and self.service.poll() is not None:
            raise ReplayFailed(f"the service has ended; see {self.folder}/service.log")


@contextlib.contextmanager
def staged(folder: Path, *, workers: int, seed: int, speed: float, say: Callable[[str], None]) -> Iterator[Stage]:
    """Set everything up in ``folder`` but the service, which ``serving`` starts. Call from the main thread.

    Raises ``ReplayFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(ended_by_sigterm())
        servers = stack.enter_context(EmbeddedServers(folder, say=lambda _line: None))
        stub = stack.enter_context(RunningStub(folder / "messages.log", bodies=True))
        clock_file = folder / "clock.json"
        keeper = Timekeeper(clock_file, speed)
        port = free_port()
        database = Database(servers.urls.database_url, size=2, limit=60.0)
        stack.callback(database.close)
        queue = redis.Redis.from_url(servers.urls.redis_url)
        stack.callback(queue.close)
        environ = _settings(folder, servers, port, stub.url, clock_file)
        stage = Stage(environ, folder, port, servers, stub, database, queue, keeper, FileClock(clock_file))
        say(f"making up {workers:,} workers in {ALL_DISTRICTS} districts")
        _fill(stage, workers, seed)
        yield stage


def _fill(stage: Stage, workers: int, seed: int) -> None:
    """What ``bot db upgrade`` and ``bot sample load`` do."""
    url = stage.servers.urls.database_url
    migrate.upgrade(url)
    patient = Database(url, size=1, limit=None)
    stage.time.stop_at(_MADE_UP_AT)
    try:
        load_sample(patient, Vault(stage.environ["DATA_KEY"]), stage.clock, workers, ALL_DISTRICTS, seed)
        with patient.connection() as connection:
            # People were put on the roster before the day begins: else a count that looks for whom something has happened to
            # of late finds everybody, all day long.
            connection.execute("UPDATE worker SET created_at = %(day)s, updated_at = %(day)s", {"day": moment_of(0.0)})
            connection.execute(f"VACUUM (ANALYZE) {_FILLED}".encode())
    finally:
        patient.close()
        stage.time.stop_at(0.0)


@contextlib.contextmanager
def serving(stage: Stage) -> Iterator[None]:
    """Run ``bot serve`` until the end."""
    with (stage.folder / "service.log").open("ab") as log:
        argv = [sys.executable, "-m", "bot", "serve"]
        service = spawn(argv, env=dict(stage.environ), cwd=_PROJECT, output=log, parting=signal.SIGTERM)
    stage.service = service
    try:
        until = time.monotonic() + _STARTS_WITHIN
        while unready(HOST, stage.port) is not None:
            stage.check_alive()
            if time.monotonic() > until:
                raise ReplayFailed(f"the service did not start; see {stage.folder}/service.log")
            time.sleep(0.1)
        yield
    finally:
        service.terminate()
        try:
            service.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(service.pid, signal.SIGKILL)
            service.wait()


def _settings(folder: Path, servers: EmbeddedServers, port: int, gateway: str, clock: Path) -> dict[str, str]:
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environ | {
        "VAR": str(folder),
        "HOST": HOST,
        "PORT": str(port),
        "DATABASE_URL": servers.urls.database_url,
        "REDIS_URL": servers.urls.redis_url,
        "SECRET_KEY": secrets.token_hex(32),
        "DATA_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "WEBHOOK_SECRET": secrets.token_hex(8),
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "replay",
        "AT_API_KEY": "key-of-the-replay",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": gateway,
        "CLOCK_FILE": str(clock),
        "REGISTRATION_CLOSES_AT": moment_of(CLOSES).isoformat(),
        # Watchers ask as often as pages do, by the machine's clock; the limit counts by that too.
        "API_REQUESTS_A_MINUTE": "1000",
        "LOG_LEVEL": "WARNING",
    }
