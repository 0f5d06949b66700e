"""The stage of the bench ``blast``: half a million on the roster, the service's processes, and the stub as both gateways."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.counted import await_counted
from bench.cpu import BLAST, POSTGRESQL, SENDERS, STUB, VALKEY, WEB, Meters
from bench.stage import (
    HOST,
    Stage,
    await_serving,
    ended_by_sigterm,
    free_port,
    pids_of,
    running_children,
    settings_of,
)
from bench.stub_gateway.running import RunningStub
from bot.clock import RealClock
from bot.crypto import Vault
from bot.db import migrate
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.registration import closing
from bot.registration.sample import load_sample
from bot.serve.supervisor import Child

#: Workers that send the blast.
BLAST_WORKERS = 3
#: Those of the roster that have names, ages and facilities of their own; the others are made of these.
_MOST_MADE_UP = 5000
#: Whom Twilio's campaign goes to.
TWILIO_PROFESSION = "Bidan"
_OTHER_PROFESSION = "Perawat"
_AUTH_TOKEN = "bench-auth-token"
_FILLED = "district, facility, worker, vaccination_session"

# The multiplier has no factor in common with 10**8, so that every number is another phone; no operator has the prefix.
_PHONE = "'+62836' || lpad(mod(number::bigint * 38710657 + 12345678, 100000000)::text, 8, '0')"
_SPREAD = f"""
UPDATE worker SET phone = {_PHONE}, profession = CASE profession WHEN %(bidan)s THEN %(other)s ELSE profession END
FROM (SELECT id AS number_id, row_number() OVER (ORDER BY id) AS number FROM worker) AS numbered
WHERE worker.id = number_id
"""
_MULTIPLY = f"""
INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, phone, district_code, facility_id, profession,
                    language, created_at, updated_at)
SELECT decode(md5('bench ' || number) || md5('blast ' || number), 'hex'), nik_sealed, lpad((mod(number, 10000))::text, 4, '0'),
       name, birth_date, sex, {_PHONE}, district_code, facility_id,
       CASE WHEN number <= %(made_up)s + %(twilio)s THEN %(bidan)s ELSE profession END, language, %(now)s, %(now)s
FROM generate_series(%(made_up)s + 1, %(roster)s) AS number
JOIN (SELECT w.*, row_number() OVER (ORDER BY id) - 1 AS place FROM worker AS w) AS like_this
  ON place = mod(number, %(made_up)s)
"""

# As many places for each as the sample has: where there are few, people who register would hear that all is full.
_MORE_PLACES = "UPDATE vaccination_session SET capacity = capacity * %(times)s"


@dataclass(frozen=True, slots=True)
class BlastStage:
    """What is running. ``environ``: what a command of the service needs to join in."""

    service: Stage
    stub: RunningStub
    environ: Mapping[str, str]


@contextlib.contextmanager
def staged_blast(
    folder: Path,
    *,
    roster: int,
    twilio: int,
    say: Callable[[str], None],
    filled: Callable[[Mapping[str, str], int, int], None] | None = None,
) -> Iterator[BlastStage]:
    """Set everything up in ``folder``, and stop it at the end. Call from the main thread.

    ``twilio`` of the ``roster`` have the profession ``TWILIO_PROFESSION``; ``filled`` fills the database in another way
    than ``fill``. Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(ended_by_sigterm())
        say("starting PostgreSQL, Valkey and the stub gateway")
        servers = stack.enter_context(EmbeddedServers(folder))
        port = free_port()
        environ = settings_of(folder, servers, port)
        receipts = f"http://{HOST}:{port}/webhooks/africastalking/{environ['WEBHOOK_SECRET']}/receipts"
        stub = stack.enter_context(RunningStub(folder / "messages.log", receipts_to=receipts, auth_token=_AUTH_TOKEN))
        environ |= _gateways(stub.url)
        say(f"making up {roster:,} workers with a phone each")
        (filled or fill)(environ, roster, twilio)
        say("starting the service")
        log_path = folder / "log" / "service.log"
        log = stack.enter_context(log_path.open("ab"))
        children = stack.enter_context(running_children(_service(environ), log))
        service = Stage(
            database_url=environ["DATABASE_URL"],
            redis_url=environ["REDIS_URL"],
            path=f"/webhooks/africastalking/{environ['WEBHOOK_SECRET']}/ussd",
            ports={WEB: port},
            children=children,
            meters=Meters(
                {
                    WEB: [children[WEB].pid],
                    BLAST: [process.pid for name, process in children.items() if name.startswith(BLAST)],
                    SENDERS: [
                        process.pid for name, process in children.items() if name != WEB and not name.startswith(BLAST)
                    ],
                    POSTGRESQL: pids_of(servers.postgres.pid),
                    VALKEY: pids_of(servers.valkey.pid),
                    STUB: [stub.pid],
                }
            ),
        )
        await_serving(service, log_path)
        await_counted(service)
        yield BlastStage(service, stub, environ)


def fill(environ: Mapping[str, str], roster: int, twilio: int) -> None:
    """Migrate, load a sample over all districts, and multiply it to ``roster`` workers with a phone each."""
    url = environ["DATABASE_URL"]
    migrate.upgrade(url)
    database, clock = Database(url, limit=None), RealClock()
    made_up = min(_MOST_MADE_UP, roster - twilio)
    try:
        closing.set_first_value(database, None, now=clock.now())
        load_sample(database, Vault(environ["DATA_KEY"]), clock, made_up)
    finally:
        database.close()
    values = {
        "made_up": made_up,
        "roster": roster,
        "twilio": twilio,
        "bidan": TWILIO_PROFESSION,
        "other": _OTHER_PROFESSION,
        "now": datetime.now(UTC),
        "times": math.ceil(roster / made_up),
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SPREAD.encode(), values)
        connection.execute(_MULTIPLY.encode(), values)
        connection.execute(_MORE_PLACES.encode(), values)
        connection.execute(f"VACUUM (ANALYZE) {_FILLED}".encode())
        connection.execute("CHECKPOINT")


def _gateways(stub_url: str) -> dict[str, str]:
    return {
        "SMS_GATEWAY": "africastalking",
        "AT_USERNAME": "bench",
        "AT_API_KEY": "bench-key",
        "AT_API_URL": stub_url,
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
        "TWILIO_AUTH_TOKEN": _AUTH_TOKEN,
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": stub_url,
    }


def _service(environ: Mapping[str, str]) -> Iterator[Child]:
    def command(name: str, *arguments: str) -> Child:
        return Child(name, (sys.executable, "-m", "bot", *arguments), {**environ, "PYTHONUNBUFFERED": "1"})

    yield command(WEB, "web")
    for number in range(1, BLAST_WORKERS + 1):
        yield command(f"{BLAST}-{number}", "worker", "--lane", "blast")
    for lane in ("reply", "receipts", "sweep"):
        yield command(lane, "worker", "--lane", lane)
    yield command("clock", "clock")
