"""A post office, with a stub of the gateway that it hands its messages to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.db.database import Database
from bot.messaging.pacing import Pace
from bot.redis_clients import connect
from gateway_adapters.base import GatewayRegistry
from gateway_adapters.registry import load_gateways
from tests.messaging.post import Post
from tests.stub_gateways.africastalking_stub import AfricasTalkingStub


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


@pytest.fixture
def stub() -> Iterator[AfricasTalkingStub]:
    with AfricasTalkingStub() as running:
        yield running


@pytest.fixture
def gateways(stub: AfricasTalkingStub) -> GatewayRegistry:
    environ = {
        "AT_USERNAME": "sandbox",
        "AT_API_KEY": "key-of-tests",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": stub.url,
        "WEBHOOK_SECRET": "s",
    }
    return load_gateways(environ, public_url="https://balas.example", timeout=1.0)


@pytest.fixture
def mail(database: Database, gateways: GatewayRegistry, redis_url: str) -> Post:
    return Post(database, gateways, Pace(connect(redis_url)))
