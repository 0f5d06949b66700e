"""The teahouse, open."""

from __future__ import annotations

import pytest
import redis

from bot.clock import ManualClock
from bot.conversation.catalog import Catalogs
from bot.conversation.engine import Engine
from tests.conversation.house import NOON, House
from tests.conversation.teahouse import Guest, Kitchen, catalogs, teahouse


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Catalogs:
    return catalogs(tmp_path_factory.mktemp("locales"))


@pytest.fixture
def engine(words: Catalogs) -> Engine[Guest]:
    return Engine(teahouse(), words, limit=160)


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


@pytest.fixture
def house(redis_client: redis.Redis, words: Catalogs, kitchen: Kitchen) -> House:
    return House(redis_client, words, kitchen, ManualClock(NOON), teahouse())
