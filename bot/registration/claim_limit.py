"""For how many people one strange number may speak: enough for a family or a ward, too few to fill a campaign's places.

Whoever has a list of other people's NIKs could else book for all of them from one phone, and each would be told by an SMS.
Counted are the claims that a number opened in the last week, whatever became of them. A number that has reached the limit
hears the same of whomever else it names, listed or not, and goes on to serve those whom it named before.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

MOST_PEOPLE: Final = 10
WITHIN: Final = timedelta(days=7)

#: Keeps these locks apart from those of NIKs, which have one number.
_LOCKS: Final = 0x636C
_COUNT = """
SELECT count(*) FILTER (WHERE opened_at > %(since)s) >= %(most)s AND NOT coalesce(bool_or(worker_id = %(worker)s), false)
FROM phone_claim WHERE phone = %(phone)s
"""


def speaks_for_too_many(connection: psycopg.Connection[Any], phone: str, worker_id: int | None, now: datetime) -> bool:
    """Whether a number may not name this worker (None: somebody who is not found) as well; within a transaction.

    Until that ends, the number's other requests wait, so that they are not counted past each other.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCKS, phone))
    values = {"since": now - WITHIN, "most": MOST_PEOPLE, "worker": worker_id, "phone": phone}
    row = connection.execute(_COUNT, values).fetchone()
    return bool(row and row[0])
