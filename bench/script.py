"""What the load generator is asked to do, and what it tells afterwards: plain values, passed as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: What a subscriber types after the birth date: it is me, none of these apply, I take this place.
ONWARD = ("1", "1", "1")
#: Screens from dialling to the ticket.
SCREENS = 2 + len(ONWARD)
#: Where the floor's server answers at once.
NOTHING_PATH = "/nothing"
#: Where it takes SMS, by gateway, and delivery reports, which it puts into a stream.
FLOOR_SMS_PATHS = {"africastalking": "/floor/africastalking/sms", "twilio": "/floor/twilio/sms"}
FLOOR_RECEIPTS_PATH, FLOOR_STREAM = "/floor/receipts", "floor:receipts"


@dataclass(frozen=True, slots=True)
class Script:
    """Who calls whom. ``workers``: (phone in E.164, birth date as typed); each of them dials once.

    ``to_ticket``: the fifth answer must be an END; else (the floor) every answer is a CON. ``session``: how the ids of
    the sessions begin. ``patience``: seconds without any answer after which the rest is given up.
    """

    host: str
    port: int
    path: str
    subscribers: int
    workers: tuple[tuple[str, str], ...]
    to_ticket: bool
    session: str
    patience: float = 30.0

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Script:
        """The script of its JSON form."""
        return cls(**stored | {"workers": tuple((phone, birth_date) for phone, birth_date in stored["workers"])})


@dataclass(slots=True)
class Account:
    """What came of it.

    ``hop_us``: for each of the five screens the microseconds of every hop that was answered rightly; ``walks`` that
    reached the last screen; ``endings``: (phone, last screen) of those that were to end with a ticket; ``errors``: how
    often what went wrong, with ``examples``; ``cpu_seconds`` that the generator itself took.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    walks: int = 0
    hop_us: list[list[int]] = field(default_factory=lambda: [[] for _ in range(SCREENS)])
    errors: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    endings: list[tuple[str, str]] = field(default_factory=list)

    @property
    def hops(self) -> int:
        """Answers that were right."""
        return sum(len(hops) for hops in self.hop_us)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Account:
        """The account of its JSON form."""
        return cls(**stored | {"endings": [(phone, screen) for phone, screen in stored["endings"]]})
