"""Counts what one blast has come to, district by district, in single passes over what its recipients have done since.

What is put down to a message: the first thing that a recipient did after it was handed over, before the next campaign's
message to them was, and before registration closed. Who had booked before counts for nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import psycopg

from bot.campaigns.progress import HOME, PLACES_LEFT, TO_COME
from bot.evaluation.blast_figures import COUNT_NAMES, HOURS, OTHER_OPERATOR
from bot.phone import operator_of
from bot.registration.closing import CLOSES_AT, GRACE
from bot.registration.hops import STOPS

_FIRST = ", ".join(
    f"CASE WHEN {moment} >= sent_at AND {moment} < until THEN {moment} END"
    for moment in ("started_at", "verified_at", "confirmed_at", "screened_at", "held_at", "booked_at")
)

# One row for each recipient. The time of a message is that of its attempt: its own moves on with each receipt. What came next
# to somebody is asked of those alone who did something.
_TOLD = f"""
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
WITH mine AS MATERIALIZED (
    SELECT m.worker_id, m.phone, m.state, m.reason, m.provider_id IS NOT NULL AS taken,
           CASE WHEN m.state IN ('accepted', 'delivered', 'rejected', 'unknown') THEN a.submitted_at END AS sent_at
    FROM attempt a JOIN message m ON m.attempt_id = a.id WHERE a.campaign_id = %(campaign)s
), booked AS MATERIALIZED (
    SELECT worker_id, min(booked_at) AS booked_at, min(created_at) AS held_at,
           bool_or(state IN ('booked', 'attended', 'no_show')) AS holds
    FROM booking WHERE dose = 1 GROUP BY worker_id
), done AS MATERIALIZED (
    SELECT x.worker_id, {HOME} AS home, left(x.phone, 6) AS prefix, x.state, x.reason, x.taken, x.sent_at, b.booked_at,
           b.held_at, b.holds, w.started_at, w.verified_at, w.confirmed_at, s.screened_at, s.outcome, o.since
    FROM mine x JOIN worker w ON w.id = x.worker_id LEFT JOIN booked b ON b.worker_id = x.worker_id
    LEFT JOIN screening s ON s.worker_id = x.worker_id LEFT JOIN opt_out o ON o.phone = x.phone
), next AS MATERIALIZED (
    SELECT x.worker_id, min(a.submitted_at) AS at
    FROM done x JOIN message m ON m.worker_id = x.worker_id JOIN attempt a ON a.id = m.attempt_id
    WHERE greatest(started_at, verified_at, confirmed_at, screened_at, held_at, booked_at, since) >= x.sent_at
      AND m.campaign_id <> %(campaign)s AND a.submitted_at > x.sent_at AND m.state IN ('accepted', 'delivered')
      AND m.booking_id IS NULL
    GROUP BY x.worker_id
), joined AS (
    SELECT done.*, n.at AS next_at, coalesce(least(n.at, {CLOSES_AT} + %(grace)s), 'infinity') AS until
    FROM done LEFT JOIN next n ON n.worker_id = done.worker_id
)
SELECT worker_id, until, home, prefix, state, reason, sent_at, taken OR state IN ('accepted', 'delivered') AS taken, holds,
       coalesce(booked_at < sent_at, false) AS before,
       state IN ('accepted', 'delivered') AND NOT coalesce(booked_at < sent_at, false) AS invited,
       CASE WHEN booked_at >= sent_at AND booked_at < until THEN booked_at END AS registered_at,
       least({_FIRST}) AS answered_at,
       CASE WHEN booked_at < until THEN 'booked' WHEN held_at < until THEN 'held'
            WHEN screened_at < until AND outcome = 'deferred' THEN 'deferred' WHEN screened_at < until THEN 'screened'
            WHEN confirmed_at < until THEN 'confirmed' WHEN verified_at < until THEN 'verified' ELSE 'started' END AS step,
       coalesce(since >= sent_at AND since < coalesce(next_at, 'infinity'), false) AS opted_out
FROM joined
"""

_HANDED_OVER = "state IN ('accepted', 'delivered', 'rejected', 'unknown')"


def _within(hours: int) -> str:
    return f"count(*) FILTER (WHERE invited AND registered_at < sent_at + interval '{hours} hours')"


_COUNTED: Final[Mapping[str, str]] = {
    "recipients": "count(*)",
    "waiting": "count(*) FILTER (WHERE state = 'queued')",
    "suppressed": "count(*) FILTER (WHERE state = 'suppressed')",
    "sent": f"count(*) FILTER (WHERE {_HANDED_OVER})",
    "accepted": f"count(*) FILTER (WHERE {_HANDED_OVER} AND taken)",
    "delivered": "count(*) FILTER (WHERE state = 'delivered')",
    "no_receipt": "count(*) FILTER (WHERE state = 'accepted')",
    "failed": "count(*) FILTER (WHERE state = 'rejected')",
    "unknown": "count(*) FILTER (WHERE state = 'unknown')",
    "booked_before": "count(*) FILTER (WHERE state IN ('accepted', 'delivered') AND before)",
    "invited": "count(*) FILTER (WHERE invited)",
    "answered": "count(answered_at) FILTER (WHERE invited)",
    "within_1": _within(1),
    "within_6": _within(6),
    "within_24": _within(24),
    "within_48": _within(48),
    "registered": "count(registered_at) FILTER (WHERE invited)",
    "given_up": "count(registered_at) FILTER (WHERE invited AND NOT holds)",
    "opted_out": "count(*) FILTER (WHERE state IN ('accepted', 'delivered') AND opted_out)",
    "without_message": "count(registered_at) FILTER (WHERE state IN ('rejected', 'unknown'))",
}
_COUNT = f"SELECT home, {', '.join(_COUNTED[name] for name in COUNT_NAMES)} FROM told GROUP BY home"
_REASONS = """
SELECT home, state, coalesce(reason, ''), count(*) FROM told WHERE state IN ('rejected', 'suppressed') GROUP BY 1, 2, 3
"""
_OPERATORS = f"""
SELECT home, prefix, count(*) FILTER (WHERE {_HANDED_OVER}), count(*) FILTER (WHERE state = 'delivered'),
       count(answered_at) FILTER (WHERE invited), count(registered_at) FILTER (WHERE invited)
FROM told GROUP BY 1, 2
"""
# Who says "this is me" leaves no trace but the next screen: where that was noted, it tells.
_STEPS = """
SELECT t.home, CASE WHEN l.worker_id IS NOT NULL THEN 'confirmed' ELSE t.step END, count(*)
FROM told t LEFT JOIN last_stop l ON t.step = 'verified' AND l.worker_id = t.worker_id AND l.state = ANY(%(screening)s)
    AND l.at >= t.sent_at AND l.at < t.until
WHERE t.invited AND t.answered_at IS NOT NULL GROUP BY 1, 2
"""
# The last screen that was noted of each who answered and did not register, before what came next. Who has gone on since
# stands elsewhere by now: of those alone the turns themselves are looked at.
_SCREENS = """
SELECT t.home, coalesce(CASE WHEN l.at < t.until THEN l.state END, h.state, ''), count(*)
FROM told t LEFT JOIN last_stop l ON l.worker_id = t.worker_id AND l.at >= t.sent_at
LEFT JOIN LATERAL (
    SELECT b.state FROM hop b WHERE l.at >= t.until AND b.worker_id = t.worker_id AND b.at >= t.sent_at AND b.at < t.until
    ORDER BY b.at DESC LIMIT 1
) h ON true
WHERE t.invited AND t.answered_at IS NOT NULL AND t.registered_at IS NULL GROUP BY 1, 2
"""
_BY_HOUR = """
SELECT home, floor(extract(epoch FROM {moment} - %(began)s) / 3600)::int AS hour, count(*) FROM told
WHERE invited AND {moment} < %(began)s + make_interval(hours => %(hours)s) GROUP BY 1, 2
"""
_WHEN = "SELECT min(sent_at), max(sent_at) FROM told"
_PLACES = f"SELECT f.district_code, {PLACES_LEFT}::bigint FROM {TO_COME} GROUP BY 1"


def count_blast(connection: psycopg.Connection[Any], campaign: int, now: datetime) -> dict[str, Any]:
    """The figures of a blast as JSON values, within the caller's transaction: when it began and ended, and of each
    district the counts and what they are made of."""
    connection.execute(_TOLD.encode(), {"campaign": campaign, "grace": GRACE}, prepare=False)
    began, ended = connection.execute(_WHEN).fetchone() or (None, None)
    districts: defaultdict[str, dict[str, Any]] = defaultdict(_empty)
    for home, *counts in connection.execute(_COUNT.encode()).fetchall():
        districts[home]["counts"] = counts
    for home, state, reason, many in connection.execute(_REASONS).fetchall():
        districts[home]["failed" if state == "rejected" else "suppressed"][reason] = many
    for home, prefix, *counts in connection.execute(_OPERATORS.encode()).fetchall():
        operators = districts[home]["operators"]
        operator = operator_of(prefix) or OTHER_OPERATOR
        known = operators.get(operator, [0] * len(counts))
        operators[operator] = [one + other for one, other in zip(known, counts, strict=True)]
    for home, step, many in connection.execute(_STEPS, {"screening": list(STOPS["screening"])}).fetchall():
        districts[home]["steps"][step] = many
    for home, screen, many in connection.execute(_SCREENS).fetchall():
        districts[home]["screens"][screen] = many
    if began is not None:
        for place, moment in enumerate(("answered_at", "registered_at")):
            hours = connection.execute(_BY_HOUR.format(moment=moment).encode(), {"began": began, "hours": HOURS})
            for home, hour, many in hours.fetchall():
                districts[home]["hours"].setdefault(str(hour), [0, 0])[place] = many
    for home, left in connection.execute(_PLACES.encode(), {"now": now}).fetchall():
        if home in districts:
            districts[home]["places_left"] = left
    return {"began": _iso(began), "ended": _iso(ended), "districts": dict(districts)}


def _empty() -> dict[str, Any]:
    return {"failed": {}, "suppressed": {}, "operators": {}, "steps": {}, "screens": {}, "hours": {}, "places_left": 0}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
