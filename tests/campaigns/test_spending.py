"""Caps: what is handed over is counted, and what would cost too much does not leave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.campaigns import campaigns, spending
from bot.campaigns.composing import Composer
from bot.campaigns.planning import Budget, Planner
from bot.campaigns.record import CampaignError
from bot.campaigns.spending import Cap
from bot.config import SendingWindow
from bot.db.database import Database
from bot.messaging import leases
from bot.messaging.leases import Lease
from bot.messaging.outbox import Lane
from tests.campaigns.office import Office

JAKARTA = ZoneInfo("Asia/Jakarta")
TODAY = date(2021, 1, 13)
PRICE = Decimal("350")


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=10)
    yield Office(database)
    database.close()


def planner(office: Office, price: Decimal | None = PRICE, most_a_day: Decimal | None = None) -> Planner:
    composer = Composer("*119#", "1199")
    window = SendingWindow(time(8), time(20))
    return Planner(office.database, office.gateways, composer, window, Budget(price, most_a_day, JAKARTA))


def claim(office: Office) -> Lease:
    lease = leases.claim_campaigns(office.database, Lane.BLAST, office.now)
    assert lease is not None
    return lease


def counted(office: Office) -> tuple[int, int]:
    """The parts on record: of the campaign, and of today."""
    of_day = office.database.value("SELECT segments FROM spending WHERE day = %s", (TODAY,))
    return campaigns.find(office.database, "blast").segments, int(of_day or 0)


def test_what_is_handed_over_is_counted_in_parts(office: Office) -> None:
    office.workers(3)
    office.running(texts={"id": "x" * 161})
    plan = planner(office, price=None)(claim(office), office.now)
    assert sum(len(request.letters) for request in plan.requests) == 3
    assert counted(office) == (6, 6)


@pytest.mark.parametrize(("of_campaign", "of_day"), [("700", None), (None, "700")])
def test_a_cap_pauses_the_campaign_before_it_is_passed(
    office: Office, of_campaign: str | None, of_day: str | None
) -> None:
    office.workers(5)
    office.running(batch_size=2, most_cost=None if of_campaign is None else Decimal(of_campaign))
    planned = planner(office, most_a_day=None if of_day is None else Decimal(of_day))
    assert planned(claim(office), office.now).requests
    refused = planned(claim(office), office.now)
    assert (refused.given_back, refused.requests) == (True, [])
    found = campaigns.find(office.database, "blast")
    assert (found.state, found.paused_because) == ("paused", Cap.CAMPAIGN if of_campaign else Cap.DAY)
    assert counted(office) == (2, 2)
    assert [state for _, state in office.attempts()] == ["claimed", "queued", "queued"]
    assert office.database.row("SELECT actor, action FROM audit ORDER BY id DESC LIMIT 1") == (
        "system",
        "campaign.pause",
    )


def test_a_raised_cap_lets_it_go_on(office: Office) -> None:
    office.workers(1)
    office.running(most_cost=Decimal("100"))
    planned = planner(office)
    assert planned(claim(office), office.now).given_back
    campaigns.set_cap(office.database, "blast", Decimal("350"), now=office.now, actor="cli:budi")
    campaigns.resume(office.database, "blast", now=office.now, actor="cli:budi")
    assert planned(claim(office), office.now).requests
    assert "campaign.set-cap" in office.audited()


def test_tomorrow_is_another_day(office: Office) -> None:
    office.workers(1)
    office.running()
    lease = claim(office)
    reserved = [
        spending.reserve(office.database, lease, 2, PRICE, Decimal("700"), day)
        for day in (TODAY, TODAY, date(2021, 1, 14))
    ]
    assert reserved == [None, Cap.DAY, None]


@pytest.mark.parametrize("of_day", [False, True])
def test_of_two_workers_one_gets_the_last_of_a_cap(office: Office, of_day: bool) -> None:
    office.workers(1)
    office.running(most_cost=None if of_day else 20 * PRICE)
    lease = claim(office)
    most = 20 * PRICE if of_day else None
    begin = threading.Barrier(2)
    answers: list[Cap | None] = []

    def worker() -> None:
        database = Database(office.database.url, limit=10)
        begin.wait()
        answers.extend(spending.reserve(database, lease, 1, PRICE, most, TODAY) for _ in range(30))
        database.close()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 60
    assert answers.count(None) == 20
    assert counted(office) == (20, 20)


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_cap_is_an_amount(office: Office, amount: str) -> None:
    with pytest.raises(CampaignError, match="above 0"):
        office.create(most_cost=Decimal(amount))


def test_what_was_taken_back_counts_against_no_cap(office: Office) -> None:
    office.workers(3)
    office.running(texts={"id": "x" * 161}, most_cost=6 * PRICE)
    planned = planner(office, most_a_day=6 * PRICE)
    plan = planned(claim(office), office.now)
    [request] = plan.requests
    assert counted(office) == (6, 6)
    # past midnight it is still the day on which it was counted that gets it back
    office.passes(hours=20)
    planned.take_back(request, request.letters[:2])
    assert counted(office) == (2, 2)
    planned.take_back(request, request.letters)
    assert counted(office) == (0, 0)
