"""What waits: in each lane, for an admin's decision, and for how long already."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.campaigns.unknowns import LEFT
from bot.db.database import Database
from bot.messaging import brakes
from bot.messaging.outbox import Lane


@dataclass(frozen=True, slots=True)
class LaneWaiting:
    """What is due in a lane and has not been claimed; ``oldest``: seconds since the first of it was due, 0 for none."""

    lane: Lane
    attempts: int
    messages: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """Everything that waits. ``unknown``: messages of unknown fate about which nobody has decided."""

    stopped: bool
    lanes: tuple[LaneWaiting, ...]
    unknown: int

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        lanes = {
            each.lane.value: {name: value for name, value in asdict(each).items() if name != "lane"}
            for each in self.lanes
        }
        return {"stopped": self.stopped, "lanes": lanes, "unknown": self.unknown}


# Messages of a paused campaign wait for nobody but the admin who has paused it; what is to leave later is not late.
_DUE = """
SELECT a.lane, count(*), sum(a.size), min(a.due_at)
FROM attempt a LEFT JOIN campaign c ON c.id = a.campaign_id
WHERE a.state = 'queued' AND a.due_at <= %s AND (a.campaign_id IS NULL OR c.state = 'running') GROUP BY a.lane
"""
_UNDECIDED = """
SELECT count(*) FROM attempt a JOIN message m ON m.attempt_id = a.id
WHERE a.has_unknown AND m.state = 'unknown' AND m.reason IS DISTINCT FROM %s
"""


def waiting(database: Database, now: datetime) -> Waiting:
    """What waits at this moment, brakes or not; raises ``DatabaseAway``."""
    due = {row[0]: row[1:] for row in database.rows(_DUE, (now,))}
    lanes = []
    for lane in Lane:
        attempts, messages, since = due.get(lane.value, (0, 0, now))
        lanes.append(LaneWaiting(lane, int(attempts), int(messages), (now - since).total_seconds()))
    undecided = int(database.value(_UNDECIDED, (LEFT,)))
    return Waiting(brakes.is_stopped(database), tuple(lanes), undecided)
