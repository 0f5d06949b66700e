"""Who is followed up because they stopped at the screening: the last screen tells, where no act of theirs does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.clock import ManualClock
from bot.followup import gathering
from bot.registration import hops
from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import Phone
from tests.world import Worker, World

__all__ = ["MovableClock", "app", "clock", "environ", "phone_of", "post", "services", "world"]


def reason(services: Services, worker: Worker) -> tuple[str, object]:
    """Why a worker is on the list once it is gathered."""
    gathering.gather(services.database, ManualClock(services.clock.now()))
    row = services.database.row("SELECT reason, since FROM follow_up_case WHERE worker_id = %s", (worker.id,))
    assert row is not None
    return row[0], row[1]


def test_who_says_this_is_me_has_stopped_at_the_screening(
    world: World, phone_of: Callable[[str], Phone], services: Services, clock: MovableClock
) -> None:
    siti = world.worker(world.facility())
    assert siti.phone is not None
    phone = phone_of(siti.phone).dials().types(siti.typed_birth_date)
    verified = clock.now
    copy(services)
    assert reason(services, siti) == ("stopped_confirm", verified)
    clock.passes(seconds=5)
    phone.types("1").sees("hamil")
    copy(services)
    assert reason(services, siti) == ("stopped_screening", verified + timedelta(seconds=5))


def copy(services: Services) -> None:
    services.hop_notes.write()
    hops.copy(services.queue, services.database, services.clock.now())
