"""A phone that comes without a pause hears that we are busy, and costs nobody anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.services import Services
from tests.journeys.conftest import MovableClock
from tests.phones import Phone
from tests.world import World

PhoneOf = Callable[[str], Phone]


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
