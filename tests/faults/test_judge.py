"""The judge of the fault runs finds each kind of wrong that there may be, and nothing where all is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from bench.stub_gateway.message_log import MessageLog, Taken
from bot.db.database import Database
from faults.journal import Journal
from faults.judge import Verdict, judge
from tests.world import MORNING, World

TICKET, OTHER = "AB2C3D", "EF4G5H"
PHONE = "+6281200000001"


@dataclass
class Town:
    """One subscriber with a ticket, told of it on a screen and by SMS, who has sent one text."""

    database: Database
    folder: Path
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        world = World(self.database)
        world.district()
        place = world.facility()
        self.session = world.session(place, day=date(2021, 1, 20), capacity=1)
        self.worker = world.worker(place, phone=PHONE).id
        self.other = world.worker(place, phone="+6281200000002").id
        self.log = self.folder / "messages.log"
        self._gateway = MessageLog(self.log, bodies=True)
        self.books(self.worker, TICKET)
        self.is_told(PHONE, f"Tiket {TICKET}. Terdaftar.")
        self.journal.note_tickets(PHONE, [TICKET])
        self.inbound("msg-1", "handled")
        self.journal.note_acknowledged("msg-1", 1.0)

    def books(self, worker: int, ticket: str, dose: int = 1) -> None:
        self.database.rows(
            "INSERT INTO booking (worker_id, session_id, state, ticket, dose, created_at, booked_at) "
            "VALUES (%s, %s, 'booked', %s, %s, %s, %s)",
            (worker, self.session, ticket, dose, MORNING, MORNING),
        )
        self.database.rows("UPDATE vaccination_session SET taken = least(capacity, taken + 1)")

    def is_told(self, number: str, body: str, *, written: bool = True) -> None:
        if written:
            self.database.rows(
                "INSERT INTO message (attempt_id, phone, state, created_at, lane, kind, gateway, language, natural_key, "
                "body) VALUES (0, %s, 'accepted', %s, 'reply', 'test', 'africastalking', 'id', gen_random_uuid()::text, %s)",
                (number, MORNING, body),
            )
        self._gateway.write(Taken("africastalking", body, [number], ["ATXid_1"]))

    def inbound(self, message: str, state: str) -> None:
        self.database.rows(
            "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, reason, received_at) "
            "VALUES ('africastalking', %s, %s, '', %s, 'test', %s)",
            (message, PHONE, "ignored" if state == "handled" else state, MORNING),
        )

    def judged(self, subscribers: int = 1) -> Verdict:
        return judge(self.database, self.log, self.journal, subscribers, MORNING)


@pytest.fixture
def town(database_url: str, tmp_path: Path) -> Town:
    return Town(Database(database_url, limit=10), tmp_path)


def test_where_all_is_well_nothing_is_wrong(town: Town) -> None:
    verdict = town.judged()
    assert verdict.right, verdict


_WRONGS: dict[str, Callable[[Town], object]] = {
    "lost_tickets": lambda town: town.journal.note_tickets(PHONE, [OTHER]),
    "lost_texts": lambda town: town.journal.note_acknowledged("msg-2", 2.0),
    "doubled_messages": lambda town: town.is_told(PHONE, f"Tiket {TICKET}. Terdaftar.", written=False),
    "doubled_bookings": lambda town: town.is_told(PHONE, f"Tiket {OTHER}. Terdaftar."),
    "overbooked": lambda town: town.books(town.other, OTHER),
    "broken": lambda town: town.database.rows("UPDATE vaccination_session SET taken = 0"),
    "unserved": lambda town: town.journal.unserved.update({PHONE: "by SMS"}),
}


@pytest.mark.parametrize("wrong", _WRONGS)
def test_each_wrong_is_found(town: Town, wrong: str) -> None:
    _WRONGS[wrong](town)
    verdict = town.judged()
    assert getattr(verdict, wrong), verdict
    assert not verdict.right


def test_a_text_that_still_waits_at_the_end_is_lost(town: Town) -> None:
    town.inbound("msg-3", "received")
    town.journal.note_acknowledged("msg-3", 3.0)
    assert town.judged().lost_texts == ("msg-3",)


def test_whoever_saw_no_ticket_is_missed(town: Town) -> None:
    assert town.judged(subscribers=2).unserved
