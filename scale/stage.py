"""Everything that runs: nineteen hosts with the servers, poolers, web processes, workers and clocks of a service."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.blast_stage import fill
from bench.stub_gateway.running import RunningStub
from bot.clock import set_file_clock
from bot.db.database import Database
from bot.embedded.child import spawn
from bot.serve.address import unready
from faults.stage import BEGINS
from scale import postgres, valkeys
from scale.hosts import Host, network
from scale.postgres import Running
from scale.valkeys import QUEUE, Sentinel, Server

_PROJECT: Final = Path(__file__).resolve().parents[1]
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
WEBS: Final = 4
#: The web host that asks PostgreSQL straight, for comparison.
STRAIGHT: Final = "straight"
_CACHES: Final = tuple(f"cache{number}" for number in range(1, 7))
_HOSTS: Final = (
    *_CACHES,
    *("queue1", "queue2", "db1", "db2", "pool1", "jobs1", "jobs2", "gateway"),
    *(f"web{number}" for number in range(1, WEBS + 1)),
    STRAIGHT,
)
_WEB_PORT, _REDIS_PORT, _BUS_PORT, _SENTINEL_PORT, _POSTGRES_PORT, _POOLER_PORT = 8000, 6379, 16379, 26379, 5432, 6432
#: What runs on the two hosts for jobs: two of what people wait for, one of the rest; two clocks, of which one leads.
_JOBS: Final = {
    "jobs1": ("reply", "receipts", "sweep", "office", "clock"),
    "jobs2": ("reply", "reminder", "blast", "clock"),
}
_STARTS_WITHIN, _STOPS_WITHIN = 90.0, 20.0


@dataclass
class Stage:
    """What is running. ``database``: straight to the primary; ``webs``: host and port of each, ``straight`` of the one that
    goes around the pooler; ``parts``: the processes of each part."""

    folder: Path
    environ: Mapping[str, str]
    hosts: Mapping[str, Host]
    cluster: list[Server]
    queue: tuple[Server, Server]
    sentinels: list[Sentinel]
    primary: Running
    replica: Running
    pooler: Running
    stub: RunningStub
    database: Database
    webs: Sequence[tuple[str, int]]
    straight: tuple[str, int]
    processes: dict[str, subprocess.Popen[bytes]]
    start: Callable[[str], subprocess.Popen[bytes]]
    clock_file: Path
    renewed: int = 0

    @property
    def path(self) -> str:
        """Of the webhook for USSD."""
        return f"/webhooks/africastalking/{self.environ['WEBHOOK_SECRET']}/ussd"

    def pids(self) -> dict[str, list[int]]:
        """The processes of each part, for whoever measures their CPU."""
        valkey = [each.process for each in (*self.cluster, *self.queue, *self.sentinels)]
        return {
            "web": [self.processes[name].pid for name in self.processes if name.startswith(("web", STRAIGHT))],
            "jobs": [self.processes[name].pid for name in self.processes if name.startswith("jobs")],
            "postgresql": [self.primary.process.pid, self.replica.process.pid],
            "pgbouncer": [self.pooler.process.pid],
            "valkey": [process.pid for process in valkey if process is not None],
        }

    def tend(self) -> None:
        """Start anew what has ended, as systemd or Kubernetes would; call from the main thread."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                self.processes[name] = self.start(name)
                self.renewed += 1

    def check_alive(self) -> None:
        """Raise ``RuntimeError`` if a process of the service has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise RuntimeError(
                    f"{name} ended by itself with exit code {process.returncode}: see {self.folder}/{name}.log"
                )


class _Gateway(RunningStub):
    """The stub on a host of its own, with which it goes; every message gets its receipts, some of them twice."""

    def __init__(self, host: Host, log: Path, receipts_to: str) -> None:
        super().__init__(log, host=host.address, receipts_to=receipts_to, bodies=True, receipts=1.0, receipts_twice=0.1)
        self._argv = host.argv(*self._argv)


@contextlib.contextmanager
def staged(folder: Path, workers: int, say: Callable[[str], None]) -> Iterator[Stage]:
    """Set everything up in ``folder`` for ``workers`` made-up people; call from the main thread.

    Raises ``scale.hosts.NoHosts``, ``scale.postgres.NoPooler``, ``TimeoutError`` or ``RuntimeError``.
    """
    with contextlib.ExitStack() as stack:
        say(f"making {len(_HOSTS)} hosts")
        hosts = stack.enter_context(network(_HOSTS))
        say("starting a cluster of six, the queue's two with three sentinels, PostgreSQL with a replica, PgBouncer")
        cluster = valkeys.cluster([(hosts[name], _REDIS_PORT, _BUS_PORT) for name in _CACHES], folder / "valkey")
        first, second, sentinels = valkeys.queue(
            (hosts["queue1"], _REDIS_PORT),
            (hosts["queue2"], _REDIS_PORT),
            [(hosts[name], _SENTINEL_PORT) for name in ("queue1", "queue2", "jobs1")],
            folder / "valkey",
        )
        on = postgres.ground(folder / "postgres")
        primary = postgres.primary(on, hosts["db1"], _POSTGRES_PORT)
        replica = postgres.replica(on, primary, hosts["db2"], _POSTGRES_PORT)
        pooler = postgres.pooler(on, primary, hosts["pool1"], _POOLER_PORT)
        secret = secrets.token_hex(8)
        receipts = f"http://{hosts['web1'].address}:{_WEB_PORT}/webhooks/africastalking/{secret}/receipts"
        stub = stack.enter_context(_Gateway(hosts["gateway"], folder / "messages.log", receipts))
        clock_file = folder / "clock.json"
        set_file_clock(clock_file, BEGINS, 1.0)
        environ = _settings(folder, secret, stub.url, clock_file) | {
            "DATABASE_URL": pooler.url,
            "DATABASE_POOLER": "transaction",
            "DATABASE_READ_URL": replica.url,
            "REDIS_URL": "redis+cluster://" + ",".join(f"{host}:{port}" for host, port in _places(cluster[:3])),
            "QUEUE_REDIS_URL": "redis+sentinel://"
            + ",".join(f"{host}:{port}" for host, port in _places(sentinels))
            + f"/{QUEUE}",
        }
        say(f"making up {workers:,} workers")
        fill({**environ, "DATABASE_URL": primary.url}, workers, 0)
        commands = _commands(hosts, environ, primary.url, folder)

        def start(name: str) -> subprocess.Popen[bytes]:
            host, words, own = commands[name]
            return _run(host, words, own, folder / f"{name}.log")

        processes: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(_stop, processes)
        for name in commands:
            processes[name] = start(name)
        database = Database(primary.url, size=2, limit=20.0)
        stack.callback(database.close)
        webs = [(hosts[f"web{number}"].address, _WEB_PORT) for number in range(1, WEBS + 1)]
        stage = Stage(
            *(
                folder,
                environ,
                hosts,
                cluster,
                (first, second),
                sentinels,
                primary,
                replica,
                pooler,
                stub,
                database,
                webs,
            ),
            *((hosts[STRAIGHT].address, _WEB_PORT), processes, start, clock_file),
        )
        _await_ready(stage)
        yield stage


def _settings(folder: Path, secret: str, gateway: str, clock: Path) -> dict[str, str]:
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environ | {
        "SECRET_KEY": secrets.token_hex(32),
        "DATA_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "WEBHOOK_SECRET": secret,
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "scale",
        "AT_API_KEY": "key-of-scale",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": gateway,
        "CLOCK_FILE": str(clock),
        "WEB_PROCESSES": "1",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "VAR": str(folder),
    }


def _places(servers: Sequence[Server]) -> list[tuple[str, int]]:
    return [server.node for server in servers]


#: A process of the service: where it runs, which command, with which settings.
_Command = tuple[Host, Sequence[str], Mapping[str, str]]


def _commands(
    hosts: Mapping[str, Host], environ: Mapping[str, str], straight_url: str, folder: Path
) -> dict[str, _Command]:
    found: dict[str, _Command] = {}
    for name in (*(f"web{number}" for number in range(1, WEBS + 1)), STRAIGHT):
        own = {"HOST": hosts[name].address, "PORT": str(_WEB_PORT), "SPOOL": str(folder / f"spool-{name}")}
        known = {key: value for key, value in environ.items() if name != STRAIGHT or key != "DATABASE_POOLER"}
        straight = {"DATABASE_URL": straight_url} if name == STRAIGHT else {}
        found[name] = (hosts[name], ("web",), {**known, **straight, **own})
    for name, works in _JOBS.items():
        for work in works:
            words = ("clock",) if work == "clock" else ("worker", "--lane", work)
            found[f"{name}-{work}"] = (hosts[name], words, environ)
    return found


def _run(host: Host, words: Sequence[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    argv = host.argv(sys.executable, "-m", "bot", *words)
    with log.open("ab") as output:
        return spawn(argv, env=environ, cwd=_PROJECT, output=output, parting=signal.SIGTERM)


def _await_ready(stage: Stage) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    for host, port in (*stage.webs, stage.straight):
        while (why := unready(host, port)) is not None:
            stage.check_alive()
            if time.monotonic() > until:
                raise RuntimeError(f"the web process on {host} did not start: {why}")
            time.sleep(0.05)


def _stop(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        process.terminate()
    until = time.monotonic() + _STOPS_WITHIN
    for process in processes.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
