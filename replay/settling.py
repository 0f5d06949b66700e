"""Whether nothing of the service is under way: what is sent has left, what came in is handled and written."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from bot.conversation.hops import STREAM
from bot.messaging.receipt_stream import waiting
from bot.queues import Work
from replay.stage import ReplayFailed, Stage

#: Seconds until a web process has written what it has noted, until all of it must be copied, and between two looks.
_NOTED_WITHIN, _COPIED_WITHIN, _LOOK = 0.9, 60.0, 0.05

_QUEUES: Final = (Work.SWEEP, Work.REPLY, Work.REMINDER, Work.BLAST)

_UNDER_WAY: Final = """
SELECT (SELECT count(*) FROM attempt a LEFT JOIN campaign c ON c.id = a.campaign_id
        WHERE a.state IN ('claimed', 'submitted')
           OR (a.state = 'queued' AND a.due_at <= %(now)s AND (c.id IS NULL OR c.state = 'running')))
     + (SELECT count(*) FROM inbound WHERE state = 'received')
     + (SELECT count(*) FROM campaign WHERE state = 'approved' AND start_at <= %(now)s)
"""


#: What waits for the clock, which stands: an SMS whose webhook was cut short, a reply that was refused for now.
_WAITS_FOR: Final = """
SELECT least((SELECT min(claimed_until) FROM inbound WHERE state = 'received'),
             (SELECT min(due_at) FROM attempt WHERE state = 'queued' AND lane = 'reply'))
"""


def is_at_rest(stage: Stage) -> bool:
    """Whether nothing is under way at the moment at which the clock stands."""
    count = int(stage.database.value(_UNDER_WAY, {"now": stage.clock.now()}))
    spooled = any((stage.folder / "spool").glob("[0-9][0-9]/*"))
    return not (count or spooled or waiting(stage.queue) or _jobs(stage))


def await_turns(stage: Stage, last: float) -> None:
    """Wait until all turns are copied, when nobody has taken another since ``last``; raises ``ReplayFailed``."""
    time.sleep(max(0.0, last + _NOTED_WITHIN - time.monotonic()))
    until = time.monotonic() + _COPIED_WITHIN
    while stage.queue.xlen(STREAM):
        if time.monotonic() > until:
            raise ReplayFailed(f"the turns of conversations were not copied within {_COPIED_WITHIN:.0f} s")
        stage.ask_for_turns()
        time.sleep(_LOOK)


def waits_for(stage: Stage) -> datetime | None:
    """The next moment that something waits for which is to be over at this one."""
    found: datetime | None = stage.database.value(_WAITS_FOR)
    return found


def _jobs(stage: Stage) -> int:
    """Jobs that wait, that a worker is just taking up, and that one of the sweep's has in hand."""
    waiting_for = sum(stage.queue.llen(f"rq:queue:{name}") for name in _QUEUES)
    sweeps = f"rq:queue:{Work.SWEEP}"
    return waiting_for + stage.queue.llen(f"{sweeps}:intermediate") + stage.queue.zcard(f"rq:wip:{Work.SWEEP}")
