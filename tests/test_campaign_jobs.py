"""The jobs that campaigns' pages ask for: each does its work, may be done twice, and lets the page ask again."""

from __future__ import annotations

import pytest
import redis
from rq import Queue, SimpleWorker

from bot import jobs
from bot.campaigns import campaigns, drafts, kept
from bot.campaigns.launching import launch
from bot.campaigns.plans import Plan
from bot.campaigns.record import Campaign, find
from bot.messaging import wake
from bot.queues import Work, enqueue_about
from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, environ, in_this_process, services, world
from tests.world import World

__all__ = ["MovableClock", "app", "clock", "environ", "in_this_process", "services", "world"]

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def client(services: Services) -> redis.Redis:
    services.queue.flushall()
    return services.queue


@pytest.fixture
def campaign(services: Services, world: World) -> Campaign:
    """A draft for three workers."""
    for _ in range(3):
        world.worker(None)
    plan = Plan(name="blast", texts={"id": "Halo {name}"}, gateway="africastalking")
    return campaigns.create(services.database, plan, services.gateways, now=services.clock.now(), actor="sari")


def work(client: redis.Redis) -> None:
    SimpleWorker([Queue(Work.SWEEP.value, connection=client)], connection=client).work(burst=True)


def test_a_campaign_is_looked_at_and_the_page_may_ask_again(
    client: redis.Redis, services: Services, campaign: Campaign
) -> None:
    job = "look_at_campaign"
    assert wake.enqueue_once(client, f"{job}:{campaign.id}", lambda: enqueue_about(client, job, campaign.id))
    assert not wake.enqueue_once(client, f"{job}:{campaign.id}", lambda: enqueue_about(client, job, campaign.id))
    work(client)
    found = kept.looked_at(services.database, campaign)
    assert found is not None
    assert found.body["recipients"] == 3
    assert client.get(wake.token(f"{job}:{campaign.id}")) is None


def test_jobs_about_what_is_gone_do_nothing(client: redis.Redis, services: Services) -> None:
    for job in ("look_at_campaign", "count_campaign", "start_campaigns", "end_campaigns"):
        enqueue_about(client, job, 999_999)
    work(client)
    assert services.database.value("SELECT count(*) FROM figure_snapshot") == 0


def test_a_campaign_that_is_marked_starts_at_once_and_once(
    client: redis.Redis, services: Services, campaign: Campaign, clock: MovableClock
) -> None:
    seen, database = kept.fingerprint(campaign), services.database
    drafts.approve(database, "blast", seen, now=clock.now, actor="budi", approval_above=0)
    assert drafts.send(database, "blast", seen, now=clock.now, actor="budi")
    for _ in range(2):
        enqueue_about(client, "start_campaigns", 0)
    work(client)
    assert database.value("SELECT count(*) FROM message") == 3
    assert Queue(Work.BLAST.value, connection=client).count == 1
    enqueue_about(client, "count_campaign", campaign.id)
    work(client)
    kind = f"campaign:{campaign.id}"
    assert database.value("SELECT body ->> 'queued' FROM figure_snapshot WHERE kind = %s", (kind,)) == "3"
    with database.transaction() as connection:
        campaigns.end_for_good(connection, "blast", now=clock.now, actor="budi")
    enqueue_about(client, "end_campaigns", 0)
    work(client)
    assert database.value("SELECT count(*) FROM message WHERE state = 'suppressed'") == 3
    assert find(database, "blast").state == "cancelled"


def test_names_are_measured(client: redis.Redis, services: Services, campaign: Campaign) -> None:
    assert kept.longest_names(services.database, services.clock.now())[1]
    enqueue_about(client, "look_around", 0)
    work(client)
    longest, stale = kept.longest_names(services.database, services.clock.now())
    assert (longest.name, stale) == (len("Siti Wulandari"), False)


def test_the_follow_up_list_is_kept_up_to_date_while_a_blast_leaves(services: Services, world: World) -> None:
    worker = world.worker(world.facility())
    gateways = services.gateways
    campaigns.create(
        services.database,
        Plan("Blast", {"id": "halo"}, gateway="africastalking"),
        gateways,
        now=services.clock.now(),
        actor="sri",
    )
    launch(services.database, "Blast", gateways, now=services.clock.now(), approval_above=100, actor="sri")
    assert jobs.gather_follow_up()
    assert services.database.rows("SELECT worker_id FROM follow_up_case") == [(worker.id,)]
