"""An inbound SMS that fails every time is given up, seen, and can be tried again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.conversation.driver import Heard
from bot.crypto import Vault
from bot.db.database import Database
from bot.messaging import inbound
from gateway_adapters.base import InboundSms
from tests.world import DATA_KEY, MORNING

PHONE = "+6281200000001"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


def test_given_up_after_many_tries_then_replayed(database: Database) -> None:
    vault, now = Vault(DATA_KEY), MORNING
    sms = InboundSms(PHONE, "m1", "halo")
    assert inbound.keep(database, vault, "africastalking", sms, now).fresh
    tries = 0
    while not inbound.dead(database):
        now += timedelta(seconds=30)
        tries += len(inbound.claim_waiting(database, vault, now))
    assert tries == inbound.MOST_TRIES
    [dead] = inbound.dead(database)
    assert (dead.phone, dead.reason) == (PHONE, "failed too often")

    assert inbound.replay(database, dead.id + 1, now, actor="test") == 0
    assert inbound.replay(database, dead.id, now, actor="test") == 1
    [waiting] = inbound.claim_waiting(database, vault, now)
    assert waiting.text == "halo"
    inbound.handle(database, waiting, lambda *_: Heard("salam", "id"), now, inline=False)
    assert database.rows("SELECT body, state FROM message") == [("salam", "queued")]
    assert database.value("SELECT state FROM inbound") == "handled"
    assert database.value("SELECT count(*) FROM audit WHERE action = 'inbound.replay'") == 1
