"""From approved to running: who is on record as a recipient, in which attempt, and never twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from bot.campaigns import campaigns, materialise
from bot.campaigns.campaigns import CampaignError
from bot.db.database import Database
from tests.campaigns.office import MAKER, Office

BOOKED = {"id": "Tiket Anda {ticket}: {place}, {time}"}


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=None)
    yield Office(database)
    database.close()


def book(office: Office, worker: int, ticket: str, day: date = date(2021, 1, 14), dose: int = 1) -> int:
    facility = office.world.facility()
    session = office.world.session(facility, day=day)
    booking: int = office.database.value(
        "INSERT INTO booking (worker_id, dose, session_id, state, ticket, created_at) "
        "VALUES (%s, %s, %s, 'booked', %s, %s) RETURNING id",
        (worker, dose, session, ticket, office.now),
    )
    return booking


def test_everybody_once_in_attempts_of_a_size(office: Office) -> None:
    workers = office.workers(5)
    started = office.running(batch_size=2)
    assert (started.state, started.recipients, started.materialised_at) == ("running", 5, office.now)
    assert office.attempts("size, state, part, number, lane, gateway, language, time_zone, campaign_id") == [
        (size, "queued", part, 1, "blast", "africastalking", "id", "Asia/Jakarta", started.id)
        for part, size in enumerate((2, 2, 1))
    ]
    written = office.messages("worker_id, campaign_id, state, reason, lane, kind, gateway, language, natural_key, body")
    assert written == [
        (worker, started.id, "queued", None, "blast", "blast", "africastalking", "id", None, None) for worker in workers
    ]
    carried = office.database.rows("SELECT count(*) FROM message GROUP BY attempt_id ORDER BY attempt_id")
    assert carried == [(2,), (2,), (1,)]
    assert office.audited()[-1] == "campaign.start"


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("Halo", [0, 1, 2, 3]),  # as they stand in their table
        ("Hubungi {ussd_code}", [0, 1, 2, 3]),
        ("Halo {district}", [0, 2, 1, 3]),  # each district's together: what says the same is one request
        ("Sampai {closes}", [0, 2, 1, 3]),
        ("Halo {name}", [0, 2, 1, 3]),
    ],
)
def test_people_of_a_district_stand_together_where_the_text_tells_of_it(
    office: Office, text: str, order: list[int]
) -> None:
    office.world.district("3271", "Kota Bogor", "Asia/Jakarta")
    office.world.district("3299", "Kota Baru", "Asia/Jakarta")
    workers = [office.workers(1, district=code)[0] for code in ("3271", "3299", "3271", "3299")]
    office.running(texts={"id": text}, batch_size=2)
    written = office.database.rows("SELECT worker_id FROM message ORDER BY attempt_id, id")
    assert [workers.index(worker) for (worker,) in written] == order


def test_an_attempt_is_of_one_language_and_time_zone(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    office.workers(2)
    office.workers(1, district="7371")
    english, javanese = office.workers(2)
    office.database.rows("UPDATE worker SET language = 'en' WHERE id = %s", (english,))
    office.database.rows("UPDATE worker SET language = 'jv' WHERE id = %s", (javanese,))
    office.running(texts={"id": "Halo", "en": "Hello"})
    assert sorted(office.attempts("language, time_zone, size")) == [
        ("en", "Asia/Jakarta", 1),
        ("id", "Asia/Jakarta", 3),  # whose language it has no text in gets this one
        ("id", "Asia/Makassar", 1),
    ]


def test_who_moved_counts_where_they_live(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    [moved] = office.workers(1)
    office.database.rows("UPDATE worker SET domicile_code = '7371' WHERE id = %s", (moved,))
    office.running()
    assert office.attempts("time_zone") == [("Asia/Makassar",)]


def test_those_who_may_not_be_sent_to_are_left_out(office: Office) -> None:
    [_, opted_out, wrong] = (office.world.worker(None) for _ in range(3))
    office.workers(1, phone=None)
    office.database.rows("INSERT INTO opt_out VALUES (%s, 'sms', %s)", (opted_out.phone, office.now))
    office.database.rows("INSERT INTO wrong_number VALUES (%s, 'twilio', 'no mobile', %s)", (wrong.phone, office.now))
    assert office.running().recipients == 1


class TestOneNumberOfSeveral:
    def test_gets_what_says_the_same_to_all_once(self, office: Office) -> None:
        first, second, third = office.workers(3, phone="+6281200000001")
        [alone] = office.workers(1)
        assert office.running(batch_size=3).recipients == 4
        assert office.messages("worker_id, state, reason") == [
            (first, "queued", None),
            (second, "suppressed", "same number"),
            (third, "suppressed", "same number"),
            (alone, "queued", None),
        ]
        assert office.attempts() == [(2, "queued"), (0, "settled")]

    def test_gets_what_names_them_for_each(self, office: Office) -> None:
        office.workers(2, phone="+6281200000001")
        office.running(texts={"id": "Halo {name}"})
        assert [state for state, _ in office.messages()] == ["queued", "queued"]

    def test_an_attempt_without_anybody_to_send_to_holds_nothing_up(self, office: Office) -> None:
        _, second = office.workers(2, phone="+6281200000001")
        office.database.rows("UPDATE worker SET language = 'en' WHERE id = %s", (second,))
        office.running(texts={"id": "Halo", "en": "Hello"})
        assert sorted(office.attempts("size, state, language")) == [(0, "settled", "en"), (1, "queued", "id")]
        office.attempt_goes("settled", [row[0] for row in office.attempts("language")].index("id"))
        assert campaigns.finish_done(office.database, office.now) == ["blast"]


class TestBookings:
    def test_a_text_about_a_booking_goes_to_who_has_one(self, office: Office) -> None:
        with_one, _ = office.workers(2)
        booking = book(office, with_one, "ABC123")
        assert office.running(texts=BOOKED).recipients == 1
        assert office.messages("worker_id, booking_id") == [(with_one, booking)]

    def test_of_two_doses_the_next_to_come(self, office: Office) -> None:
        [worker] = office.workers(1)
        book(office, worker, "ABC123", date(2021, 1, 2))
        second = book(office, worker, "ABC124", date(2021, 1, 16), dose=2)
        book(office, worker, "ABC125", date(2021, 2, 16), dose=3)
        assert office.running(texts=BOOKED).recipients == 1
        assert office.messages("booking_id") == [(second,)]

    def test_an_audience_of_the_booked_carries_their_bookings(self, office: Office) -> None:
        worker, _ = office.workers(2)
        booking = book(office, worker, "ABC123")
        office.running(audience={"states": ["booked"]})
        assert (worker, booking) in office.messages("worker_id, booking_id")

    def test_any_other_does_not(self, office: Office) -> None:
        [worker] = office.workers(1)
        book(office, worker, "ABC123")
        office.running()
        assert office.messages("booking_id") == [(None,)]


def test_when_it_is_due_and_until_when(office: Office) -> None:
    office.workers(1)
    started = office.running()
    assert office.attempts("due_at, deadline_at") == [(office.now, office.now + timedelta(hours=48))]
    assert started.deadline_at == office.now + timedelta(hours=48)
    own = datetime(2021, 1, 14, tzinfo=UTC)
    assert office.running("own deadline", deadline_at=own).deadline_at == own


def test_after_its_deadline_nothing_starts(office: Office) -> None:
    office.workers(1)
    office.create(deadline_at=office.now + timedelta(hours=1))
    office.approve_own()
    office.passes(hours=2)
    with pytest.raises(CampaignError, match=r"deadline .* is over"):
        office.start()
    assert office.state() == "approved"


def test_nobody_to_send_to_is_told(office: Office) -> None:
    office.create()
    office.approve_own()
    with pytest.raises(CampaignError, match="Nobody is in the audience"):
        office.start()
    assert (office.state(), office.attempts()) == ("approved", [])


def test_of_two_that_start_it_at_once_one_does(office: Office) -> None:
    office.workers(50)
    office.create()
    office.approve_own()
    ends: list[str] = []

    def start() -> None:
        try:
            office.start()
        except CampaignError as error:
            ends.append(str(error))
        else:
            ends.append("started")

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["The campaign 'blast' is running; it has been started before."] * 3 + ["started"]
    assert len(office.messages()) == 50


def test_killed_on_the_way_it_is_as_if_it_had_not_begun(office: Office, database_url: str) -> None:
    office.workers(5)
    office.create()
    office.approve_own()
    with psycopg.connect(database_url) as other, psycopg.connect(database_url, autocommit=True) as watching:
        # It gets as far as its last statements, and waits there for the audit log.
        other.execute("LOCK TABLE audit")
        ended: list[type[Exception]] = []

        def start() -> None:
            try:
                office.start()
            except Exception as error:  # noqa: BLE001 - which one it is, is asserted
                ended.append(type(error))

        thread = threading.Thread(target=start)
        thread.start()
        killed = None
        while killed is None:
            killed = watching.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO audit%' AND datname = current_database()"
            ).fetchone()
        thread.join()
        other.rollback()
    assert len(ended) == 1
    assert (office.state(), office.attempts(), office.messages()) == ("approved", [], [])
    assert office.start().recipients == 5


def test_the_size_of_an_attempt_is_the_gateways(office: Office) -> None:
    assert materialise.batch_size(office.gateways, "africastalking") == 1000
    assert materialise.batch_size(office.gateways, "twilio") == 100
    assert materialise.batch_size(office.gateways, "pigeon") == 100


def test_whoever_starts_it_stands_in_the_audit_log(office: Office) -> None:
    office.workers(2)
    started = office.running()
    assert office.database.rows("SELECT actor, subject, detail FROM audit WHERE action = 'campaign.start'") == [
        (MAKER, f"campaign:{started.id}", {"recipients": 2})
    ]
