"""Where workers stand in their conversations: turns are copied from the stream to PostgreSQL, many at a time.

From there also comes that somebody has talked to us, and has proved who they are: no statement says so while they wait.
A batch is written once, however often it is read: its number is written in the same transaction, and it leaves the stream
only after that. Turns are kept for a month; of each worker the last one is kept besides.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import redis

from bot.conversation.hops import Batch, Hop, drop, oldest
from bot.db.database import Database
from bot.db.prepared import LAZILY

#: Batches copied in one transaction: each has the turns of one web process in one second.
_AT_ONCE: Final = 20
#: How long the numbers of batches are kept, which are out of the stream long before.
_NUMBERS_KEPT: Final = timedelta(days=3)
#: Rows deleted by one statement.
_DELETED: Final = 5000

#: The states of the registration flow in which somebody stands who has stopped at a place of ``stopped_at``.
STOPS: Final[Mapping[str, tuple[str, ...]]] = {
    "identify": ("birth_date", "nik", "nik_of_family", "birth_date_after_nik"),
    "confirm": ("confirm", "district_search", "districts", "district_unknown"),
    "screening": ("screening", "which"),
    "offer": ("offer", "next_offer", "places", "place_search", "no_such_place", "times", "no_times", "session_full"),
}

#: When each worker first talked to us, and first after they had proved who they are.
_Progress = Mapping[int, tuple[datetime, datetime | None]]
#: How often, and every how many seconds, workers are tried whose rows somebody else is just writing: a hop has soon done so.
_TRIES, _PAUSE = 10, 0.02

# Said before the turns are copied: their commit waits for the disk, and so for this one as well. Said once more it changes
# nothing. It waits for nobody who holds a row, since one who waits and holds others may be waited for: an import holds many.
# Says how many there were to change and how many were; ``updated_at`` tells those who count what is new: a turn may come late.
_PROGRESS = f"""
WITH due AS MATERIALIZED (
    SELECT w.id, t.started_at, t.verified_at
    FROM unnest(%(workers)s::bigint[], %(started)s::timestamptz[], %(verified)s::timestamptz[])
         AS t (id, started_at, verified_at) JOIN worker w ON w.id = t.id
    WHERE w.started_at IS NULL OR (w.verified_at IS NULL AND t.verified_at IS NOT NULL)
), free AS MATERIALIZED (
    SELECT w.id FROM worker w JOIN due ON due.id = w.id FOR NO KEY UPDATE OF w SKIP LOCKED
), noted AS (
    UPDATE worker w SET started_at = coalesce(w.started_at, due.started_at),
        verified_at = coalesce(w.verified_at, due.verified_at), updated_at = %(now)s
    FROM free JOIN due ON due.id = free.id WHERE w.id = free.id AND {LAZILY}
    RETURNING 1
)
SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM noted)
"""

_COPY = """
WITH fresh AS (
    INSERT INTO hop_batch (number, at) SELECT n, %(now)s::timestamptz FROM unnest(%(numbers)s::bigint[]) n ORDER BY n
    ON CONFLICT DO NOTHING RETURNING number
), told AS MATERIALIZED (
    SELECT t.at, t.worker_id, t.visit, t.channel, t.flow, t.state, t.place
    FROM unnest(%(batch)s::bigint[], %(at)s::timestamptz[], %(worker)s::bigint[], %(visit)s::int[], %(channel)s::text[],
                %(flow)s::text[], %(state)s::text[])
         WITH ORDINALITY AS t (number, at, worker_id, visit, channel, flow, state, place)
    JOIN fresh USING (number)
), kept AS (
    INSERT INTO hop (at, worker_id, visit, channel, flow, state)
    SELECT at, worker_id, visit, channel, flow, state FROM told ORDER BY at, place
), stops AS (
    INSERT INTO last_stop AS l (worker_id, at, channel, flow, state)
    SELECT DISTINCT ON (worker_id) worker_id, at, channel, flow, state FROM told WHERE worker_id IS NOT NULL
    ORDER BY worker_id, at DESC, place DESC
    ON CONFLICT (worker_id) DO UPDATE
        SET at = EXCLUDED.at, channel = EXCLUDED.channel, flow = EXCLUDED.flow, state = EXCLUDED.state
        WHERE l.at <= EXCLUDED.at
)
SELECT count(*) FROM told
"""

_DELETE = f"""
DELETE FROM hop_batch WHERE {LAZILY} AND ctid = ANY(ARRAY(SELECT ctid FROM hop_batch WHERE at < %(before)s LIMIT %(most)s))
RETURNING 1
"""


def copy(client: redis.Redis, database: Database, now: datetime) -> tuple[int, int]:
    """Copy the oldest turns of the stream: returns (batches that were there, turns that were written).

    (0, 0) also where somebody holds a worker of theirs for long: they stay for the next time. Raises ``redis.RedisError`` and
    ``bot.away.Away``; then nothing is lost, and nothing will be written twice.
    """
    batches = oldest(client, _AT_ONCE)
    if not batches or not _note_progress(database, _progress(batches), now):
        return 0, 0
    written: int = database.value(_COPY, _columns(batches, now))
    drop(client, batches)
    return len(batches), written


def drop_old(database: Database, now: datetime, most: int = _DELETED) -> int:
    """Forget some of the numbers of batches that are out of the stream; returns how many went, 0 once none is left.

    The turns themselves go with other personal data (``bot.privacy``).
    """
    return len(database.rows(_DELETE, {"before": now - _NUMBERS_KEPT, "most": most}))


def _progress(batches: list[Batch]) -> _Progress:
    """When each worker first talked to us, and first after they had proved who they are, by what these tell."""
    found: dict[int, tuple[datetime, datetime | None]] = {}
    for hop in sorted((hop for batch in batches for hop in batch.hops), key=attrgetter("at")):
        if hop.person is not None:
            first, proven = found.get(hop.person, (hop.at, None))
            found[hop.person] = (first, proven or (hop.at if hop.is_proven else None))
    return found


def _note_progress(database: Database, progress: _Progress, now: datetime) -> bool:
    """Write down who has talked to us and proved who they are; whether all of it is written."""
    if not progress:
        return True
    parameters = {
        "now": now,
        "workers": list(progress),
        "started": [first for first, _ in progress.values()],
        "verified": [proven for _, proven in progress.values()],
    }
    for _ in range(_TRIES):
        [(due, noted)] = database.rows(_PROGRESS, parameters)
        if noted == due:
            return True
        time.sleep(_PAUSE)
    return False


def _columns(batches: list[Batch], now: datetime) -> dict[str, object]:
    numbered = {batch.number: batch.hops for batch in batches if batch.hops}
    told: list[tuple[int, Hop]] = [(number, hop) for number, hops in numbered.items() for hop in hops]
    return {
        "now": now,
        "numbers": list(numbered),
        "batch": [number for number, _ in told],
        "at": [hop.at for _, hop in told],
        "worker": [hop.person for _, hop in told],
        "visit": [hop.visit for _, hop in told],
        "channel": [hop.channel for _, hop in told],
        "flow": [hop.flow for _, hop in told],
        "state": [hop.state for _, hop in told],
    }
