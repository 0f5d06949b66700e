"""Waiting until nothing of the service is under way: what is sent has left, what came in is handled and written."""

from __future__ import annotations

import time
from typing import Final

from bot.messaging.receipt_stream import waiting
from bot.queues import Work
from replay.stage import ReplayFailed, Stage

#: Seconds until everything must have come to rest: the blast to half a million takes a minute or two.
_LIMIT: Final = 900.0
_LOOK: Final = 0.02
#: Seconds after which the sweep is asked to look for what nobody has been woken for.
_ASK_AGAIN: Final = 1.0

_QUEUES: Final = (Work.SWEEP, Work.REPLY, Work.REMINDER, Work.BLAST)

_UNDER_WAY: Final = """
SELECT (SELECT count(*) FROM attempt a LEFT JOIN campaign c ON c.id = a.campaign_id
        WHERE a.state IN ('claimed', 'submitted')
           OR (a.state = 'queued' AND a.due_at <= %(now)s AND (c.id IS NULL OR c.state = 'running')))
     + (SELECT count(*) FROM inbound WHERE state = 'received')
     + (SELECT count(*) FROM campaign WHERE state = 'approved' AND start_at <= %(now)s)
"""


def settle(stage: Stage) -> None:
    """Wait until everything has come to rest at the moment at which the clock stands; raises ``ReplayFailed``."""
    # What became due by the clock has nobody woken for it yet.
    stage.ask_for("sweep")
    began = asked = time.monotonic()
    rested = 0
    while rested < 2:
        stage.check_alive()
        rested = 0 if _is_under_way(stage) else rested + 1
        now = time.monotonic()
        if now - began > _LIMIT:
            raise ReplayFailed(f"the service did not come to rest within {_LIMIT:.0f} s")
        if now - asked > _ASK_AGAIN:
            asked = now
            stage.ask_for("sweep")
        time.sleep(_LOOK)


def _is_under_way(stage: Stage) -> bool:
    count = int(stage.database.value(_UNDER_WAY, {"now": stage.clock.now()}))
    spooled = any((stage.folder / "spool").glob("[0-9][0-9]/*"))
    return bool(count or spooled or waiting(stage.queue) or _jobs(stage))


def _jobs(stage: Stage) -> int:
    """Jobs that wait, that a worker is just taking up, and that one of the sweep's has in hand."""
    waiting_for = sum(stage.queue.llen(f"rq:queue:{name}") for name in _QUEUES)
    sweeps = f"rq:queue:{Work.SWEEP}"
    return waiting_for + stage.queue.llen(f"{sweeps}:intermediate") + stage.queue.zcard(f"rq:wip:{Work.SWEEP}")
