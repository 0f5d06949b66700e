"""A phone that comes without a pause hears that we are busy, and costs nobody anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from bot.embedded.servers import EmbeddedServers
from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.stopping import paused
from tests.world import World

PhoneOf = Callable[[str], Phone]


def _counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "PHONE_TURNS": "24"}


def test_a_phone_that_dials_without_a_pause(world: World, phone_of: PhoneOf, clock: MovableClock) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone)
    for _ in range(25):
        phone.dials().is_asked()
    for _ in range(50):
        phone.dials().is_hung_up_on().sees("sibuk")
    phone_of("+6285700000001").dials().is_asked()
    clock.passes(seconds=10)
    phone.dials().types(siti.typed_birth_date).sees("Siti Wulandari")


def test_it_costs_postgresql_nothing(world: World, phone_of: PhoneOf, servers: EmbeddedServers) -> None:
    """Asked in vain, it would be counted as away."""
    phone = phone_of(str(world.worker(world.facility()).phone))
    for _ in range(25):
        phone.dials().is_asked()
    refused, away = _counted("balas_too_often_total", channel="ussd"), _counted("balas_away_total", where="ussd")
    with paused(servers.postgres.pid):
        for _ in range(50):
            phone.dials().is_hung_up_on().sees("sibuk")
    assert _counted("balas_too_often_total", channel="ussd") == refused + 50
    assert _counted("balas_away_total", where="ussd") == away


def test_two_machines_that_answer_each_other_stop(world: World, phone_of: PhoneOf, services: Services) -> None:
    phone = phone_of("+6285700000001")
    for _ in range(20):
        assert phone.texts("I am away until Monday.") == 200
    assert len(world.messages(phone.number)) == 3
    told = world.database.rows("SELECT state, reason, count(*) FROM inbound GROUP BY 1, 2 ORDER BY 1")
    assert told == [("handled", None, 3), ("ignored", "too often", 17)]


def test_the_same_request_delivered_again_costs_nothing(world: World, phone_of: PhoneOf) -> None:
    phone = phone_of("+6285700000001").dials()
    for _ in range(100):
        phone.repeats().is_asked()
    phone.types("3273015708850001").is_asked()
