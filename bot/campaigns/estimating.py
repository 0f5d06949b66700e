"""About how many an audience has, from a sample of the roster: in milliseconds, while an admin still chooses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg

from bot.campaigns import recipients
from bot.campaigns.record import Campaign
from bot.db.database import Database, DatabaseAway

#: Workers that are looked at; up to so many the count is exact.
LOOKED_AT: Final = 3_000
#: Milliseconds that looking may take.
_LIMIT: Final = 60

# Each of the sample is looked up by itself: a plan for the whole roster would take seconds.
_HASTE = f"""SET LOCAL statement_timeout = {_LIMIT}; SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"""
_ROSTER = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'worker'::regclass"
_COUNT = "SELECT language, time_zone, count(*) FROM ({who}) AS who GROUP BY 1, 2"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Recipients by language and by time zone. ``exact``: everybody was looked at; ``sampled``: how many were found."""

    exact: bool
    sampled: int
    languages: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, int] = field(default_factory=dict)

    @property
    def recipients(self) -> int:
        """All of them."""
        return sum(self.languages.values())


def estimate(database: Database, campaign: Campaign, now: datetime) -> Estimate | None:
    """About how many recipients a campaign would have; None where that cannot be told in time.

    The sample is the same for whatever is chosen, so that what is chosen makes the difference.
    """
    chosen = recipients.selection(campaign, now)
    try:
        with database.transaction() as connection:
            connection.execute(_HASTE)
            sampled, weight = _sample(connection, campaign.audience)
            sql = _COUNT.format(who=chosen.sql.replace("FROM worker w JOIN", f"FROM worker w{sampled} JOIN"))
            rows = connection.execute(sql.encode(), chosen.parameters, prepare=False).fetchall()
    except DatabaseAway:
        return None
    languages, zones, found = Counter[str](), Counter[str](), 0
    for language, time_zone, many in rows:
        found += many
        languages[language] += round(many * weight)
        zones[time_zone] += round(many * weight)
    return Estimate(not sampled, found, languages, zones)


def _sample(connection: psycopg.Connection[Any], audience: Mapping[str, Any]) -> tuple[str, float]:
    """How the roster is sampled, and for how many each of the sample stands: for themselves, where all are looked at.

    A list of numbers is found by its index, however long the roster is.
    """
    if len(audience.get("phones", ())) in range(1, LOOKED_AT):
        return "", 1.0
    row = connection.execute(_ROSTER).fetchone()
    many = 0 if row is None else int(row[0])
    if many <= LOOKED_AT:
        return "", 1.0
    sampled = f" TABLESAMPLE SYSTEM ({100 * LOOKED_AT / many:.6f}) REPEATABLE (1)"
    row = connection.execute(f"SELECT count(*) FROM worker{sampled}".encode()).fetchone()
    return sampled, many / max(1, 0 if row is None else int(row[0]))
