"""What a campaign would do: to whom, in which words, at what cost, until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from bot.campaigns.composing import Composer
from bot.campaigns.preview import Preview, Price, preview
from bot.campaigns.record import find
from bot.campaigns.timing import expected
from bot.config import SendingWindow
from bot.db.database import Database
from tests.campaigns.office import Office
from tests.campaigns.test_materialise import book

WINDOW = SendingWindow(time(8), time(20))
HELLO = {"id": "Yth. {name}, daftar: {ussd_code}"}


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=None)
    yield Office(database)
    database.close()


def look(office: Office, price: str | None = None) -> Preview:
    return preview(
        office.database,
        find(office.database, "blast"),
        Composer("*119#", "1199"),
        office.now,
        window=WINDOW,
        price=Price(None if price is None else Decimal(price), "IDR"),
    )


def test_recipients_by_district_and_state(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    office.workers(3)
    _, started = office.workers(2, district="7371")
    office.database.rows("UPDATE worker SET started_at = %s WHERE id = %s", (office.now, started))
    office.create(audience={"districts": ["3273", "7371"]})
    found = look(office)
    assert (found.recipients, found.messages, found.shared) == (5, 5, 0)
    assert found.districts == [("3273", "Kota Bandung", 3), ("7371", "Kota Makassar", 2)]
    assert found.states == {"not_invited": 4, "started": 1}
    assert found.audience == "in district 3273 or 7371"


def test_a_shared_number_gets_the_same_words_once(office: Office) -> None:
    for _ in range(3):
        office.world.worker(None, phone="+6281200009999")
    office.workers(1)
    office.create("blast")
    office.create("personal", texts=HELLO)
    assert (look(office).shared, look(office).messages, look(office).segments) == (3, 2, 2)


def test_parts_and_cost(office: Office) -> None:
    office.workers(2, name="Siti")
    office.workers(1, name="Maria Goretti Wulandari")
    office.create(texts={"id": "{name} " + "x" * 150})
    found = look(office, "350.5")
    assert (found.least_segments, found.most_segments, found.segments, found.estimated) == (1, 2, 4, True)
    assert found.cost == Decimal("1402.0")
    assert look(office).cost is None


def test_samples_begin_with_the_longest_and_mask_names_that_are_not_proven(office: Office) -> None:
    office.workers(6, name="Siti Aminah")
    [proven] = office.workers(1, name="Maria Goretti Wulandari")
    office.create(texts=HELLO)
    assert [sample.text for sample in look(office).samples] == [
        "Yth. M*** G*** W***, daftar: *119#",
        *["Yth. S*** A***, daftar: *119#"] * 4,
    ]
    office.database.rows("UPDATE worker SET verified_at = %s WHERE id = %s", (office.now, proven))
    samples = look(office).samples
    assert (samples[0].text, samples[0].longest) == ("Yth. Maria Goretti Wulandari, daftar: *119#", True)
    assert [sample.longest for sample in samples[1:]] == [False] * 4


def test_texts_about_a_booking(office: Office) -> None:
    booked, _ = office.workers(2)
    book(office, booked, "ABC234")
    office.create(texts={"id": "Tiket {ticket}: {place}, {time}"})
    found = look(office)
    assert (found.recipients, found.segments) == (1, 1)
    assert found.samples[0].text == "Tiket ABC234: Puskesmas Melati, Kam 14 Jan 08.00-10.00 WIB"


def test_nobody(office: Office) -> None:
    office.create()
    found = look(office, "350")
    assert (found.recipients, found.segments, len(found.samples), found.cost) == (0, 0, 0, Decimal(0))
    assert (found.starts_at, found.ends_at) == (None, None)


def test_each_zone_in_its_own_hours() -> None:
    # 19.00 WIB is 20.00 WITA: Makassar waits for the morning. 3,600 leave before Jakarta closes.
    evening = datetime(2021, 1, 13, 12, 0, tzinfo=UTC)
    jakarta, makassar = expected({"Asia/Jakarta": 5400, "Asia/Makassar": 600}, evening, 1.0, WINDOW)
    assert (jakarta.starts_at, makassar.starts_at) == (evening, datetime(2021, 1, 14, 0, 0, tzinfo=UTC))
    assert makassar.ends_at == datetime(2021, 1, 14, 0, 10, tzinfo=UTC)
    assert jakarta.ends_at == datetime(2021, 1, 14, 1, 30, tzinfo=UTC)


def test_at_any_hour_and_without_a_rate() -> None:
    night = datetime(2021, 1, 13, 18, 0, tzinfo=UTC)
    [at_night] = expected({"Asia/Jakarta": 60}, night, 1.0, None)
    assert (at_night.starts_at, at_night.ends_at) == (night, datetime(2021, 1, 13, 18, 1, tzinfo=UTC))
    [unknown] = expected({"Asia/Jakarta": 60}, night, None, WINDOW)
    assert (unknown.starts_at, unknown.ends_at) == (datetime(2021, 1, 14, 1, 0, tzinfo=UTC), None)
    [never] = expected({"Asia/Jakarta": 500_000}, night, 0.0001, WINDOW)
    assert never.ends_at is None
