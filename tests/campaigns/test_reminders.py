"""Reminders by themselves: a week with a clock that is killed, doubled and late, in three time zones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.campaigns.closing_reminders import end_in, remind_of_closing
from bot.campaigns.composing import Composer
from bot.campaigns.planning import Budget, Planner
from bot.campaigns.reminder_texts import CLOSING, SOON, TOMORROW
from bot.campaigns.reminders import Post, remind_of_appointments
from bot.campaigns.second_notices import send_second_notices
from bot.campaigns.texts import check_text, render
from bot.clock import ManualClock
from bot.config import SendingWindow
from bot.conversation.store import connect
from bot.db.database import Database, DatabaseAway
from bot.messaging.outbox import Lane
from bot.messaging.pacing import Pace
from bot.messaging.sending import Sender
from bot.registration.closing import close_at
from bot.text import segments
from gateway_adapters.base import GatewayRegistry
from gateway_adapters.registry import load_gateways
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
_PLACES = ("campaign", "campaign_text", "attempt", "message", "audit")


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
        planner = Planner(self.database, self.gateways, codes, WINDOW, Budget(None, None, JAKARTA))
        self.sender = Sender(self.database, self.gateways, self.clock, Lane.REMINDER, pace=self.pace, composer=planner)
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


@pytest.fixture
def town(database_url: str, redis_url: str) -> Iterator[Town]:
    with AfricasTalkingStub() as stub:
        environ = {
            "AT_USERNAME": "sandbox",
            "AT_API_KEY": "key-of-tests",
            "AT_API_URL": stub.url,
            "WEBHOOK_SECRET": "s",
        }
        gateways = load_gateways(environ, public_url="https://balas.example", timeout=5.0)
        database = Database(database_url, limit=10)
        made = Town(Office(database, gateways=gateways), gateways, stub, Pace(connect(redis_url)))
        yield made
        made.sender.close()
        database.close()


def local(day: int, hour: int, minute: int = 0, zone: str = "Asia/Jakarta") -> datetime:
    return datetime(2021, 1, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def kind_of(body: str) -> str:
    return "tomorrow" if "besok" in body else "soon"


def test_a_week_of_a_clock_that_is_killed_doubled_and_late(town: Town) -> None:
    chance = Random(20210113)
    for statement in _ACCIDENTS:
        town.database.rows(statement)
    for place in _PLACES:
        town.database.rows(
            f"CREATE TRIGGER accident AFTER INSERT ON {place} FOR EACH STATEMENT EXECUTE FUNCTION have_accident()"
        )
    coming = []
    for _ in range(150):
        day = date(2021, 1, 14) + timedelta(days=chance.randrange(6))
        booked_at = MORNING + timedelta(minutes=chance.randrange(6 * 24 * 60))
        hour = time(chance.choice((0, 1, 7, 8, 9, 10, 11, 13, 15, 18, 21)))
        coming.append((booked_at, chance.choice(list(ZONES)), day, hour))
    coming = [each for each in coming if datetime.combine(each[2], each[3], ZoneInfo(ZONES[each[1]])) > each[0]]
    coming.sort()
    bookings: list[Booked] = []
    killed = 0
    with ThreadPoolExecutor(2) as two:
        while town.clock.moment < MORNING + timedelta(days=7):
            town.clock.moment += timedelta(minutes=chance.choice((7, 7, 7, 12, 25)))
            now = town.clock.moment
            while coming and coming[0][0] <= now:
                booked_at, code, day, hour = coming.pop(0)
                made = town.books(code, day, hour, booked_at)
                bookings.append(made)
                if chance.random() < 0.1:
                    made.opted_out = True
                    town.database.rows("INSERT INTO opt_out VALUES (%s, 'sms', %s)", (made.phone, now))
            if bookings and chance.random() < 0.02:
                ended = chance.choice(bookings)
                if ended.ends_at is None and ended.starts_at > now:
                    ended.ends_at = now
                    town.database.rows(
                        "UPDATE booking SET state = 'cancelled', ended_at = %s WHERE id = %s", (now, ended.id)
                    )
            if chance.random() < 0.3:
                town.database.rows("INSERT INTO accident VALUES (%s)", (chance.choice(_PLACES),))
                try:
                    town.remind()
                except DatabaseAway:
                    killed += 1
                town.database.rows("DELETE FROM accident")
            if chance.random() < 0.3:
                [each.result() for each in [two.submit(town.remind) for _ in range(2)]]
            town.remind()
            town.send()
    assert killed > 5
    told = Counter((number, kind_of(body)) for number, body, _ in town.took)
    assert max(told.values()) == 1
    # What ends between its moment and the clock's next look is told or not: both are right.
    sure = [
        each
        for each in bookings
        if each.ends_at is None
        or min(abs(each.ends_at - m) for m in (each.day_before(), each.starts_at - timedelta(hours=2)))
        > timedelta(minutes=30)
    ]
    unsure = {each.phone for each in bookings} - {each.phone for each in sure}
    wanted = {(each.phone, "tomorrow") for each in sure if each.wants_tomorrow()}
    wanted |= {(each.phone, "soon") for each in sure if each.wants_soon()}
    assert {each for each in told if each[0] not in unsure} == wanted
    assert len({kind for _, kind in wanted}) == 2
    by_phone = {each.phone: each for each in bookings}
    for number, body, moment in town.took:
        booked = by_phone[number]
        here = moment.astimezone(booked.zone)
        assert WINDOW.opens <= here.time() < WINDOW.closes
        if kind_of(body) == "tomorrow":
            assert booked.day_before() <= moment < booked.day_before() + timedelta(hours=11)
        else:
            assert timedelta(minutes=30) < booked.starts_at - moment <= timedelta(hours=2)
    empty = "SELECT count(*) FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.attempt_id = a.id)"
    assert town.database.value(empty) == 0


def test_it_goes_to_the_number_that_booked(town: Town) -> None:
    booked = town.books("3273", date(2021, 1, 15), time(10), MORNING, "+6281399999999")
    town.at(local(14, 9))
    assert [number for number, _, _ in town.took] == [booked.phone]


def test_what_an_admin_cancelled_stays_so(town: Town) -> None:
    town.books("3273", date(2021, 1, 15), time(10), MORNING)
    town.at(local(14, 9))
    town.database.rows("UPDATE campaign SET state = 'cancelled'")
    town.books("3273", date(2021, 1, 15), time(11), MORNING)
    town.at(local(14, 9, 1))
    assert len(town.took) == 1


def test_what_is_too_late_does_not_leave(town: Town) -> None:
    town.books("3273", date(2021, 1, 14), time(12), MORNING)
    town.clock.moment = local(14, 10, 5)
    assert town.remind() == 1
    town.clock.moment = local(14, 11, 31)
    town.send()
    assert town.database.rows("SELECT state, reason FROM message WHERE kind = 'reminder'") == [
        ("suppressed", "too late")
    ]


class TestClosing:
    END = local(14, 0)

    def remind(self, town: Town, moment: datetime, end: datetime | None = None) -> int:
        town.clock.moment = moment
        close_at(town.database, end or self.END, now=moment, actor="cli:budi")
        return remind_of_closing(town.database, POST, end_in(town.database, "Asia/Jakarta"), moment)

    def test_goes_once_to_the_half_way(self, town: Town) -> None:
        started, _ = town.office.workers(2)
        town.database.rows("UPDATE worker SET started_at = %s WHERE id = %s", (MORNING, started))
        assert self.remind(town, local(12, 5, 59)) == 0
        assert self.remind(town, local(12, 6)) == 1  # 08.00 in the east
        assert self.remind(town, local(12, 6, 1)) == 0
        town.send()
        assert town.took == []  # where they live it is still early
        town.clock.moment = local(12, 8)
        town.send()
        assert len(town.took) == 1
        assert "Rab 13 Jan 24.00 WIB" in town.took[0][1]
        assert self.remind(town, local(13, 8)) == 1
        assert self.remind(town, local(13, 8), self.END + timedelta(hours=5)) == 1
        assert [name for (name,) in town.database.rows("SELECT name FROM campaign ORDER BY id")] == [
            "reminder closing 24h 2021-01-14T00:00+07:00",
            "reminder closing 3h 2021-01-14T00:00+07:00",
            "reminder closing 3h 2021-01-14T05:00+07:00",
        ]

    def test_without_anybody_it_is_over_at_once(self, town: Town) -> None:
        assert self.remind(town, local(13, 9)) == 0
        assert town.database.rows("SELECT state FROM campaign") == [("finished",)]


class TestSecondNotices:
    def notices(self, town: Town) -> int:
        return send_second_notices(town.database, POST, JAKARTA, town.clock.now())

    def test_go_once_to_a_corrected_number(self, town: Town) -> None:
        worker, _ = town.office.workers(2)
        town.office.running()
        town.office.messages_go("rejected", "no such number", attempt=town.office.attempt_goes("settled"))
        assert self.notices(town) == 0
        town.database.rows("UPDATE worker SET phone = '+6281399999999' WHERE id = %s", (worker,))
        assert self.notices(town) == 1
        town.clock.moment += timedelta(days=1)
        assert self.notices(town) == 0
        town.send()
        assert [number for number, _, _ in town.took] == ["+6281399999999"]
        town.database.rows("UPDATE worker SET phone = '+6281388888888' WHERE id = %s", (worker,))
        town.clock.moment += timedelta(days=1)
        assert self.notices(town) == 0  # the blast's deadline is over

    def test_do_not_go_to_the_registered(self, town: Town) -> None:
        booked = town.books("3273", date(2021, 1, 20), time(8), MORNING)
        town.office.running(audience={"states": ["booked"]})
        town.office.messages_go("rejected", "x", attempt=town.office.attempt_goes("settled"))
        town.database.rows("UPDATE worker SET phone = '+6281399999999' WHERE phone = %s", (booked.phone,))
        assert self.notices(town) == 0


@pytest.mark.parametrize("texts", [TOMORROW, SOON, CLOSING])
def test_each_text_is_one_sms(texts: dict[str, str]) -> None:
    values = {"time": "Kam 14 Jan 08.00-10.00 WITA", "place": "Puskesmas Kecamatan Menteng", "ticket": "ABC234"}
    values |= {"closes": "Rab 13 Jan 24.00 WIB", "ussd_code": "*119#", "short_code": "1199"}
    for body in texts.values():
        assert segments(render(check_text(body), values)).count == 1
