"""What the load generator is asked to do, and what it tells afterwards: plain values, passed as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: What a subscriber types after the birth date: it is me, none of these apply, I take this place.
ONWARD = ("1", "1", "1")
#: Screens from dialling to the ticket.
SCREENS = 2 + len(ONWARD)
#: What one types after the birth date so that no hop touches SQL: another district; no, back; a slip; it is me; one of these
#: applies; no, back.
WITHOUT_SQL = ("2", "0", "7", "1", "2", "0")
#: The hops before those: dialling and the birth date.
BEFORE_THOSE = 2
#: Where the floor's server answers at once.
NOTHING_PATH = "/nothing"
#: Where it takes SMS, by gateway, and delivery reports, which it puts into a stream.
FLOOR_SMS_PATHS = {"africastalking": "/floor/africastalking/sms", "twilio": "/floor/twilio/sms"}
FLOOR_RECEIPTS_PATH, FLOOR_STREAM = "/floor/receipts", "floor:receipts"
#: And gives pages, of so many bytes as stand behind it.
FLOOR_PAGE_PATH = "/floor/page"


@dataclass(frozen=True, slots=True)
class Script:
    """Who calls whom. ``workers``: (phone in E.164, birth date as typed); each of them dials once.

    ``to_ticket``: the last answer must be an END; else (the floor) every answer is a CON. ``session``: how the ids of
    the sessions begin. ``patience``: seconds without any answer after which the rest is given up. ``onward``: what is typed
    after the birth date. ``begins``: the hop that everybody begins with, where a script with the same session and workers
    has left off.
    """

    host: str
    port: int
    path: str
    subscribers: int
    workers: tuple[tuple[str, str], ...]
    to_ticket: bool
    session: str
    patience: float = 30.0
    onward: tuple[str, ...] = ONWARD
    begins: int = 0

    @property
    def hops(self) -> int:
        """Hops of one worker, those that a script before this one has made left out."""
        return 2 + len(self.onward) - self.begins

    def text(self, birth_date: str, hop: int) -> str:
        """Everything that has been typed by a hop, the first of all being 0, as gateways tell it."""
        return "*".join((birth_date, *self.onward)[:hop])

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Script:
        """The script of its JSON form."""
        workers = tuple((phone, birth_date) for phone, birth_date in stored["workers"])
        return cls(**stored | {"workers": workers, "onward": tuple(stored["onward"])})


@dataclass(slots=True)
class Account:
    """What came of it.

    ``hop_us``: for each hop of the script the microseconds of everyone's that was answered rightly; ``walks`` that
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
