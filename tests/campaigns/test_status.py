"""How far a campaign and the districts are, in numbers that add up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from bot.campaigns import campaigns
from bot.campaigns.campaigns import CampaignError
from bot.campaigns.progress import NoSuchDistrict, progress
from bot.campaigns.status import STATES, Status, status
from bot.campaigns.unknowns import Decision
from bot.db.database import Database
from tests.campaigns.office import MAKER, Office


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=10)
    yield Office(database)
    database.close()


def counts(found: Status) -> dict[str, int]:
    return {state: getattr(found, state) for state in STATES if getattr(found, state)}


def test_each_recipient_counts_once(office: Office) -> None:
    office.workers(20)
    office.workers(2, phone="+6281300000000")
    office.running(batch_size=7, rate=5.0)
    settled = office.attempt_goes("settled", 0)
    office.messages_go("accepted", attempt=settled, most=1)
    office.messages_go("delivered", attempt=settled, most=2)
    office.messages_go("rejected", "no such number", attempt=settled, most=3)
    office.messages_go("unknown", "no answer is on record", attempt=settled)
    office.attempt_goes("submitted", 1)
    office.attempt_goes("claimed", 2)
    found = status(office.database, "blast", office.now)
    assert (found.recipients, sum(counts(found).values())) == (22, 22)
    assert counts(found) == {
        "queued": 7,
        "submitted": 7,
        "accepted": 1,
        "delivered": 2,
        "rejected": 3,
        "unknown": 1,
        "suppressed": 1,
    }
    assert found.rejected_by_reason == {"no such number": 3}
    assert found.suppressed_by_reason == {"same number": 1}
    assert (found.state, found.rate, found.undecided, found.over) == ("running", 5.0, 1, False)


def test_the_rate_is_that_of_the_last_ten_seconds(office: Office) -> None:
    office.workers(40)
    office.running(batch_size=10, rate=4.0)
    found = status(office.database, "blast", office.now)
    assert (found.measured_rate, found.time_left) == (0.0, 10)  # 40 at the rate that is set
    for number in (0, 1):
        attempt = office.attempt_goes("settled", number)
        office.messages_go("accepted", attempt=attempt)
        office.passes(seconds=6)
    found = status(office.database, "blast", office.now)
    assert (found.measured_rate, found.time_left) == (1.0, 20)
    office.passes(seconds=60)
    assert status(office.database, "blast", office.now).measured_rate == 0.0
    campaigns.pause(office.database, "blast", now=office.now, actor=MAKER)
    assert status(office.database, "blast", office.now).time_left is None
    campaigns.cancel(office.database, "blast", now=office.now, actor=MAKER)
    found = status(office.database, "blast", office.now)
    assert (found.time_left, found.over, found.suppressed_by_reason) == (0, True, {"cancelled": 20})


def test_a_draft_has_no_recipients_yet(office: Office) -> None:
    office.workers(3)
    office.create()
    found = status(office.database, "blast", office.now)
    assert (found.state, found.recipients, counts(found), found.rate) == ("draft", 0, {}, None)
    with pytest.raises(CampaignError, match="There is no campaign 'other'"):
        status(office.database, "other", office.now)


def test_as_json_it_has_the_names_of_the_contract(office: Office) -> None:
    office.workers(1)
    office.running()
    shown = json.loads(json.dumps(status(office.database, "blast", office.now).as_json()))
    assert {"name", "state", "recipients", *STATES, "rate", "measured_rate", "time_left"} <= set(shown)
    assert (shown["state"], shown["rate"], shown["deadline_at"]) == ("running", None, "2021-01-15T02:00:00+00:00")


def test_what_an_admin_has_left_waits_for_nobody(office: Office) -> None:
    office.workers(2)
    office.running()
    office.messages_go("unknown", "no answer is on record", attempt=office.attempt_goes("unknown"))
    campaigns.resolve(office.database, "blast", Decision.LEAVE, now=office.now, actor=MAKER)
    found = status(office.database, "blast", office.now)
    assert (found.unknown, found.undecided) == (2, 0)


class TestProgress:
    def test_of_a_country_in_which_nothing_is(self, office: Office) -> None:
        office.database.rows("DELETE FROM district")
        found = progress(office.database, office.now)
        assert (found.target, found.registered, found.districts) == (0, 0, ())

    def test_each_step_of_the_way_by_district(self, office: Office) -> None:
        office.world.district("7371", "Kota Makassar", "Asia/Makassar")
        facility = office.world.facility(district="7371")
        session = office.world.session(facility, capacity=10)
        office.world.session(facility, capacity=99, day=date(2021, 1, 12))  # is over
        office.database.rows("UPDATE vaccination_session SET taken = 4 WHERE id = %s", (session,))
        office.workers(2)
        booked, started, moved, delivered, _ = office.workers(5, district="7371")
        office.database.rows("UPDATE worker SET domicile_code = '3273' WHERE id = %s", (moved,))
        office.database.rows("UPDATE worker SET started_at = %s WHERE id = ANY(%s)", (office.now, [booked, started]))
        office.database.rows(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at) VALUES (%s, %s, 'booked', 'T', %s)",
            (booked, session, office.now),
        )
        for name in ("first", "second"):  # two campaigns, one invitation
            office.running(name)
            office.database.rows("UPDATE message SET state = 'accepted' WHERE worker_id = %s", (started,))
        office.database.rows("UPDATE message SET state = 'delivered' WHERE worker_id = %s", (delivered,))
        found = progress(office.database, office.now)
        assert found.as_json() == {
            "as_of": "2021-01-13T02:00:00+00:00",
            "target": 7,
            "registered": 1,
            "districts": [
                {
                    "code": "3273",
                    "name": "Kota Bandung",
                    "target": 3,
                    "invited": 0,
                    "delivered": 0,
                    "started": 0,
                    "registered": 0,
                    "places_left": 0,
                },
                {
                    "code": "7371",
                    "name": "Kota Makassar",
                    "target": 4,
                    "invited": 2,
                    "delivered": 1,
                    "started": 2,
                    "registered": 1,
                    "places_left": 6,
                },
            ],
        }
        assert progress(office.database, office.now, "7371").districts == found.districts[1:]
        later = progress(office.database, office.now + timedelta(days=2))
        assert [district.places_left for district in later.districts] == [0, 0]

    def test_of_a_district_that_is_not_there(self, office: Office) -> None:
        with pytest.raises(NoSuchDistrict):
            progress(office.database, office.now, "9999")
