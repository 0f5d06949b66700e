"""The registration flow, talked with in this process; what it asks of the registry is answered by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from bot.conversation.conversation import Conversation
from bot.conversation.engine import Engine, Turn
from bot.conversation.flow import Reading, Row, Rows
from bot.registration import acts
from flows.memory import Campaign, Memory
from flows.registration import catalogs, registration

READING = Reading(date(2021, 1, 13))
CAMPAIGN = Campaign("*119#", "119", (18, 59))

OFFERED = acts.Slot(5, 2, "Puskesmas Melati", date(2021, 1, 14), time(8), time(10), "Asia/Jakarta")
BOOKED = acts.Slot(4, 1, "Puskesmas Kenanga", date(2021, 1, 20), time(13), time(15), "Asia/Jakarta", "K7WQ3A")


def person(**changes: Any) -> acts.Person:
    """A worker as the registry tells of them."""
    fields: dict[str, Any] = {
        "worker_id": 7,
        "name": "Siti Wulandari",
        "district_code": "3273",
        "district": "Kota Bandung",
        "facility_id": 1,
        "language": "id",
        "access": acts.Access.FULL,
        "confirmed": False,
        "screened_out": False,
        "fit": False,
        "age_fits": True,
        "booked": None,
        "closed": False,
    }
    return acts.Person(**(fields | changes))


def _outcomes() -> dict[type, object]:
    return {
        acts.GreetCaller: acts.KnownCaller("S*** W***", False, "id", 0),
        acts.ProveByPhone: acts.Proven(person()),
        acts.SealNik: acts.NikSealed("sealed"),
        acts.ProveByNik: acts.Proven(person()),
        acts.OfferSlot: acts.Offered(OFFERED),
        acts.HoldSlot: acts.Offered(OFFERED),
        acts.TakeSlot: acts.Ticketed(BOOKED, by_sms=False),
        acts.CancelBooking: acts.Done(),
        acts.SendTicket: acts.Done(),
        acts.OptIn: acts.Done(),
        acts.OptOut: acts.Done(),
        acts.ListTimes: Rows((Row("31", "Kam 14 Jan 08.00-10.00 (3)"),), more=False),
        acts.ListFacilities: Rows((Row("1", "Puskesmas Kenanga"), Row("2", "Puskesmas Melati")), more=False),
        acts.ListDistricts: Rows((Row("3578", "Kota Surabaya"),), more=False),
        acts.SetDomicile: acts.Moved("3578", "Kota Surabaya"),
        acts.Defer: acts.Done(),
        acts.ReportNotMe: acts.Done(),
        acts.LeaveEnquiry: acts.Done(),
        acts.ObjectToClaim: acts.Done(),
    }


def engine(*, limit: int = 160, campaign: Campaign = CAMPAIGN) -> Engine[Memory]:
    """The engine of the registration flow."""
    return Engine(registration(campaign), catalogs(), limit=limit)


@dataclass
class Talk:
    """Somebody at a phone."""

    outcomes: dict[type, object] = field(default_factory=_outcomes)
    asked: list[Any] = field(default_factory=list)
    engine: Engine[Memory] = field(default_factory=engine)
    turn: Turn[Memory] = field(default_factory=lambda: Turn(None))

    def dials(self) -> Talk:
        return self._settle(self.engine.begin(Memory(), 0.0, READING))

    def dials_again(self) -> Talk:
        return self._settle(self.engine.resume(self.conversation))

    def says(self, *texts: str) -> Talk:
        for text in texts:
            self._settle(self.engine.hear(self.conversation, text, READING))
        return self

    def texts(self, keyword: str) -> Talk:
        turn = self.engine.keyword(self.turn.conversation, Memory(), keyword, 0.0)
        assert turn is not None, f"{keyword} is no keyword"
        return self._settle(turn)

    def sees(self, *parts: str) -> Talk:
        for part in parts:
            assert part in self.screen, f"{part!r} is not on the screen: {self.screen!r}"
        return self

    def does_not_see(self, *parts: str) -> Talk:
        for part in parts:
            assert part not in self.screen, f"{part!r} is on the screen: {self.screen!r}"
        return self

    @property
    def screen(self) -> str:
        assert self.turn.screen is not None
        return self.turn.screen.text

    @property
    def conversation(self) -> Conversation[Memory]:
        assert self.turn.conversation is not None, f"it is over: {self.screen!r}"
        return self.turn.conversation

    @property
    def memory(self) -> Memory:
        return self.conversation.memory

    def is_over(self) -> Talk:
        assert self.turn.conversation is None, self.screen
        return self

    def _settle(self, turn: Turn[Memory]) -> Talk:
        while turn.screen is None:
            assert turn.conversation is not None
            self.asked.append(turn.effect)
            outcome = self._outcome(turn.effect)
            turn = self.engine.resolve(turn.conversation, outcome, READING)
        self.turn = turn
        return self

    def _outcome(self, act: object) -> object:
        if isinstance(act, acts.SetLanguage):
            return acts.LanguageSet(act.language)
        found = self.outcomes[type(act)]
        if callable(found):
            made: Callable[[object], object] = found
            return made(act)
        return found
