"""How far a campaign has come, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.campaigns.record import State, no_such
from bot.campaigns.unknowns import LEFT
from bot.db.database import Database

#: The span over which the rate is measured.
_LATELY = timedelta(seconds=10)
#: The states of a message as an admin sees them, in their order; together they are all recipients.
STATES = ("queued", "submitted", "accepted", "delivered", "rejected", "unknown", "suppressed")


@dataclass(frozen=True, slots=True)
class Status:
    """A campaign's counts, which add up to ``recipients`` once these are on record.

    ``submitted``: being handed over at this moment. ``undecided``: of the unknown ones, those that wait for an admin.
    ``rate``: messages a second as set, None for the gateway's own; ``measured_rate``: as handed over in the last 10 s.
    ``time_left``: seconds at that rate, None where nobody can tell.
    """

    name: str
    state: State
    recipients: int
    queued: int
    submitted: int
    accepted: int
    delivered: int
    rejected: int
    unknown: int
    suppressed: int
    rate: float | None
    measured_rate: float
    time_left: int | None
    undecided: int
    created_by: str
    approved_by: str | None
    start_at: datetime | None
    deadline_at: datetime | None
    ended_at: datetime | None
    paused_because: str | None
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    suppressed_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing more will leave, unless an admin decides so."""
        return self.state in (State.FINISHED, State.CANCELLED)

    @property
    def handed_over(self) -> int:
        """Recipients about whom something is known, or who are left out."""
        return self.recipients - self.queued - self.submitted

    def as_json(self) -> dict[str, Any]:
        """The status as JSON values."""
        names = ("start_at", "deadline_at", "ended_at")
        moments = {name: getattr(self, name) for name in names}
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            name: None if moment is None else moment.isoformat() for name, moment in moments.items()
        }


_CAMPAIGN = """
SELECT c.id, c.state, coalesce(c.recipients, 0), c.rate, c.created_by, c.approved_by, c.start_at, c.deadline_at, c.ended_at,
       c.paused_because,
       coalesce((SELECT sum(a.size) FROM attempt a WHERE a.campaign_id = c.id AND a.settled_at > %(lately)s
                 AND a.settled_at <= %(now)s AND a.submitted_at IS NOT NULL), 0)
FROM campaign c WHERE c.name = %(name)s
"""

# What is under way says the attempt; the reasons are few, and told for these two states alone.
_COUNTS = """
SELECT CASE WHEN m.state = 'queued' AND a.state = 'submitted' THEN 'submitted' ELSE m.state END AS state,
       CASE WHEN m.state IN ('rejected', 'suppressed', 'unknown') THEN coalesce(m.reason, '') END AS reason, count(*)
FROM message m JOIN attempt a ON a.id = m.attempt_id
WHERE a.campaign_id = %s GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""


def status(database: Database, name: str, now: datetime) -> Status:
    """The status of a campaign; raises ``CampaignError``."""
    row = database.row(_CAMPAIGN, {"name": name, "now": now, "lately": now - _LATELY})
    if row is None:
        raise no_such(name)
    number, state, recipients, rate = row[0], State(row[1]), row[2], row[3]
    counts = dict.fromkeys(STATES, 0)
    reasons: dict[str, dict[str, int]] = {"rejected": {}, "suppressed": {}, "unknown": {}}
    for kind, reason, many in database.rows(_COUNTS, (number,)):
        counts[kind] += many
        if reason is not None:
            reasons[kind][reason] = many
    measured = float(row[10]) / _LATELY.total_seconds()
    return Status(
        name=name,
        state=state,
        recipients=recipients,
        **counts,
        rate=rate,
        measured_rate=measured,
        time_left=_time_left(state, counts["queued"] + counts["submitted"], measured or rate),
        undecided=counts["unknown"] - reasons["unknown"].get(LEFT, 0),
        created_by=row[4],
        approved_by=row[5],
        start_at=row[6],
        deadline_at=row[7],
        ended_at=row[8],
        paused_because=row[9],
        rejected_by_reason=reasons["rejected"],
        suppressed_by_reason=reasons["suppressed"],
    )


def _time_left(state: State, waiting: int, rate: float | None) -> int | None:
    if not waiting or state in (State.FINISHED, State.CANCELLED):
        return 0
    if state is not State.RUNNING or not rate:
        return None
    return math.ceil(waiting / rate)
