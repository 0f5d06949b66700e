"""What a campaign's messages say when they leave, and which of them do not leave after all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.campaigns.composing import Composed, Composer, closing_text
from bot.db.database import Database
from bot.messaging import leases
from bot.messaging.leases import Lease
from bot.messaging.outbox import Lane
from bot.registration.closing import close_at
from tests.campaigns.office import HELLO, Office

#: The end of 15 January in Jakarta.
MIDNIGHT = datetime(2021, 1, 15, 17, 0, tzinfo=UTC)
BOOKED = {"id": "{ticket}: {place}, {time}", "en": "{ticket} at {place}, {time}"}


class Desk(Office):
    """An office whose messages leave."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.composer = Composer("*384*119#", "1199")

    def lease(self) -> Lease:
        lease = leases.claim_campaigns(self.database, Lane.BLAST, self.now)
        assert lease is not None
        return lease

    def compose(self, lease: Lease | None = None) -> Composed:
        return self.composer.compose(self.database, lease or self.lease(), self.now)

    def says(self, texts: Mapping[str, str], **features: Any) -> list[str]:
        """The bodies of the first attempt of a new campaign."""
        self.running(texts=texts, **features)
        return [letter.body for letter in self.compose().letters]

    def book(self, worker: int, ticket: str = "AB12CD", state: str = "booked", district: str = "3273") -> int:
        session = self.world.session(self.world.facility(district=district))
        booking: int = self.database.value(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
            "VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            (worker, session, state, ticket, self.now, self.now),
        )
        return booking

    def change(self, worker: int, **columns: object) -> None:
        for column, value in columns.items():
            self.database.rows(f"UPDATE worker SET {column} = %s WHERE id = %s", (value, worker))

    def register(self, table: str, worker: int) -> None:
        """Put a worker's number into ``opt_out`` or ``wrong_number``."""
        other, why = ("source", "") if table == "opt_out" else ("gateway, reason", "'test', ")
        self.database.rows(
            f"INSERT INTO {table} (phone, {other}, since) SELECT phone, {why}'test', %s FROM worker WHERE id = %s",
            (self.now, worker),
        )


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    database = Database(database_url, limit=None)
    yield Desk(database)
    database.close()


# --- who is left out ----------------------------------------------------------------------------------------------------


def reasons(composed: Composed) -> dict[str, int]:
    return {reason: len(messages) for reason, messages in composed.left_out.items()}


def test_reasons_to_leave_out_in_their_order(desk: Desk) -> None:
    [worker] = desk.workers(1)
    desk.book(worker)
    desk.running(texts=BOOKED, audience={"districts": ["3273"]})
    lease = desk.lease()
    assert len(desk.compose(lease).letters) == 1
    # From the last reason to the first: each goes before those that hold already.
    desk.world.district("7371", "Kota Makassar", "Asia/Makassar")
    desk.change(worker, domicile_code="7371")
    assert reasons(desk.compose(lease)) == {"out of the audience": 1}
    desk.database.rows("UPDATE booking SET state = 'cancelled'")
    assert reasons(desk.compose(lease)) == {"the booking is over": 1}
    desk.passes(minutes=1)
    desk.book(worker, "NEW123")
    assert reasons(desk.compose(lease)) == {"booked meanwhile": 1}
    phone = desk.database.value("SELECT phone FROM worker WHERE id = %s", (worker,))
    desk.change(worker, phone="+6281999999999")
    assert reasons(desk.compose(lease)) == {"the number has changed": 1}
    desk.change(worker, phone=phone)
    desk.register("wrong_number", worker)
    desk.change(worker, phone=None)
    assert reasons(desk.compose(lease)) == {"wrong number": 1}
    desk.change(worker, phone=phone)
    desk.register("opt_out", worker)
    assert reasons(desk.compose(lease)) == {"opted out": 1}
    assert desk.compose(lease).letters == []


def test_those_left_out_stand_beside_those_who_get_theirs(desk: Desk) -> None:
    one, two, three = desk.workers(3)
    desk.running()
    desk.register("opt_out", two)
    messages = dict(desk.database.rows("SELECT worker_id, id FROM message"))
    composed = desk.compose()
    assert [letter.id for letter in composed.letters] == [messages[one], messages[three]]
    assert composed.left_out == {"opted out": [messages[two]]}


def test_who_had_booked_before_is_written_to(desk: Desk) -> None:
    [worker] = desk.workers(1)
    desk.book(worker)
    assert desk.says({"id": HELLO}) == [HELLO]


def test_who_books_stays_in_a_campaign_for_the_booked(desk: Desk) -> None:
    [worker] = desk.workers(1)
    desk.book(worker)
    desk.running(audience={"states": ["booked"]})
    desk.database.rows("UPDATE booking SET booked_at = %s", (desk.now + timedelta(seconds=1),))
    assert reasons(desk.compose()) == {}


def test_a_booking_that_is_gone_is_over(desk: Desk) -> None:
    [worker] = desk.workers(1)
    desk.book(worker)
    desk.running(texts=BOOKED)
    desk.database.rows("DELETE FROM booking")
    assert reasons(desk.compose()) == {"the booking is over": 1}


def test_who_was_on_a_list_is_not_looked_for_again(desk: Desk) -> None:
    one, _ = (desk.world.worker(None) for _ in range(2))
    assert desk.says({"id": HELLO}, audience={"phones": [one.phone]}) == [HELLO]


# --- what is said -------------------------------------------------------------------------------------------------------


def test_each_language_has_its_attempt_and_text(desk: Desk) -> None:
    workers = desk.workers(3)
    for worker, language in zip(workers, ("id", "en", "jv"), strict=True):
        desk.change(worker, language=language)
    desk.running(texts={"id": "Halo {closes}", "en": "Hello {closes}"})
    close_at(desk.database, MIDNIGHT, now=desk.now, actor="cli:budi")
    said = {}
    for _ in range(2):
        lease = desk.lease()
        said[lease.language] = [letter.body for letter in desk.compose(lease).letters]
    assert said == {
        "en": ["Hello Fri 15 Jan 24:00 WIB"],
        "id": ["Halo Jum 15 Jan 24.00 WIB"] * 2,  # Javanese it has none in
    }


def test_a_language_without_a_text_gets_the_indonesian_one_wholly(desk: Desk) -> None:
    desk.workers(1)
    desk.running(texts={"id": "Sampai {closes}"})
    desk.database.rows("UPDATE message SET language = 'en'")
    close_at(desk.database, MIDNIGHT, now=desk.now, actor="cli:budi")
    assert [letter.body for letter in desk.compose().letters] == ["Sampai Jum 15 Jan 24.00 WIB"]


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("name", "Siti Wulandari"),
        ("district", "Kota Bandung"),
        ("ussd_code", "*384*119#"),
        ("short_code", "1199"),
        ("closes", "-"),
        ("ticket", "AB12CD"),
        ("place", "Puskesmas Melati"),
        ("time", "Kam 14 Jan 08.00-10.00 WITA"),
    ],
)
def test_what_stands_for_a_placeholder(desk: Desk, placeholder: str, value: str) -> None:
    # The hours of a place are those of its own district, wherever the worker lives.
    desk.world.district("7371", "Kota Makassar", "Asia/Makassar")
    [worker] = desk.workers(1)
    desk.book(worker, district="7371")
    assert desk.says({"id": f"[{{{placeholder}}}]"}) == [f"[{value}]"]


def test_everybody_gets_their_own_name(desk: Desk) -> None:
    desk.world.worker(None, name="Ani")
    desk.world.worker(None, name="Budi")
    assert desk.says({"id": "Yth. {name}"}) == ["Yth. Ani", "Yth. Budi"]


def test_english_hours(desk: Desk) -> None:
    [worker] = desk.workers(1)
    desk.change(worker, language="en")
    desk.book(worker)
    assert desk.says(BOOKED) == ["AB12CD at Puskesmas Melati, Thu 14 Jan 08:00-10:00 WIB"]


@pytest.mark.parametrize(
    ("moment", "zone", "language", "said"),
    [
        (MIDNIGHT, "Asia/Jakarta", "id", "Jum 15 Jan 24.00 WIB"),
        (MIDNIGHT, "Asia/Jakarta", "en", "Fri 15 Jan 24:00 WIB"),
        (MIDNIGHT, "Asia/Jayapura", "id", "Sab 16 Jan 02.00 WIT"),
        (MIDNIGHT - timedelta(minutes=1), "Asia/Jakarta", "id", "Jum 15 Jan 23.59 WIB"),
        (MIDNIGHT + timedelta(minutes=1), "Asia/Jakarta", "id", "Sab 16 Jan 00.01 WIB"),
        (None, "Asia/Jakarta", "id", "-"),
    ],
)
def test_midnight_is_the_end_of_the_day_before(moment: datetime | None, zone: str, language: str, said: str) -> None:
    assert closing_text(moment, language, ZoneInfo(zone)) == said


def test_a_moved_end_is_known_soon(desk: Desk) -> None:
    desk.workers(1)
    desk.running(texts={"id": "{closes}"})
    lease = desk.lease()
    assert desk.compose(lease).letters[0].body == "-"
    close_at(desk.database, MIDNIGHT, now=desk.now, actor="cli:budi")
    desk.passes(seconds=5)
    assert desk.compose(lease).letters[0].body == "Jum 15 Jan 24.00 WIB"


def test_a_thousand_equal_letters_share_one_body(desk: Desk) -> None:
    desk.workers(1000)
    desk.running(texts={"id": "Tekan {ussd_code} di {district}"})
    letters = desk.compose().letters
    assert len(letters) == 1000
    assert len({id(letter.body) for letter in letters}) == 1


def test_an_attempt_of_no_campaign_is_not_composed(desk: Desk) -> None:
    lease = Lease(1, "reply", "africastalking", None, None, None, 1, 1, None)
    with pytest.raises(ValueError, match="no campaign"):
        desk.compose(lease)
