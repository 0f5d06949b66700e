"""``python -m bot web`` by itself, as systemd or a container runs it: it counts, and ends in order while people call."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

from bench.stage import free_port
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from tests.e2e.conftest import until
from tests.e2e.test_renewing import Line
from tests.phones import WEBHOOK_SECRET
from tests.stopping import paused
from tests.world import DATA_KEY, World

_PROJECT = Path(__file__).parents[2]


@pytest.fixture
def environ(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "VAR": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "secret of tests",
        "DATA_KEY": DATA_KEY,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PORT": str(free_port()),
        "SMS_GATEWAY": "simulator",
        "SIMULATOR": "1",
    }


@pytest.fixture
def web(environ: Mapping[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "web"], cwd=_PROJECT, env=dict(environ), stdout=log, stderr=log
        )
    until(lambda: _get(environ, "/readyz") != "", "the web server")
    yield process
    process.kill()
    process.wait()


def _get(environ: Mapping[str, str], path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{environ['PORT']}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _dial(line: Line, number: str, session: str) -> str:
    return line.post({"sessionId": session, "phoneNumber": number, "serviceCode": "*384*119#", "text": ""})


def test_its_processes_count_together(environ: Mapping[str, str], web: subprocess.Popen[bytes]) -> None:
    for number in range(20):
        assert _dial(Line(int(environ["PORT"])), "+6281200000001", f"ATUid_{number}").startswith("CON ")
    told = _get(environ, "/metrics")
    assert 'balas_ussd_hops_total{gateway="africastalking",outcome="goes_on"} 20.0' in told
    # each process knows how long its queue is
    until(lambda: "balas_queue_wait_seconds_count" in _get(environ, "/metrics"), "a mark to come through")


def test_what_is_in_flight_is_answered_when_it_is_asked_to_stop(
    environ: Mapping[str, str], web: subprocess.Popen[bytes], servers: EmbeddedServers, database_url: str
) -> None:
    database = Database(database_url)
    world = World(database)
    world.district()
    siti = world.worker(world.facility())
    assert siti.phone is not None
    port, number = int(environ["PORT"]), siti.phone
    _dial(Line(port), number, "ATUid_warm")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    form = {"sessionId": "ATUid_late", "phoneNumber": number, "serviceCode": "*384*119#", "text": ""}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with paused(servers.postgres.pid):
        connection.request("POST", f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd", urlencode(form), headers)
        # It waits for PostgreSQL, which does not answer, when the server is asked to stop.
        until(lambda: _is_taken_in(connection, port), "the call to be under way")
        began = time.monotonic()
        web.send_signal(signal.SIGTERM)
        answer = connection.getresponse().read().decode()
        assert web.wait(timeout=10) == 0
        assert time.monotonic() - began < 10
    assert answer.startswith(("CON ", "END ")), answer
    assert list(Path(environ["TMPDIR"]).glob("balas-metrics-*")) == [], "what it counted in is left behind"
    database.close()


def _is_taken_in(connection: http.client.HTTPConnection, port: int) -> bool:
    """Whether the server has read what was sent: the kernel holds nothing for it any more."""
    ours = f":{connection.sock.getsockname()[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        if local.endswith(f":{port:04X}") and remote.endswith(ours) and state == "01":
            return queues.endswith(":00000000")
    return False
