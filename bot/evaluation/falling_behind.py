"""Which districts fell behind their peers after a blast, and where on the way they lost most.

The method: the share that registered of those to whom a message was sent is held against the median of the district's
peers, the others of its province, or where those are fewer than four, those with half to double as many messages. Behind is
who has less than two thirds of it, and fewer people than chance explains (two standard deviations). The reason is the step
of the way at which it falls furthest below the median of its peers.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bot.evaluation.blast_figures import BlastFigures

#: Messages that a district must have got to be compared, and peers that it must have.
LEAST_SENT, LEAST_PEERS = 30, 4
#: Behind is who has less than this part of their peers' median.
_BEHIND: Final = 2 / 3


class Reason(enum.StrEnum):
    """Where a district lost more than its peers."""

    FEW_DELIVERED = "few delivered"
    SILENT = "silent"
    BIRTH_DATE = "birth date"
    CONFIRMING = "confirming"
    NO_PLACES = "no places"
    OFFER = "offer"


@dataclass(frozen=True, slots=True)
class Behind:
    """``own`` and ``peers``: shares registered; ``reason`` with the shares ``own_step`` and ``peers_step`` at that step."""

    own: float
    peers: float
    same_province: bool
    peer_count: int
    reason: Reason
    own_step: float
    peers_step: float

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Behind:
        """From what was kept."""
        return cls(**{**kept, "reason": Reason(kept["reason"])})


@dataclass(frozen=True, slots=True)
class Compared:
    """A district that is compared. ``places_left``: in sessions to come."""

    code: str
    province_code: str
    figures: BlastFigures
    places_left: int

    @property
    def sent(self) -> int:
        """Messages handed over."""
        return self.figures.counts.sent

    @property
    def share(self) -> float:
        """Registered of those to whom a message was sent."""
        return self.figures.counts.registered / self.sent


def fallen_behind(districts: Sequence[Compared]) -> dict[str, Behind]:
    """The districts that fell behind, by their codes."""
    large = [district for district in districts if district.sent >= LEAST_SENT]
    found: dict[str, Behind] = {}
    for district in large:
        others = [other for other in large if other.code != district.code]
        peers = [other for other in others if other.province_code == district.province_code]
        same_province = len(peers) >= LEAST_PEERS
        if not same_province:
            peers = [other for other in others if district.sent / 2 <= other.sent <= 2 * district.sent]
        if len(peers) < LEAST_PEERS:
            continue
        usual = median(peer.share for peer in peers)
        by_chance = 2 * math.sqrt(district.sent * usual * (1 - usual))
        if district.share < _BEHIND * usual and district.sent * (usual - district.share) > by_chance:
            reason, own, theirs = _reason(district, peers)
            found[district.code] = Behind(district.share, usual, same_province, len(peers), reason, own, theirs)
    return found


def _reason(district: Compared, peers: Sequence[Compared]) -> tuple[Reason, float, float]:
    own = _steps(district)
    worst: tuple[float, Reason, float, float] | None = None
    for reason, share in own.items():
        usual = median(_steps(peer).get(reason, 0.0) for peer in peers)
        # A gateway that tells nothing of delivery tells it of nobody.
        if usual > 0 and (worst is None or share / usual < worst[0]):
            worst = share / usual, reason, share, usual
    if worst is None:
        return Reason.SILENT, 0.0, 0.0
    _, reason, share, usual = worst
    if reason is Reason.OFFER and not district.places_left:
        reason = Reason.NO_PLACES
    return reason, share, usual


def _steps(district: Compared) -> dict[Reason, float]:
    """The share that got past each step, of those who got there; without those to which nobody got."""
    counts, steps = district.figures.counts, district.figures.steps
    proved = counts.answered - steps.get("started", 0)
    fit = sum(steps.get(step, 0) for step in ("screened", "held", "booked"))
    ways = {
        Reason.FEW_DELIVERED: (counts.delivered, counts.sent),
        Reason.SILENT: (counts.answered, counts.invited),
        Reason.BIRTH_DATE: (proved, counts.answered),
        Reason.CONFIRMING: (fit, proved),
        Reason.OFFER: (steps.get("booked", 0), fit),
    }
    return {reason: part / whole for reason, (part, whole) in ways.items() if whole}
