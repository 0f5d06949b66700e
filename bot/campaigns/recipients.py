"""Whom a campaign goes to, at the moment that is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from bot.campaigns.audience import MAY_BE_SENT_TO, parse_audience
from bot.campaigns.record import DEFAULT_LANGUAGE, Campaign
from bot.campaigns.texts import placeholders_in
from bot.db.database import Database

#: Placeholders that speak of a booking: whoever has none is left out of a campaign that uses one.
OF_A_BOOKING = frozenset({"ticket", "place", "time"})

# The next place to come if there are several (doses), else the last one.
_BOOKING = """JOIN LATERAL (
    SELECT k.id FROM booking k JOIN vaccination_session s ON s.id = k.session_id
    WHERE k.worker_id = w.id AND k.state = 'booked' ORDER BY s.ends_at <= %(now)s, s.starts_at LIMIT 1) b ON true"""

#: Half a million recipients are sorted within memory, and joined by hashing: the planner, which cannot know how many
#: there are, may think of few and go through one list for each row of another, which takes minutes.
_ROOM = (
    "SET LOCAL work_mem = '256MB'",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL jit = off",
    "SET LOCAL statement_timeout = 0",
)


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT that gives worker_id, phone, language, time_zone, district and booking_id, one row for each recipient."""

    sql: str
    parameters: dict[str, object]


def selection(campaign: Campaign, now: datetime) -> Selection:
    """Who is in the audience and may be sent to, in a language that the campaign has a text in."""
    audience = parse_audience(campaign.audience)
    needed = OF_A_BOOKING & frozenset().union(*(placeholders_in(body) for body in campaign.texts.values()))
    booking_id, joined = "NULL::bigint", ""
    if needed or audience.names_booked:
        booking_id, joined = "b.id", _BOOKING if needed else f"LEFT {_BOOKING}"
    sql = f"""
    SELECT w.id AS worker_id, w.phone, d.time_zone, d.code AS district, {booking_id} AS booking_id,
           CASE WHEN w.language = ANY(%(languages)s) THEN w.language ELSE '{DEFAULT_LANGUAGE}' END AS language
    FROM worker w JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code) {joined}
    WHERE ({audience.condition}) AND ({MAY_BE_SENT_TO})"""
    return Selection(sql, {**audience.parameters, "languages": sorted(campaign.texts), "now": now})


def count(database: Database, campaign: Campaign, now: datetime) -> int:
    """How many recipients a campaign has: those on record, or those that it would have now."""
    if campaign.recipients is not None:
        return campaign.recipients
    chosen = selection(campaign, now)
    with database.transaction() as connection:
        make_room(connection)
        row = connection.execute(f"SELECT count(*) FROM ({chosen.sql}) AS who".encode(), chosen.parameters).fetchone()
    return 0 if row is None else int(row[0])


def make_room(connection: psycopg.Connection[Any]) -> None:
    """Let this transaction's statements go through the whole roster as they must."""
    for setting in _ROOM:
        connection.execute(setting.encode())
