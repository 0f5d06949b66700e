"""Two districts with people of the same name, and what officers do on their pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.db.database import Row
from bot.invariants import check
from tests.web.admin.conftest import Officer
from tests.world import Worker, World


@dataclass
class Neighbours:
    """Siti of Bandung (3273) and Siti of Surabaya (3578), each with a facility and a session."""

    world: World
    here: Worker
    there: Worker
    place: int
    session: int
    place_there: int
    session_there: int

    def audit(self, action: str) -> list[Row]:
        """(actor, subject, detail) of an action."""
        return self.world.database.rows(
            "SELECT actor, subject, detail FROM audit WHERE action = %s ORDER BY id", (action,)
        )

    def number(self, worker: Worker) -> str | None:
        found: str | None = self.world.database.value("SELECT phone FROM worker WHERE id = %s", (worker.id,))
        return found

    def ticket(self, worker: Worker) -> str:
        booking = self.world.booking(worker)
        assert booking is not None
        assert booking[1] is not None
        return booking[1]

    def booking_id(self, worker: Worker) -> int:
        found: int = self.world.database.value(
            "SELECT id FROM booking WHERE worker_id = %s AND state = 'booked'", (worker.id,)
        )
        return found

    def all_is_well(self) -> None:
        broken = [found.invariant.name for found in check(self.world.database, self.world.now) if found.count]
        assert broken == []


def neighbours(world: World) -> Neighbours:
    """Makes them."""
    world.district("3578", "Kota Surabaya")
    place, place_there = world.facility("Puskesmas Melati"), world.facility("Puskesmas Kenanga", "3578")
    return Neighbours(
        world,
        here=world.worker(place, name="Siti Wulandari"),
        there=world.worker(place_there, name="Siti Rahayu", district="3578"),
        place=place,
        session=world.session(place),
        place_there=place_there,
        session_there=world.session(place_there),
    )


def page_of(worker: Worker) -> str:
    """The address of a worker's page."""
    return f"/admin/people/{worker.id}"


def searches(officer: Officer, typed: str) -> str:
    """What is shown of those who are found."""
    answer = officer.sends("/admin/people/", {"typed": typed})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def found(officer: Officer, typed: str) -> list[int]:
    """The ids of those who are found."""
    return [int(number) for number in re.findall(r'href="/admin/people/([0-9]+)"', searches(officer, typed))]


def is_told(officer: Officer, worker: Worker, *texts: str) -> str:
    """What the worker's page says after an act."""
    page = officer.reads(page_of(worker))
    for text in texts:
        assert text in page, text
    return page
