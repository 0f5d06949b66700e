"""What books in the bench ``bookings``: a process with one connection, as a web process has it; and the same for the floor.

It says that it is ready, begins when its standard input ends, and then writes what became of everybody as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import psycopg

from bench.memory import peak_mib
from bot import config
from bot.away import Away
from bot.conversation.driver import Caller
from bot.registration import acts
from bot.registration.desk import Desk
from bot.services import Services
from gateway_adapters.base import Channel

READY = "ready"
#: The floor's two tables: places that are counted, and a row for each that was taken.
FLOOR_TABLES = (
    "CREATE TABLE floor_counter (id bigint PRIMARY KEY, taken int NOT NULL DEFAULT 0, capacity int NOT NULL) "
    "WITH (fillfactor = 70);"
    "CREATE TABLE floor_place (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, counter_id bigint NOT NULL, "
    "worker_id bigint NOT NULL, at timestamptz NOT NULL)"
)
_FLOOR = (
    b"WITH one AS (UPDATE floor_counter SET taken = taken + 1 WHERE id = %s AND taken < capacity RETURNING id) "
    b"INSERT INTO floor_place (counter_id, worker_id, at) SELECT id, %s, %s FROM one RETURNING id"
)
#: How often somebody asks at most, as who is told to dial again does.
_TRIES = 5
#: A ticket's SMS, about as long as it is in Indonesian.
_SMS = (
    "Anda terdaftar: Puskesmas Karangrejo, Kam 14 Jan, 08.00-12.00 WIB. Tiket {code}. Bawa KTP. Ubah atau batal: *119#."
)


@dataclass(frozen=True, slots=True)
class ClerkScript:
    """Whom a clerk serves, one after the other: (worker's id, phone, counter of the floor). ``floor``: by the floor."""

    people: tuple[tuple[int, str, int], ...]
    floor: bool = False


@dataclass(slots=True)
class ClerkAccount:
    """What became of them. ``began`` and ``ended`` by the machine's monotonic clock; ``took_us`` of each that was booked,
    from being asked for a place to the ticket; ``told``: (worker's id, ticket); ``refused``: who was told that there is no
    place; ``lost``: places that were gone when they were to be taken; ``away``: how often PostgreSQL did not answer in the
    time that a hop has, and somebody asked again; ``errors``: what else was said, by its name."""

    began: float = 0.0
    ended: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    took_us: list[int] = field(default_factory=list)
    told: list[tuple[int, str]] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    lost: int = 0
    away: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def note(self, outcome: object) -> None:
        """Something that nobody should be told here."""
        name = type(outcome).__name__
        self.errors[name] = self.errors.get(name, 0) + 1


class _Booking:
    """Offers and takes places as a registration by USSD does."""

    def __init__(self, services: Services) -> None:
        # A connection is there, as in a process that has served somebody before.
        services.database.rows("SELECT 1")
        self._perform = Desk(services.database, services.vault, services.terms, services.waker.wake).perform

    def serve(self, account: ClerkAccount, worker: int, phone: str, _counter: int) -> None:
        for _try in range(_TRIES):
            try:
                self._register(account, worker, phone)
            except Away:
                account.away += 1
            else:
                return
        account.note(Away())

    def _register(self, account: ClerkAccount, worker: int, phone: str) -> None:
        now = datetime.now(UTC)
        caller = Caller(phone, Channel.USSD, now, f"bench:{worker}", now)
        outcome = self._perform(acts.OfferSlot(worker, fit=True), caller)
        while isinstance(outcome, acts.Offered | acts.SlotLost):
            account.lost += isinstance(outcome, acts.SlotLost)
            outcome = self._perform(acts.TakeSlot(worker, outcome.slot.booking_id, "id", _SMS), caller)
        if isinstance(outcome, acts.AlreadyBooked):
            # Booked by a try whose answer did not come in time.
            outcome = acts.Ticketed(outcome.slot, by_sms=False)
        if isinstance(outcome, acts.Ticketed) and outcome.slot.ticket:
            account.told.append((worker, outcome.slot.ticket))
        elif isinstance(outcome, acts.NoPlace):
            account.refused.append(worker)
        else:
            account.note(outcome)


class _FloorBooking:
    """Takes a place by one prepared statement."""

    def __init__(self, database_url: str) -> None:
        connection = psycopg.connect(database_url, autocommit=True, prepare_threshold=0)
        self._cursor = connection.cursor()

    def serve(self, account: ClerkAccount, worker: int, _phone: str, counter: int) -> None:
        found = self._cursor.execute(_FLOOR, (counter, worker, datetime.now(UTC))).fetchone()
        if found is None:
            account.refused.append(worker)
        else:
            account.told.append((worker, str(found[0])))


def _serve_all(script: ClerkScript, serve: Callable[[ClerkAccount, int, str, int], None]) -> ClerkAccount:
    account = ClerkAccount(began=time.monotonic())
    cpu = time.process_time()
    for worker, phone, counter in script.people:
        before, booked = time.perf_counter(), len(account.told)
        serve(account, worker, phone, counter)
        if len(account.told) > booked:
            account.took_us.append(round((time.perf_counter() - before) * 1e6))
    account.ended, account.cpu_seconds = time.monotonic(), time.process_time() - cpu
    account.peak_mib = peak_mib([os.getpid()])
    return account


def main() -> None:
    """Serve whom the first line of stdin names, when stdin ends."""
    told = json.loads(sys.stdin.readline())
    script = ClerkScript(tuple(tuple(one) for one in told["people"]), told["floor"])
    settings = config.load(os.environ)
    services = Services(settings)
    serve = _FloorBooking(settings.database_url).serve if script.floor else _Booking(services).serve
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    sys.stdin.read()
    account = _serve_all(script, serve)
    services.close()
    sys.stdout.write(json.dumps(asdict(account)))


if __name__ == "__main__":
    main()
