"""What campaigns have handed over, in SMS parts, and the caps on what that may cost: of each campaign, and of each day."""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal

from bot.db.database import Database
from bot.db.prepared import LAZILY, Prepared
from bot.messaging.leases import Lease


class Cap(enum.StrEnum):
    """A cap that would be passed, as the admin reads it."""

    CAMPAIGN = "the campaign has reached its cap"
    DAY = "the day's cap is reached"


# Both rows are locked, the campaign's first, before anything is decided: of two workers that want the last of a cap, one
# gets it. The day's row must be there, so that there is something to lock.
_RESERVE = Prepared(f"""
WITH c AS MATERIALIZED (
    SELECT id, segments, most_cost FROM campaign WHERE id = %(campaign)s FOR NO KEY UPDATE
), d AS MATERIALIZED (
    SELECT s.day, s.segments FROM c JOIN spending s ON s.day = %(day)s FOR NO KEY UPDATE OF s
), verdict AS MATERIALIZED (
    SELECT c.id, d.day, coalesce((c.segments + %(segments)s) * %(price)s::numeric > c.most_cost, false) AS campaign_full,
           coalesce((d.segments + %(segments)s) * %(price)s::numeric > %(most_a_day)s::numeric, false) AS day_full
    FROM c CROSS JOIN d
), charged AS (
    UPDATE campaign SET segments = campaign.segments + %(segments)s FROM verdict v
    WHERE campaign.id = v.id AND NOT v.campaign_full AND NOT v.day_full AND {LAZILY}
), spent AS (
    UPDATE spending SET segments = spending.segments + %(segments)s FROM verdict v
    WHERE spending.day = v.day AND NOT v.campaign_full AND NOT v.day_full
)
SELECT campaign_full, day_full FROM verdict
""")


def reserve(
    database: Database, lease: Lease, segments: int, price: Decimal | None, most_a_day: Decimal | None, day: date
) -> Cap | None:
    """Count ``segments`` parts that are about to be handed over; the cap that forbids it, and then nothing is counted.

    ``price``: of a part, None for no caps. Raises ``DatabaseAway``.
    """
    parameters = {
        "campaign": lease.campaign_id,
        "segments": segments,
        "price": price,
        "most_a_day": most_a_day,
        "day": day,
    }
    # Not waited for on disk: the submission of the same attempt, which comes next, is.
    found = database.said(_RESERVE, parameters)
    if not found:
        database.rows("INSERT INTO spending (day, segments) VALUES (%s, 0) ON CONFLICT DO NOTHING", (day,))
        found = database.said(_RESERVE, parameters)
    if not found:
        raise LookupError(f"there is no campaign {lease.campaign_id}")
    [(campaign_full, day_full)] = found
    if campaign_full:
        return Cap.CAMPAIGN
    return Cap.DAY if day_full else None


def give_back(database: Database, lease: Lease, segments: int, day: date) -> None:
    """Parts that were counted on ``day`` have not been sent after all: they are free again. Raises ``DatabaseAway``."""
    with database.transaction() as connection:
        # The campaign's row first, as above.
        connection.execute(
            "UPDATE campaign SET segments = greatest(0, segments - %s) WHERE id = %s", (segments, lease.campaign_id)
        )
        connection.execute("UPDATE spending SET segments = greatest(0, segments - %s) WHERE day = %s", (segments, day))
