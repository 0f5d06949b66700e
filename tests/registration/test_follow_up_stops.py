"""Who is followed up because they stopped at the screening: the last screen tells, where no act of theirs does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.clock import ManualClock
from bot.followup import gathering
from bot.registration import hops
from bot.registration.touched import Cursor, touched
from bot.services import Services
from tests.journeys.conftest import MovableClock, app, clock, environ, phone_of, post, services, world
from tests.phones import Phone
from tests.world import MORNING, Worker, World

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
    clock.passes(minutes=2)
    assert reason(services, siti) == ("stopped_confirm", verified)
    phone.types("1").sees("hamil")
    clock.passes(seconds=7)
    copy(services)
    assert reason(services, siti) == ("stopped_screening", verified + timedelta(minutes=2))


def test_who_comes_to_the_screening_is_looked_at_at_once(world: World, services: Services) -> None:
    here, elsewhere, before = (world.worker(None) for _ in range(3))
    later = MORNING + timedelta(hours=1)
    for worker, state, seconds in ((here, "screening", 20), (elsewhere, "times", 20), (before, "screening", -60)):
        services.database.rows(
            "INSERT INTO hop (at, worker_id, visit, channel, flow, state) VALUES (%s, %s, 1, 'ussd', 'registration', %s)",
            (later + timedelta(seconds=seconds), worker.id, state),
        )
    with services.database.transaction() as connection:
        assert touched(connection, Cursor(later, ((later, 0),)), 100).workers == [here.id]


def copy(services: Services) -> None:
    services.hop_notes.write()
    hops.copy(services.queue, services.database, services.clock.now())
