"""The simulation's own books: what people saw on their screens, and what the gateway took and reported. Nothing is asked of the
service for them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from replay.people import Roster

#: Kinds of messages. Of each but the replies the books say how many there must be: how often somebody is answered depends on
#: how long a place was held for them.
BLAST, CLOSING, OFFICE, TICKET, CLAIM, REPLY = "blast", "closing", "office", "ticket", "claim", "reply"
CAMPAIGNS: Final = frozenset({BLAST, CLOSING, OFFICE})
#: What a message came to.
ACCEPTED, DELIVERED, REJECTED = "accepted", "delivered", "rejected"

#: Screens that only somebody sees who has proved who they are, and those that come after the screening.
_PROVEN: Final = frozenset(
    {
        *(
            "confirm",
            "screening",
            "which",
            "offer",
            "next_offer",
            "booked",
            "age_outside",
            "deferred_before",
            "deferred",
        ),
        *("ticket", "no_place", "not_me_kept", "barred"),
    }
)
_SCREENED: Final = frozenset({"offer", "next_offer", "deferred", "ticket"})


@dataclass(slots=True)
class Figures:
    """The counts of a place, by the names that the dashboard has for them."""

    target: int = 0
    with_phone: int = 0
    invited: int = 0
    delivered: int = 0
    started: int = 0
    verified: int = 0
    screened: int = 0
    registered: int = 0
    silent: int = 0


class _Standing:
    """How far a worker is. ``reached``: messages of campaigns that are accepted or delivered; ``arrived``: delivered."""

    __slots__ = (
        "arrived",
        "cancelled_at",
        "deferred",
        "phone",
        "reached",
        "registered_at",
        "screened",
        "started",
        "verified",
    )

    def __init__(self, phone: str | None) -> None:
        self.phone = phone
        self.reached = self.arrived = 0
        self.started = self.verified = self.screened = self.deferred = False
        self.registered_at: float | None = None
        self.cancelled_at: float | None = None

    @property
    def is_registered(self) -> bool:
        return self.registered_at is not None and self.cancelled_at is None

    @property
    def is_half_way(self) -> bool:
        return (self.started or self.reached > 0) and not self.is_registered and not self.deferred

    def bits(self) -> tuple[bool, ...]:
        delivered = self.arrived > 0
        silent = delivered and not self.started and not self.is_registered
        return (
            *(True, self.phone is not None, self.reached > 0, delivered, self.started, self.verified, self.screened),
            *(self.is_registered, silent),
        )


_NAMES: Final = tuple(Figures.__dataclass_fields__)


class Books:
    """Kept as things happen; at a checkpoint everything up to it, and nothing after it, has happened."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._people = [_Standing(worker.phone) for worker in roster.workers]
        self._counts = {worker.district: [0] * len(_NAMES) for worker in roster.workers}
        self._of: dict[str, int] = {}
        for worker, standing in zip(roster.workers, self._people, strict=True):
            self._add(worker.district, standing.bits(), 1)
            if worker.phone is not None:
                self._of.setdefault(worker.phone, worker.number)
        self._told: dict[str, set[int]] = {kind: set() for kind in CAMPAIGNS}
        self.messages: Counter[tuple[str, str]] = Counter()
        self.enquiries = self.locked = self.opted_out = self.came_too_late = 0
        self.checkpoints: dict[str, dict[str, int]] = {}
        #: What cannot be, a line each.
        self.oddities: list[str] = []

    def saw(self, number: int | None, phone: str, state: str, moment: float) -> None:
        """Somebody (None: who is on no list) sees a screen of ``state``, after what they did at ``moment``."""
        self.enquiries += state == "enquiry_kept"
        self.locked += state == "locked"
        self.opted_out += state == "stopped"
        self.came_too_late += state == "closed"
        if number is None:
            return
        worker, standing = self._roster.workers[number], self._people[number]
        before = standing.bits()
        proven = state in _PROVEN
        if proven and standing.phone is None:
            # Nobody else had a claim to it: a proven number becomes theirs.
            standing.phone = phone
            self._of[phone] = number
        alone = not worker.is_stranger and phone not in self._roster.sharing
        standing.started |= proven or (alone and state != "stopped")
        standing.verified |= proven
        standing.screened |= state in _SCREENED
        standing.deferred |= state == "deferred"
        # Who lost the line at the last step is shown the ticket when they dial again.
        if state in {"ticket", "booked"} and standing.registered_at is None:
            standing.registered_at = moment
        if state == "cancelled":
            standing.cancelled_at = moment
        self._move(worker.district, before, standing)

    def took(self, kind: str, phone: str) -> int | None:
        """The gateway took a message; returns whose it is, if it is a campaign's."""
        self.messages[kind, ACCEPTED] += 1
        if kind not in CAMPAIGNS:
            return None
        first = self._of.get(phone)
        if first is not None and first not in self._told[kind]:
            self._told[kind].add(first)
            # Of several with one phone the first is written to who knows of it, and has no place nor must wait.
            for number in self._roster.sharing.get(phone, (first,)):
                if kind == BLAST or self._people[number].is_half_way:
                    self._change(number, reached=1)
                    return number
        self.oddities.append(f"a message ({kind}) more than there are people for")
        return None

    def reported(self, kind: str, number: int | None, *, delivered: bool) -> None:
        """The gateway has told what became of a message that it took."""
        self.messages[kind, ACCEPTED] -= 1
        self.messages[kind, DELIVERED if delivered else REJECTED] += 1
        if number is not None:
            self._change(number, arrived=1) if delivered else self._change(number, reached=-1)

    def figures(self) -> dict[str, Figures]:
        """The figures of each district."""
        return {district: Figures(*counts) for district, counts in sorted(self._counts.items())}

    def whole(self) -> Figures:
        """The country's figures."""
        return Figures(*map(sum, zip(*self._counts.values(), strict=True)))

    def without_ticket(self, numbers: Iterable[int]) -> list[int]:
        """Those of these workers who were never shown a ticket."""
        return [number for number in numbers if self._people[number].registered_at is None]

    def digest(self) -> str:
        """What the books come to, in 32 digits: the same for the same people, arrivals and inputs."""
        return hashlib.blake2b(json.dumps(self._entries(), sort_keys=True).encode(), digest_size=16).hexdigest()

    def summary(self) -> dict[str, Any]:
        """The sums, as they are printed and stored."""
        return {
            "figures": asdict(self.whole()),
            "gave_up": sum(each.started and not each.is_registered and not each.deferred for each in self._people),
            "deferred": sum(each.deferred for each in self._people),
            "cancelled": sum(each.cancelled_at is not None for each in self._people),
            "enquiries": self.enquiries,
            "locked": self.locked,
            "opted_out": self.opted_out,
            "came_too_late": self.came_too_late,
            "messages": {f"{kind} {outcome}": many for (kind, outcome), many in sorted(self.messages.items()) if many},
        }

    def _entries(self) -> dict[str, Any]:
        summary = self.summary()
        summary["messages"] = {name: many for name, many in summary["messages"].items() if not name.startswith(REPLY)}
        return summary | {
            "people": [
                [number, *map(int, each.bits()), _moment(each.registered_at), _moment(each.cancelled_at)]
                for number, each in enumerate(self._people)
                if each.started or each.verified
            ],
            "districts": {district: asdict(figures) for district, figures in self.figures().items()},
            "checkpoints": self.checkpoints,
        }

    def _change(self, number: int, *, reached: int = 0, arrived: int = 0) -> None:
        standing = self._people[number]
        before = standing.bits()
        standing.reached += reached
        standing.arrived += arrived
        self._move(self._roster.workers[number].district, before, standing)

    def _move(self, district: str, before: tuple[bool, ...], standing: _Standing) -> None:
        after = standing.bits()
        if after != before:
            self._add(district, before, -1)
            self._add(district, after, 1)

    def _add(self, district: str, bits: tuple[bool, ...], sign: int) -> None:
        counts = self._counts[district]
        for place, bit in enumerate(bits):
            if bit:
                counts[place] += sign


def _moment(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
