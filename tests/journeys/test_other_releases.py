"""Conversations that another release has begun: of an older version of the flow they go on, of a newer one they start over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.invariants import check
from bot.services import Services
from tests.phones import Phone
from tests.world import World

PhoneOf = Callable[[str], Phone]
TYPED = ("17081985", "1", "1", "1")


def _moves_to_the_next_release(services: Services) -> list[str]:
    """From now on the process talks by the next version of the flow; returns the language of each memory that is migrated."""
    engine = services.driver._engine
    flow, migrated = engine.flow, []

    def migrate(memory: dict[str, Any]) -> dict[str, Any]:
        migrated.append(str(memory.get("language")))
        return memory

    newer = replace(flow, version=flow.version + 1, migrations={**flow.migrations, flow.version: migrate})
    engine.flow = services.driver._flow = newer
    return migrated


def _moves_back(services: Services) -> None:
    engine = services.driver._engine
    flow = engine.flow
    engine.flow = services.driver._flow = replace(flow, version=flow.version - 1, migrations={})


def _is_clean(services: Services) -> bool:
    return [found for found in check(services.database, services.clock.now()) if found.count] == []


@pytest.mark.parametrize("before", range(len(TYPED) + 1))
def test_one_of_the_release_before_goes_on_wherever_it_stands(
    world: World, phone_of: PhoneOf, services: Services, before: int
) -> None:
    place = world.facility()
    session = world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials()
    for typed in TYPED[:before]:
        phone.types(typed)
    shown = phone.screen
    migrated = _moves_to_the_next_release(services)
    phone.repeats().sees(shown)
    for typed in TYPED[before:]:
        phone.types(typed)
    phone.is_hung_up_on().sees("Terdaftar")
    # What the other release has finished is looked up, not migrated; what it has begun is migrated once and kept so.
    assert len(migrated) <= 2
    assert bool(migrated) == (before < len(TYPED))
    assert world.taken(session) == 1
    assert len(world.messages(siti.phone)) == 1
    assert _is_clean(services)


def test_one_that_was_dropped_is_resumed_by_the_next_release(
    world: World, phone_of: PhoneOf, services: Services
) -> None:
    place = world.facility()
    world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types("17081985").types("1").sees("hamil")
    _moves_to_the_next_release(services)
    phone.dials().sees("hamil").types("1").types("1").is_hung_up_on().sees("Terdaftar")


@pytest.mark.parametrize("before", range(1, len(TYPED)))
def test_one_of_the_next_release_starts_over_politely_and_comes_to_its_ticket(
    world: World, phone_of: PhoneOf, services: Services, before: int
) -> None:
    """While processes are renewed, or after going back, this release meets what the next one has stored."""
    place = world.facility()
    session = world.session(place)
    siti = world.worker(place)
    assert siti.phone is not None
    _moves_to_the_next_release(services)
    phone = phone_of(siti.phone).dials()
    for typed in TYPED[:before]:
        phone.types(typed)
    _moves_back(services)
    phone.types(TYPED[before]).is_asked()
    for _ in range(6):
        if not phone.goes_on:
            break
        phone.types("17081985" if "tanggal lahir" in phone.screen else "1")
    phone.is_hung_up_on().sees("Tiket")
    assert world.taken(session) == 1
    assert _is_clean(services)
