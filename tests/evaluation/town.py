"""Two districts whose people are counted: rows as the service writes them, at moments that tests choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from typing import Any

from bot.clock import ManualClock
from bot.db.database import Database
from bot.evaluation import figures
from tests.world import MORNING, World


@dataclass
class Town:
    """Bandung, with a facility of 10 places, and Makassar."""

    database: Database
    clock: ManualClock = field(default_factory=lambda: ManualClock(MORNING))
    _tickets: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.world = World(self.database)
        self.world.district()
        self.world.district("7371", "Kota Makassar", "Asia/Makassar")
        self.facility = self.world.facility(code="F-BDG")
        self.session = self.world.session(self.facility, capacity=10)
        self.world.session(self.facility, capacity=99, day=date(2021, 1, 12))  # is over
        self.other_facility = self.world.facility("Puskesmas Pantai", "7371", code="F-MKS")

    def counts(self) -> bool:
        """A worker brings the figures up to date."""
        return figures.make(self.database, self.clock)

    def lives_here(self, number: int, facility: int | None = None, **features: Any) -> list[int]:
        """People of Bandung, at its facility."""
        return [self.world.worker(facility or self.facility, **features).id for _ in range(number)]

    def books(self, worker: int, *, at: datetime | None = None, state: str = "booked") -> None:
        at = at or self.clock.moment
        self.database.rows(
            "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            (worker, self.session, state, f"T{next(self._tickets)}", at, at),
        )

    def cancels(self, worker: int, *, at: datetime | None = None, state: str = "cancelled") -> None:
        self.database.rows(
            "UPDATE booking SET state = %s, ended_at = %s WHERE worker_id = %s AND state = 'booked'",
            (state, at or self.clock.moment, worker),
        )

    def hears_of_it(self, worker: int, state: str = "delivered", campaign: int = 1) -> None:
        """A campaign's message to them."""
        self.database.rows(
            "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, created_at, lane, kind, gateway, language) "
            "VALUES (%s, %s, 1, '+62', %s, %s, 'blast', 'campaign', 'simulator', 'id')",
            (campaign, worker, state, self.clock.moment),
        )

    def hears_from_a_campaign(self, worker: int, state: str = "accepted") -> None:
        """A gateway takes a message for them."""
        campaign = self.database.value(
            "INSERT INTO campaign (name, kind, state, gateway, audience, created_at, created_by) "
            "VALUES (gen_random_uuid()::text, 'blast', 'running', 'simulator', '{}', %s, 'tests') RETURNING id",
            (self.clock.moment,),
        )
        self.hears_of_it(worker, state, campaign=campaign)
        self.database.rows(
            "WITH handed_over AS ("
            "INSERT INTO attempt (lane, gateway, campaign_id, size, state, created_at, due_at, settled_at) "
            "VALUES ('blast', 'simulator', %(campaign)s, 1, 'settled', %(now)s, %(now)s, %(now)s) RETURNING id) "
            "UPDATE message SET attempt_id = handed_over.id FROM handed_over WHERE campaign_id = %(campaign)s",
            {"campaign": campaign, "now": self.clock.moment},
        )

    def moves(self, worker: int, district: str) -> None:
        """They tell us where they live."""
        self.database.rows(
            "UPDATE worker SET domicile_code = %s, updated_at = %s WHERE id = %s", (district, self.clock.moment, worker)
        )

    def gets_a_phone(self, worker: int, phone: str | None) -> None:
        """An officer corrects their number."""
        self.database.rows(
            "UPDATE worker SET phone = %s, updated_at = %s WHERE id = %s", (phone, self.clock.moment, worker)
        )

    def goes_its_way(self) -> None:
        """Eight of Bandung, each a step further than the one before, and two of Makassar."""
        no_phone, phone, invited, silent, started = [
            *self.lives_here(1, phone=None),
            *self.lives_here(4),
        ]
        verified, booked = (self.world.worker(None).id for _ in range(2))
        [attended] = self.lives_here(1, facility=self.other_facility)
        for worker, state in ((invited, "accepted"), (phone, "rejected")):
            self.hears_of_it(worker, state)
        for worker in (silent, started, verified, booked, attended):
            self.hears_of_it(worker)
            self.hears_of_it(worker, "accepted", campaign=2)
        self.marks("started_at", started, verified, booked, attended)
        self.marks("verified_at", verified, booked, attended)
        for worker in (booked, attended):
            self.database.rows(
                "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', %s)", (worker, MORNING)
            )
        self.books(booked)
        self.books(attended, state="attended")
        self.database.rows("UPDATE vaccination_session SET taken = 2 WHERE id = %s", (self.session,))
        self.world.worker(self.other_facility, district="7371")
        self.world.worker(self.facility, district="7371")
        assert no_phone

    def marks(self, column: str, *workers: int) -> None:
        self.database.rows(f"UPDATE worker SET {column} = %s WHERE id = ANY(%s)", (self.clock.moment, list(workers)))
