"""What the evaluation says: its rows, the steps of a conversation, and which districts fell behind and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.evaluation.blast_figures import BlastCounts
from bot.evaluation.blast_report import DistrictReport
from bot.evaluation.falling_behind import Reason
from bot.web.admin.formats import share
from bot.web.admin.words import mark, say

_ = mark

#: The rows of a report: the count, what it is called, and the count of which it is a share.
ROWS: Final = (
    ("recipients", _("Recipients"), ""),
    ("suppressed", _("Left out before sending"), "recipients"),
    ("waiting", _("Not sent yet"), "recipients"),
    ("sent", _("Handed over to the gateway"), "recipients"),
    ("accepted", _("Accepted by the gateway"), "sent"),
    ("delivered", _("Delivered"), "sent"),
    ("no_receipt", _("Accepted, no receipt yet"), "sent"),
    ("failed", _("Failed"), "sent"),
    ("unknown", _("Fate unknown"), "sent"),
    ("booked_before", _("Had booked before, not counted below"), "sent"),
    ("answered", _("Answered"), "invited"),
    ("within_1", _("Registered within 1 hour"), "invited"),
    ("within_6", _("Registered within 6 hours"), "invited"),
    ("within_24", _("Registered within 24 hours"), "invited"),
    ("within_48", _("Registered within 48 hours"), "invited"),
    ("registered", _("Registered until the end of registration"), "invited"),
    ("given_up", _("Registered, and gave the place up"), "registered"),
    ("opted_out", _("Opted out after it"), "invited"),
    ("without_message", _("Registered though the message failed or is unknown"), ""),
)

#: How far conversations have come.
STEPS: Final = {
    "started": _("Began, stopped at the birth date"),
    "verified": _("Gave the birth date, stopped at the confirmation"),
    "confirmed": _("Confirmed, stopped at the screening"),
    "deferred": _("Deferred by the screening"),
    "screened": _("Screened, no place was held"),
    "held": _("Was offered a place, did not take it"),
    "booked": _("Booked"),
}

_REASONS: Final = {
    Reason.FEW_DELIVERED: _("Few messages were delivered: {own}, elsewhere {peers}."),
    Reason.SILENT: _("The messages arrived, but few answered: {own}, elsewhere {peers}."),
    Reason.BIRTH_DATE: _("Many stopped at the birth date: {own} got past it, elsewhere {peers}."),
    Reason.CONFIRMING: _("Many stopped before or in the screening: {own} got past it, elsewhere {peers}."),
    Reason.NO_PLACES: _("No places are left: {own} of those who were fit booked one, elsewhere {peers}."),
    Reason.OFFER: _("Many did not take a place: {own} of those who were fit booked one, elsewhere {peers}."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a report: its count and the whole of which it is a part (None: of nothing)."""

    name: str
    label: str
    count: int
    whole: int | None

    @property
    def part(self) -> float | None:
        """The share, None without a whole."""
        return self.count / self.whole if self.whole else None


def lines(counts: BlastCounts) -> list[Line]:
    """The rows of a report."""
    return [
        Line(name, label, getattr(counts, name), getattr(counts, base) if base else None) for name, label, base in ROWS
    ]


def behind_said(district: DistrictReport) -> str:
    """How far a district fell behind, and why, in two sentences."""
    behind = district.behind
    if behind is None:
        return ""
    peers = (
        say("the {n} other districts of its province", n=behind.peer_count)
        if behind.same_province
        else say("{n} districts of its size", n=behind.peer_count)
    )
    said = say(
        "{own} of those who were sent the message registered; the median of {peers} is {theirs}.",
        own=share(behind.own, 1),
        peers=peers,
        theirs=share(behind.peers, 1),
    )
    reason = say(_REASONS[behind.reason], own=share(behind.own_step, 1), peers=share(behind.peers_step, 1))
    # A percentage is not broken.
    return f"{said} {reason}".replace(" %", "\u00a0%")
