"""Web processes that are killed, on servers that are cut off: what was acknowledged is kept, once, in order."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from bench.stage import free_port
from bot.crypto import Vault
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.messaging.inbound import open_text
from faults.wires import RunningWires
from tests.e2e.conftest import until
from tests.messaging.spooling import spool_in
from tests.phones import WEBHOOK_SECRET
from tests.sources import ROOT
from tests.world import DATA_KEY

POSTGRES, VALKEY = "postgres", "valkey"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def wires(servers: EmbeddedServers) -> Iterator[RunningWires]:
    query = urlsplit(servers.urls.database_url).query
    folder = next(unquote(part.removeprefix("host=")) for part in query.split("&") if part.startswith("host="))
    valkey = unquote(servers.urls.redis_url.removeprefix("unix://").partition("?")[0])
    with RunningWires({POSTGRES: f"{folder}/.s.PGSQL.5432", VALKEY: valkey}) as running:
        yield running


@dataclass
class Web:
    """``python -m bot web`` behind wires."""

    environ: dict[str, str]
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "web"],
                cwd=ROOT,
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._answers, "the web processes to answer")

    def kill(self) -> None:
        """kill -9 of all of it, whatever it is at."""
        assert self.process is not None
        first = psutil.Process(self.process.pid)
        for process in [first, *first.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.process.wait()

    def post(self, endpoint: str, form: dict[str, str]) -> int:
        """The status; 0 where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        path = f"/webhooks/africastalking/{WEBHOOK_SECRET}/{endpoint}"
        try:
            connection.request("POST", path, urllib.parse.urlencode(form), _FORM)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


@pytest.fixture
def web(database_url: str, redis_url: str, wires: RunningWires, tmp_path: Path) -> Iterator[Web]:
    address = urlsplit(database_url)
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"postgresql://{address.username}@127.0.0.1:{wires.ports[POSTGRES]}{address.path}"
        "?sslmode=disable&gssencmode=disable",
        "REDIS_URL": f"redis://127.0.0.1:{wires.ports[VALKEY]}/0",
        "SECRET_KEY": "secret of tests",
        "DATA_KEY": DATA_KEY,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PORT": str(port),
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "sandbox",
        "AT_API_KEY": "key-of-tests",
        "AT_SHORTCODE": "1199",
        "SPOOL": str(tmp_path / "spool"),
        "WEB_PROCESSES": "2",
    }
    running = Web(environ, port, tmp_path / "web.log")
    running.start()
    yield running
    running.kill()


@dataclass
class Texter:
    """Texts its number's next number as soon as the one before was acknowledged; until then, the same again."""

    web: Web
    phone: str
    stopped: threading.Event
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0

    def run(self) -> None:
        while not self.stopped.is_set():
            text = str(len(self.acknowledged))
            form = {"id": f"{self.phone}-{text}", "from": self.phone, "to": "1199", "text": text, "linkId": ""}
            if self.web.post("sms", form) == 200:
                self.acknowledged.append(text)
            else:
                self.refused += 1
                self.stopped.wait(0.05)


def test_what_was_acknowledged_is_kept_whoever_is_killed_and_replayed_in_order(
    web: Web, wires: RunningWires, database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url, limit=10)
    vault, spool = Vault(DATA_KEY), spool_in(tmp_path / "spool")
    stopped = threading.Event()
    people = [Texter(web, f"+62812000000{number}", stopped) for number in range(10, 16)]
    threads = [threading.Thread(target=somebody.run) for somebody in people]

    def rows() -> int:
        found: int = database.value("SELECT count(*) FROM inbound")
        return found

    def texts(more: int) -> None:
        """Wait until so many more have been acknowledged."""
        wanted = sum(len(somebody.acknowledged) for somebody in people) + more
        until(lambda: sum(len(somebody.acknowledged) for somebody in people) >= wanted, "texts to be acknowledged")

    for thread in threads:
        thread.start()
    try:
        texts(10)
        for round_number in range(3):
            for wire in (POSTGRES, VALKEY):
                wires.set(wire, cut=True)
            texts(12)
            assert spool.count().waiting > 0
            web.kill()
            web.start()
            texts(5)
            for wire in (VALKEY, POSTGRES):
                wires.set(wire)
            before = rows()
            until(lambda before=before: rows() > before, f"the replay to begin in round {round_number}")  # type: ignore[misc]
            web.kill()  # in the middle of it
            web.start()
            texts(5)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    until(lambda: spool.count().waiting == 0, "the spool to be empty", patience=20)
    assert spool.count().quarantined == 0
    for somebody in people:
        stored = database.rows(
            "SELECT gateway_message_id, text_sealed FROM inbound WHERE phone = %s ORDER BY id", (somebody.phone,)
        )
        found = [open_text(vault, bytes(sealed)) for _, sealed in stored]
        # The last one may have come in without its acknowledgement.
        assert found[: len(somebody.acknowledged)] == somebody.acknowledged
        assert len(found) <= len(somebody.acknowledged) + 1
    assert "spool_keeper_failed" not in web.log.read_text()
    database.close()
