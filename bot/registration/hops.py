"""Where workers stand in their conversations: turns are copied from the stream to PostgreSQL, many at a time.

From there also comes that somebody has talked to us, and has proved who they are: no statement says so while they wait.
A batch is written once, however often it is read: its number is written in the same transaction, and it leaves the stream
only after that. Turns are kept for a month; of each worker the last one is kept besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
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

# Workers are locked in the order of their numbers, and changed where ``updated_at`` tells those who count what is new: a turn
# may come late.
_COPY = """
WITH fresh AS (
    INSERT INTO hop_batch (number, at) SELECT n, %(now)s::timestamptz FROM unnest(%(numbers)s::bigint[]) n ORDER BY n
    ON CONFLICT DO NOTHING RETURNING number
), told AS MATERIALIZED (
    SELECT t.at, t.worker_id, t.visit, t.channel, t.flow, t.state, t.is_proven, t.place
    FROM unnest(%(batch)s::bigint[], %(at)s::timestamptz[], %(worker)s::bigint[], %(visit)s::int[], %(channel)s::text[],
                %(flow)s::text[], %(state)s::text[], %(is_proven)s::boolean[])
         WITH ORDINALITY AS t (number, at, worker_id, visit, channel, flow, state, is_proven, place)
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
), progress AS (
    SELECT w.id, t.started_at, t.verified_at
    FROM (SELECT worker_id, min(at) AS started_at, min(at) FILTER (WHERE is_proven) AS verified_at FROM told
          WHERE worker_id IS NOT NULL GROUP BY worker_id) t
    JOIN worker w ON w.id = t.worker_id
    WHERE w.started_at IS NULL OR (w.verified_at IS NULL AND t.verified_at IS NOT NULL)
    ORDER BY w.id FOR NO KEY UPDATE OF w
), noted AS (
    UPDATE worker w SET started_at = coalesce(w.started_at, p.started_at),
        verified_at = coalesce(w.verified_at, p.verified_at), updated_at = %(now)s
    FROM progress p WHERE w.id = p.id
)
SELECT count(*) FROM told
"""

_DELETE = f"""
DELETE FROM hop_batch WHERE {LAZILY} AND ctid = ANY(ARRAY(SELECT ctid FROM hop_batch WHERE at < %(before)s LIMIT %(most)s))
RETURNING 1
"""


def copy(client: redis.Redis, database: Database, now: datetime) -> tuple[int, int]:
    """Copy the oldest turns of the stream: returns (batches that were there, turns that were written).

    Raises ``redis.RedisError`` and ``bot.away.Away``; then nothing is lost, and nothing will be written twice.
    """
    batches = oldest(client, _AT_ONCE)
    if not batches:
        return 0, 0
    written: int = database.value(_COPY, _columns(batches, now))
    drop(client, batches)
    return len(batches), written


def drop_old(database: Database, now: datetime, most: int = _DELETED) -> int:
    """Forget some of the numbers of batches that are out of the stream; returns how many went, 0 once none is left.

    The turns themselves go with other personal data (``bot.privacy``).
    """
    return len(database.rows(_DELETE, {"before": now - _NUMBERS_KEPT, "most": most}))


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
        "is_proven": [hop.is_proven for _, hop in told],
    }
