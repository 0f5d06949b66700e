"""A town whose people are reminded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.db.database import Database
from bot.messaging.pacing import Pace
from bot.redis_clients import connect
from gateway_adapters.registry import load_gateways
from tests.campaigns.office import Office
from tests.campaigns.town import Town
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub


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
