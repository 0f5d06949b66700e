"""Of the way to a ticket only the ticket waits for the disk, and whatever is said next on the same connection does as ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql

from bot.campaigns import spending
from bot.conversation.driver import Caller
from bot.db.database import Database
from bot.messaging import leases
from bot.messaging.outbox import Lane
from bot.registration import acts
from bot.registration.desk import Desk
from bot.registration.terms import Terms
from gateway_adapters.base import Channel
from tests.world import MORNING, World

# What is written is looked at as late as can be: the setting is as the commit will find it.
_WATCH = """
CREATE TABLE committed (number bigserial, what text, waits text);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO committed (what, waits) VALUES (TG_TABLE_NAME, current_setting('synchronous_commit'));
    RETURN NULL;
END $$;
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """On a server that waits, as outside of tests."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = on").format(name))
        connection.execute(_WATCH)
        for table in ("worker", "booking", "attempt", "campaign", "spending"):
            connection.execute(
                f"CREATE CONSTRAINT TRIGGER look AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION look()".encode()
            )
    made = Database(database_url, size=1)
    yield made
    made.close()


def _committed(database: Database) -> set[tuple[str, str]]:
    """Tables that were written since the last time, and whether their commit waited for the disk."""
    return set(database.rows("DELETE FROM committed RETURNING what, waits"))


def test_only_the_ticket_waits(database: Database) -> None:
    world = World(database)
    world.district()
    facility = world.facility()
    world.session(facility)
    worker = world.worker(facility)
    desk = Desk(database, world.vault, Terms((18, 59), ZoneInfo("Asia/Jakarta"), "africastalking"), lambda: None)
    caller = Caller(worker.phone or "", Channel.USSD, MORNING, "s1", MORNING)
    _committed(database)

    known = desk.perform(acts.GreetCaller(), caller)
    assert isinstance(known, acts.KnownCaller)
    desk.perform(acts.ProveByPhone(worker.birth_date.isoformat(), known.expected), caller)
    assert _committed(database) == set()
    desk.perform(acts.ProveByPhone(worker.birth_date.isoformat()), caller)
    assert _committed(database) == {("worker", "off")}
    offered = desk.perform(acts.OfferSlot(worker.id, fit=True), caller)
    assert isinstance(offered, acts.Offered)
    assert _committed(database) == {("worker", "off"), ("booking", "off")}
    taken = desk.perform(acts.TakeSlot(worker.id, offered.slot.booking_id, "en", "Ticket {code}"), caller)
    assert isinstance(taken, acts.Ticketed)
    assert _committed(database) == {("booking", "on"), ("attempt", "on"), ("worker", "on")}


def test_a_claim_and_what_is_charged_for_it_do_not(database: Database) -> None:
    campaign = database.value(
        "INSERT INTO campaign (name, kind, state, gateway, audience, created_by, created_at) "
        "VALUES ('c', 'blast', 'running', 'africastalking', '{}', 'penguji', %s) RETURNING id",
        (MORNING,),
    )
    database.rows(
        "INSERT INTO attempt (lane, gateway, campaign_id, language, size, state, created_at, due_at) "
        "VALUES ('blast', 'africastalking', %s, 'id', 1, 'queued', %s, %s)",
        (campaign, MORNING, MORNING),
    )
    _committed(database)

    lease = leases.claim_campaigns(database, Lane.BLAST, MORNING)
    assert lease is not None
    assert _committed(database) == {("attempt", "off")}
    database.rows("INSERT INTO spending (day, segments) VALUES (%s, 0)", (date(2021, 1, 13),))
    assert _committed(database) == {("spending", "on")}
    assert spending.reserve(database, lease, 2, None, None, date(2021, 1, 13)) is None
    assert _committed(database) == {("campaign", "off"), ("spending", "off")}
    leases.renew(database, [lease.id], MORNING + timedelta(seconds=20))
    assert _committed(database) == {("attempt", "off")}
    leases.submit(database, [lease], MORNING + timedelta(seconds=30))
    assert _committed(database) == set()  # no longer as it was claimed
