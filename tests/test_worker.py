"""A worker that starts looks what waits, though nobody has woken it: the job of its predecessor went with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bot.db.database import Database
from bot.messaging import leases
from bot.messaging.outbox import Draft, Lane, write
from tests.journeys.conftest import MovableClock, clock, environ
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.world import MORNING

__all__ = ["MovableClock", "clock", "environ"]

_PROJECT = Path(__file__).parents[1]
_PATIENCE = 30.0


def test_what_waits_leaves_when_a_worker_starts(environ: dict[str, str], database_url: str) -> None:
    database = Database(database_url, limit=10)
    _write(database)
    database.close()
    assert _sent_by_a_worker_that_starts(environ) == ["halo"]


def test_what_a_killed_worker_had_claimed_leaves_when_its_successor_starts(
    environ: dict[str, str], database_url: str
) -> None:
    database = Database(database_url, limit=10)
    _write(database)
    assert len(leases.claim_replies(database, MORNING, 10)) == 1
    database.rows("UPDATE attempt SET claimed_at = claimed_at - interval '2 seconds'")
    database.close()
    assert _sent_by_a_worker_that_starts(environ) == ["halo"]


def _write(database: Database) -> None:
    draft = Draft("test:1", "reply", Lane.REPLY, "africastalking", "+6281200000001", "id", "halo")
    with database.transaction() as connection:
        write(connection, draft, MORNING)


def _sent_by_a_worker_that_starts(environ: dict[str, str]) -> list[str]:
    with AfricasTalkingStub() as stub:
        worker = subprocess.Popen(
            [sys.executable, "-m", "bot", "worker", "--lane", "reply"],
            cwd=_PROJECT,
            env={"PATH": os.environ["PATH"], **environ, "AT_API_URL": stub.url},
        )
        end = time.monotonic() + _PATIENCE
        while not stub.taken and time.monotonic() < end:
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(_PATIENCE) == 0
        return [taken.body for taken in stub.taken]
