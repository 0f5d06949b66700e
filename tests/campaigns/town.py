"""A town with appointments, the clock that reminds of them, and the gateway's own record of whom it reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.campaigns.composing import Composer
from bot.campaigns.planning import Budget, Planner
from bot.campaigns.reminders import Post, remind_of_appointments
from bot.clock import ManualClock
from bot.config import SendingWindow
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace
from bot.messaging.sending import Sender
from gateway_adapters.base import GatewayRegistry
from tests.campaigns.office import Office
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub
from tests.world import MORNING

JAKARTA = ZoneInfo("Asia/Jakarta")
ZONES = {"3273": "Asia/Jakarta", "7371": "Asia/Makassar", "9471": "Asia/Jayapura"}
WINDOW = SendingWindow(time(8), time(20))
POST = Post("africastalking", 3, WINDOW)

# A clock that is killed between two statements: its connection ends within the transaction.
_ACCIDENTS = (
    "CREATE TABLE accident (place text)",
    """CREATE FUNCTION have_accident() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM accident WHERE place = TG_TABLE_NAME) THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
        END IF;
        RETURN NULL;
    END $$""",
)
PLACES = ("campaign", "campaign_text", "attempt", "message", "audit")


@dataclass
class Booked:
    """A booking of the simulated week."""

    id: int
    phone: str
    starts_at: datetime
    booked_at: datetime
    zone: ZoneInfo
    ends_at: datetime | None = None
    opted_out: bool = False

    def day_before(self) -> datetime:
        morning = datetime.combine(self.starts_at.astimezone(self.zone).date(), time(9), self.zone)
        return morning - timedelta(days=1)

    def standing(self, moment: datetime) -> bool:
        return not self.opted_out and (self.ends_at is None or self.ends_at > moment)

    def wants_tomorrow(self) -> bool:
        return self.booked_at < self.day_before() and self.standing(self.day_before())

    def wants_soon(self) -> bool:
        moment = self.starts_at - timedelta(hours=2)
        here = moment.astimezone(self.zone).time()
        return WINDOW.opens <= here < WINDOW.closes and self.booked_at < moment and self.standing(moment)


@dataclass
class Town:
    """Bookings, the clock's jobs, and what the gateway has taken, by the moment at which it did."""

    office: Office
    gateways: GatewayRegistry
    stub: AfricasTalkingStub
    pace: Pace
    clock: ManualClock = field(default_factory=lambda: ManualClock(MORNING))
    took: list[tuple[str, str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = self.office.database
        codes = Composer("*119#", "1199")
        self.planner = Planner(self.database, self.gateways, codes, WINDOW, Budget(None, None, JAKARTA))
        self.sender = Sender(
            self.database, self.gateways, self.clock, Lane.REMINDER, pace=self.pace, composer=self.planner
        )
        self.facilities = {}
        for code, name in ZONES.items():
            self.office.world.district(code, f"Kota {code}", name)
            self.facilities[code] = self.office.world.facility(district=code)
        self._tickets = 0

    def books(self, code: str, day: date, hour: time, booked_at: datetime, phone: str | None = None) -> Booked:
        here = ZoneInfo(ZONES[code])
        worker = self.office.world.worker(self.facilities[code], district=code)
        row = self.database.row(
            "SELECT id FROM vaccination_session WHERE facility_id = %s AND local_date = %s AND start_time = %s",
            (self.facilities[code], day, hour),
        )
        session = (
            row[0]
            if row is not None
            else self.office.world.session(
                self.facilities[code],
                day=day,
                start=hour,
                end=time(23, 59),
                zone=here.key,
                capacity=1000,
            )
        )
        self._tickets += 1
        made: int = self.database.value(
            "INSERT INTO booking (worker_id, session_id, state, ticket, phone, created_at, booked_at) "
            "VALUES (%s, %s, 'booked', %s, %s, %s, %s) RETURNING id",
            (worker.id, session, f"T{self._tickets:05d}", phone, booked_at, booked_at),
        )
        return Booked(
            made, phone or worker.phone or "", datetime.combine(day, hour, here).astimezone(UTC), booked_at, here
        )

    def remind(self) -> int:
        return remind_of_appointments(self.database, POST, self.clock.now())

    def may_have_accidents(self) -> None:
        """Prepare the tables for ``accident_at``."""
        for statement in _ACCIDENTS:
            self.database.rows(statement)
        for place in PLACES:
            self.database.rows(
                f"CREATE TRIGGER accident AFTER INSERT ON {place} FOR EACH STATEMENT EXECUTE FUNCTION have_accident()"
            )

    @contextmanager
    def accident_at(self, place: str) -> Iterator[None]:
        """Meanwhile, whoever writes to that table is killed in the middle of their transaction."""
        self.database.rows("INSERT INTO accident VALUES (%s)", (place,))
        yield
        self.database.rows("DELETE FROM accident")

    def send(self) -> None:
        waiting = self.database.value(
            "SELECT 1 FROM attempt WHERE lane = 'reminder' AND state = 'queued' AND due_at <= %s LIMIT 1",
            (self.clock.now(),),
        )
        if waiting is not None:
            self.sender.run(lambda: True)
            taken = [each for received in self.stub.received for each in received.taken]
            self.took += [(each.number, each.body, self.clock.now()) for each in taken[len(self.took) :]]

    def at(self, moment: datetime) -> None:
        self.clock.moment = moment
        self.remind()
        self.send()


def local(day: int, hour: int, minute: int = 0, zone: str = "Asia/Jakarta") -> datetime:
    return datetime(2021, 1, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)
