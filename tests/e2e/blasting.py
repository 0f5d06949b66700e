"""The service with its workers and clock, on a clock that can be moved, and the people that it sends to."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import psutil
import redis

from bench.stub_gateway.running import RunningStub
from bot.clock import FileClock, set_file_clock
from bot.db.database import Database
from bot.queues import enqueue_about
from tests.e2e.conftest import Service, until
from tests.world import DATA_KEY, World

_PROJECT = Path(__file__).parents[2]
#: Nine o'clock in Jakarta, when everybody may be sent to.
_START = datetime(2021, 1, 13, 3, tzinfo=UTC)


class Blasting:
    """Campaigns by the real commands and workers, to Africa's Talking as the stub speaks it."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, stub: RunningStub, port: int) -> None:
        self._clock = folder / "clock.json"
        set_file_clock(self._clock, _START, 1.0)
        self._environ = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "VAR": str(folder / "var"),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "secret of tests",
            "DATA_KEY": DATA_KEY,
            "WEBHOOK_SECRET": "path-secret-of-tests",
            "PORT": str(port),
            "SMS_GATEWAY": "africastalking",
            "AT_USERNAME": "sandbox",
            "AT_API_KEY": "key-of-tests",
            "AT_SHORTCODE": "1199",
            "AT_API_URL": stub.url,
            "CLOCK_FILE": str(self._clock),
            "CAMPAIGN_APPROVAL_ABOVE": "1000000",
        }
        self.database = Database(database_url, limit=30)
        self.world = World(self.database)
        self.world.district()
        self._service = Service(self._environ, port, folder / "service.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        code = self._service.stop() if self._service.process.poll() is None else None
        self.database.close()
        assert code == 0, self._service.log.read_text()

    def ready(self) -> bool:
        """Whether web answers; raises if the service has ended."""
        assert self._service.process.poll() is None, self._service.log.read_text()
        return self._service.ready()

    def now(self) -> datetime:
        """The time of the service."""
        return FileClock(self._clock).now()

    def passes(self, **span: float) -> None:
        """Move the service's clock on."""
        set_file_clock(self._clock, self.now() + timedelta(**span), 1.0)

    def people(self, count: int, prefix: str = "+62811") -> None:
        """Put workers on the roster, whose numbers begin with ``prefix``."""
        self.database.rows(
            "INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone, district_code, profession, "
            "created_at, updated_at) SELECT decode(md5(%(prefix)s || n), 'hex'), '', '0001', 'Siti ' || n, '1985-08-17', "
            "'F', %(prefix)s || lpad(n::text, 7, '0'), (SELECT min(code) FROM district), %(prefix)s, %(now)s, %(now)s "
            "FROM generate_series(1, %(count)s) n",
            {"prefix": prefix, "count": count, "now": _START},
        )

    def create(self, name: str, *, rate: float, prefix: str = "+62811") -> None:
        """Make a campaign to the people of one prefix."""
        audience = json.dumps({"professions": [prefix]})
        text = f"Balas {name} dengan tanggal lahir untuk mendaftar vaksinasi."
        self.bot("campaign", "create", name, "--text-id", text, "--audience", audience, "--rate", str(rate))

    def send(self, name: str) -> None:
        """Send it off; the workers do the rest."""
        self.bot("campaign", "send", name, "--no-wait", "--yes")

    def _sweep(self) -> None:
        with redis.Redis.from_url(self._environ["REDIS_URL"]) as client:
            enqueue_about(client, "sweep")

    def status(self, name: str) -> dict[str, Any]:
        """What ``campaign status`` says."""
        told: dict[str, Any] = json.loads(self.bot("campaign", "status", name, "--json"))
        return told

    def bot(self, *words: str) -> str:
        """Run a command; its output."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=_PROJECT,
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def workers(self, lane: str) -> list[psutil.Process]:
        """The running workers of a lane."""
        return self._service.children("bot", "worker", "--lane", lane)

    def in_hand(self) -> dict[int, int]:
        """The attempts that are claimed or submitted just now, and how many messages each has."""
        return dict(
            self.database.rows(
                "SELECT id, size FROM attempt WHERE state IN ('claimed', 'submitted') AND lane = 'blast'"
            )
        )

    def unknown_by_death(self, name: str) -> int:
        """Messages of a campaign whose fate is unknown because their worker died, not because of the gateway."""
        found: int = self.database.value(
            "SELECT count(*) FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE c.name = %s "
            "AND m.state = 'unknown' AND m.reason = 'no answer is on record'",
            (name,),
        )
        return found

    def counts(self, name: str) -> dict[str, int]:
        """How many messages of a campaign are in each state."""
        rows = self.database.rows(
            "SELECT m.state, count(*) FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE c.name = %s GROUP BY 1",
            (name,),
        )
        return dict(rows)

    def until_over(self, name: str) -> None:
        """Wait until a campaign has ended, letting the leases of dead workers run out meanwhile; the clock's next sweep,
        which may be ten seconds away, is called early."""
        state = "SELECT state FROM campaign WHERE name = %s"
        stalled = {"left": -1, "looks": 0}

        def over() -> bool:
            if self.database.value(state, (name,)) in {"finished", "cancelled"}:
                return True
            left = self.counts(name).get("queued", 0)
            if left == 0 and stalled["left"] != 0:
                self._sweep()
            stalled["looks"] = stalled["looks"] + 1 if left == stalled["left"] else 0
            stalled["left"] = left
            if stalled["looks"] >= 30:  # nobody is at it: what is left waits for its lease or its next try
                stalled["looks"] = 0
                self.passes(seconds=61)
                self._sweep()
            return False

        until(over, f"the end of {name}", patience=150)
