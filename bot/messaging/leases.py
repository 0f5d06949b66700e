"""The outbox's queue: attempts are claimed, submitted and given back, each by one committed statement.

A worker that dies leaves rows that the sweep can judge: what was ``claimed`` was never handed over and is queued again;
what was ``submitted`` may have been, so it is ``unknown``, and never sent again by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.db.database import Database
from bot.db.prepared import LAZILY, Prepared
from bot.messaging.outbox import Lane
from gateway_adapters.base import Outgoing

#: An attempt that nobody has renewed for this long belongs to a process that has died.
LEASE = timedelta(seconds=60)
#: The same of a reply that is claimed, and not handed over: that takes one statement, and somebody waits for it.
CLAIM_OF_REPLY = timedelta(seconds=15)
#: What has been handed over, and not been renewed for this long, holds up nothing that is to be said to the same phone.
UNHEARD = timedelta(seconds=3)
#: How old a claim is that a worker finds when it has just started, perhaps instead of one that was killed.
CLAIM_OF_PREDECESSOR = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Lease:
    """An attempt that this process has claimed: ``size`` messages of one campaign, language and time zone, or one reply.

    ``number``: the how manieth try it is. ``rate``: messages a second that its campaign may send, None for no limit;
    ``any_hour``: its campaign passes the sending window. ``claimed_at``: by it this claim is told from one that another
    process makes after ours was taken for dead.
    """

    id: int
    lane: str
    gateway: str
    campaign_id: int | None
    language: str | None
    time_zone: str | None
    number: int
    size: int
    deadline_at: datetime | None
    claimed_at: datetime | None = None
    rate: float | None = None
    any_hour: bool = False


#: Whether an officer has stopped everything but replies, see ``bot.messaging.brakes``.
STOPPED = "EXISTS (SELECT 1 FROM setting WHERE key = 'sending_stopped' AND value = 'true'::jsonb)"

_LEASE = (
    "a.id, a.lane, a.gateway, a.campaign_id, a.language, a.time_zone, a.number, a.size, a.deadline_at, a.claimed_at"
)

# Rows are locked and passed over by other workers. A phone's replies keep their order: one is claimed only when none
# before it is under way. Of one that a killed worker had handed over nobody knows more after its lease than now.
_CLAIM_REPLIES = f"""
WITH due AS (
    SELECT a.id FROM attempt a
    WHERE a.lane = 'reply' AND a.state = 'queued' AND a.due_at <= %(now)s
      AND NOT EXISTS (SELECT 1 FROM attempt e WHERE e.phone = a.phone AND e.id < a.id
                      AND e.state IN ('queued', 'claimed', 'submitted')
                      AND (e.state <> 'submitted' OR e.claimed_at > %(unheard)s))
    ORDER BY a.due_at, a.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE attempt a SET state = 'claimed', claimed_at = %(now)s FROM due WHERE a.id = due.id AND a.state = 'queued'
    RETURNING {_LEASE}
)
SELECT a.*, m.id, m.phone, m.body, m.link_id, m.inbound_id IS NOT NULL
FROM claimed a LEFT JOIN message m ON m.attempt_id = a.id AND m.state = 'queued' ORDER BY a.id
"""

_CLAIM_CAMPAIGNS = Prepared(f"""
WITH due AS (
    SELECT a.id, c.rate, c.ignore_quiet_hours FROM attempt a JOIN campaign c ON c.id = a.campaign_id
    WHERE a.lane = %(lane)s AND a.state = 'queued' AND a.due_at <= %(now)s AND c.state = 'running' AND NOT {STOPPED}
    ORDER BY a.due_at, a.id LIMIT 1 FOR UPDATE OF a SKIP LOCKED
)
UPDATE attempt a SET state = 'claimed', claimed_at = %(now)s FROM due
WHERE a.id = due.id AND a.state = 'queued' AND {LAZILY}
RETURNING {_LEASE}, due.rate, due.ignore_quiet_hours
""")


def claim_replies(
    database: Database, now: datetime, limit: int, pace: float = 1.0
) -> list[tuple[Lease, Outgoing | None]]:
    """Claim up to ``limit`` due replies, each with its letter (None: it has been settled meanwhile).

    ``pace``: as in ``sweep``.
    """
    rows = database.rows(_CLAIM_REPLIES, {"now": now, "limit": limit, "unheard": now - UNHEARD * pace})
    return [(Lease(*row[:10]), None if row[10] is None else Outgoing(*row[10:])) for row in rows]


def claim_campaigns(database: Database, lane: Lane, now: datetime) -> Lease | None:
    """Claim the next due attempt of a running campaign, unless an officer has stopped all sending."""
    # A claim that a crash of PostgreSQL takes with it is one that nobody had; the submission after it waits for the disk.
    rows = database.said(_CLAIM_CAMPAIGNS, {"lane": lane.value, "now": now})
    return Lease(*rows[0]) if rows else None


#: Marks claimed attempts as handed over from now on: parameters fresh, claimed and now; gives those that are still ours.
SUBMIT = f"""
UPDATE attempt a SET state = 'submitted', submitted_at = %(now)s, claimed_at = %(now)s
FROM unnest(%(fresh)s::bigint[], %(claimed)s::timestamptz[]) AS ours (id, claimed_at)
WHERE a.id = ours.id AND a.claimed_at = ours.claimed_at AND a.state = 'claimed' AND (a.campaign_id IS NULL
   OR (EXISTS (SELECT 1 FROM campaign c WHERE c.id = a.campaign_id AND c.state = 'running') AND NOT {STOPPED}))
RETURNING a.id
"""


def submission(leases: Sequence[Lease]) -> dict[str, object]:
    """What ``SUBMIT`` is told of attempts, besides ``now``."""
    return {"fresh": [each.id for each in leases], "claimed": [each.claimed_at for each in leases]}


def submit(database: Database, leases: Sequence[Lease], now: datetime) -> set[int]:
    """Mark claimed attempts as handed over from now on; returns those that are still ours to hand over.

    The others were swept, and maybe claimed by somebody else, or their campaign has been paused or ended meanwhile.
    """
    return {row[0] for row in database.rows(SUBMIT, {**submission(leases), "now": now})}


def renew(database: Database, leases: Sequence[int], now: datetime) -> set[int]:
    """Say that attempts are still being worked on; returns those of campaigns that may go on."""
    rows = database.rows(
        "UPDATE attempt a SET claimed_at = %(now)s WHERE a.id = ANY(%(leases)s) AND a.state IN ('claimed', 'submitted') "
        f"AND {LAZILY} RETURNING a.id, a.campaign_id IS NULL "
        f"OR (EXISTS (SELECT 1 FROM campaign c WHERE c.id = a.campaign_id AND c.state = 'running') AND NOT {STOPPED})",
        {"leases": list(leases), "now": now},
    )
    return {number for number, goes_on in rows if goes_on}


def give_back(database: Database, lease: Lease, due_at: datetime, tried_at: datetime | None = None) -> None:
    """Queue a claimed attempt again, none of whose messages has been handed over.

    ``tried_at``: the moment of a ``submit`` of which is not known whether it was carried out.
    """
    database.rows(
        "UPDATE attempt SET state = 'queued', claimed_at = NULL, submitted_at = NULL, due_at = %(due_at)s "
        "WHERE id = %(id)s AND ((state = 'claimed' AND claimed_at = %(claimed_at)s) "
        "OR (state = 'submitted' AND submitted_at = %(tried_at)s))",
        {"due_at": due_at, "id": lease.id, "claimed_at": lease.claimed_at, "tried_at": tried_at},
    )


def give_back_claims(database: Database, lane: Lane, moments: Sequence[datetime]) -> None:
    """Queue what was claimed at these moments again. Somebody else's claim of the same moment is harmed no more than by the
    sweep: it is not handed over by them."""
    database.rows(
        "UPDATE attempt SET state = 'queued', claimed_at = NULL "
        "WHERE lane = %s AND state = 'claimed' AND claimed_at = ANY(%s::timestamptz[])",
        (lane.value, list(moments)),
    )


_COPY = "lane, gateway, campaign_id, language, time_zone, phone, deadline_at"

_SPLIT = f"""
WITH part AS (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s AS part FROM message
    WHERE attempt_id = %(lease)s AND state = 'queued'
), fresh AS (
    INSERT INTO attempt ({_COPY}, part, number, size, state, created_at, due_at)
    SELECT {_COPY}, p.part, a.number, p.size, 'queued', %(now)s, a.due_at
    FROM attempt a, (SELECT part, count(*) AS size FROM part WHERE part > 0 GROUP BY part) p WHERE a.id = %(lease)s
    RETURNING id, part
), moved AS (
    UPDATE message m SET attempt_id = fresh.id FROM part JOIN fresh USING (part) WHERE m.id = part.id
)
UPDATE attempt SET size = (SELECT count(*) FROM part WHERE part = 0) WHERE id = %(lease)s
"""


def split(database: Database, lease: int, size: int, now: datetime) -> None:
    """Leave ``size`` messages with a claimed attempt and queue the rest as attempts of that size."""
    database.rows(_SPLIT, {"lease": lease, "size": size, "now": now})


def suppress(database: Database, left_out: dict[str, list[int]], now: datetime) -> None:
    """Write down which messages are not sent after all, and why."""
    for reason, messages in left_out.items():
        database.rows(
            "UPDATE message SET state = 'suppressed', reason = %s, settled_at = %s WHERE id = ANY(%s) AND state = 'queued'",
            (reason, now, messages),
        )


#: Moves messages to a new attempt, to be tried again at ``due_at``: parameters messages, lease, number, due_at, now, reason.
#: Said twice, since nobody knows whether it was carried out, it does nothing more.
TRY_AGAIN = f"""
WITH wanted AS (
    SELECT id FROM message
    WHERE id = ANY(%(messages)s) AND attempt_id = %(lease)s AND state = 'queued' ORDER BY id FOR UPDATE
), fresh AS (
    INSERT INTO attempt ({_COPY}, number, size, state, created_at, due_at, reason)
    SELECT {_COPY}, %(number)s, (SELECT count(*) FROM wanted), 'queued', %(now)s, %(due_at)s, %(reason)s
    FROM attempt WHERE id = %(lease)s AND EXISTS (SELECT 1 FROM wanted) RETURNING id
)
UPDATE message m SET attempt_id = fresh.id, reason = %(reason)s FROM fresh, wanted WHERE m.id = wanted.id
"""


def take_over(database: Database, now: datetime, pace: float = 1.0) -> None:
    """Queue again what a predecessor that was killed has claimed of the replies and not handed over; ``pace`` as in ``sweep``.

    A colleague who is alive and just at it loses that claim, and hands nothing over for it.
    """
    database.rows(
        "UPDATE attempt SET state = 'queued', claimed_at = NULL WHERE id IN (SELECT id FROM attempt "
        "WHERE lane = %s AND state = 'claimed' AND claimed_at <= %s FOR UPDATE SKIP LOCKED)",
        (Lane.REPLY.value, now - CLAIM_OF_PREDECESSOR * pace),
    )


def sweep(database: Database, now: datetime, pace: float = 1.0) -> tuple[int, int]:
    """Judge what dead processes left: returns (attempts queued again, messages whose fate is unknown).

    ``pace``: how fast the clock runs, since processes live by the machine's.
    """
    parameters: dict[str, Any] = {"over": now - LEASE * pace, "soon_over": now - CLAIM_OF_REPLY * pace, "now": now}
    # Should its process be alive after all, it finds that the claim is not its own any more, and hands nothing over.
    queued = database.rows(
        "UPDATE attempt SET state = 'queued', claimed_at = NULL WHERE id IN (SELECT id FROM attempt "
        "WHERE state = 'claimed' AND claimed_at < CASE lane WHEN 'reply' THEN %(soon_over)s ELSE %(over)s END "
        "FOR UPDATE SKIP LOCKED) RETURNING id",
        parameters,
    )
    unknown = database.rows(
        "WITH over AS (SELECT id FROM attempt WHERE state = 'submitted' AND claimed_at < %(over)s FOR UPDATE SKIP LOCKED), "
        "a AS (UPDATE attempt SET state = 'unknown', has_unknown = true, reason = 'no answer is on record', "
        "settled_at = %(now)s "
        "WHERE id IN (SELECT id FROM over)) "
        "UPDATE message SET state = 'unknown', reason = 'no answer is on record', settled_at = %(now)s "
        "WHERE attempt_id IN (SELECT id FROM over) AND state = 'queued' RETURNING id",
        parameters,
    )
    return len(queued), len(unknown)


#: What is due within this is worth waiting for: a sweep might come later.
SOON = timedelta(seconds=10)


def is_due_soon(database: Database, lane: Lane, now: datetime) -> bool:
    """Whether something waits in a lane of replies whose time comes within some seconds, or has come."""
    found = database.value(
        "SELECT 1 FROM attempt WHERE lane = %s AND state = 'queued' AND due_at <= %s LIMIT 1", (lane.value, now + SOON)
    )
    return found is not None


def waiting(database: Database, now: datetime) -> list[Lane]:
    """The lanes in which something is due that may be sent."""
    rows = database.rows(
        "SELECT DISTINCT a.lane FROM attempt a LEFT JOIN campaign c ON c.id = a.campaign_id "
        "WHERE a.state = 'queued' AND a.due_at <= %s "
        f"AND (a.campaign_id IS NULL OR (c.state = 'running' AND NOT {STOPPED}))",
        (now,),
    )
    return [Lane(lane) for (lane,) in rows]
