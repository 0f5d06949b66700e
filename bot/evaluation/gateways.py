"""What gateways made of the messages of the last hour, counted by a worker and kept for the page.

Counted by attempts that were handed over within the hour, and what has become of their messages by now. What was refused
for the moment and is tried again is not in it: it waits once more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.db.database import Database

_KIND: Final = "gateways"
SPAN: Final = timedelta(hours=1)
#: How often it is counted; and as much longer as makes it cost a fiftieth of a core at most.
EVERY: Final = timedelta(seconds=8)
_SHARE: Final = 50

# A message that a receipt calls undelivered was accepted all the same: it has the gateway's id.
_ACCEPTED = "m.state IN ('accepted', 'delivered') OR (m.state = 'rejected' AND m.provider_id IS NOT NULL)"
_COUNT = f"""
SELECT a.gateway, count(*) FILTER (WHERE {_ACCEPTED}),
       count(*) FILTER (WHERE m.state = 'rejected' AND m.provider_id IS NULL),
       count(*) FILTER (WHERE m.state = 'unknown'),
       max(a.submitted_at) FILTER (WHERE {_ACCEPTED})
FROM attempt a JOIN message m ON m.attempt_id = a.id
WHERE a.submitted_at > %(since)s AND a.submitted_at <= %(now)s GROUP BY a.gateway
"""
_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(now)s, %(took)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


@dataclass(frozen=True, slots=True)
class Hour:
    """What a gateway made of an hour's messages. ``last_success``: when it last took one, as far back as we know."""

    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    last_success: datetime | None = None

    @property
    def handed_over(self) -> int:
        """All of them."""
        return self.accepted + self.refused + self.unknown

    @property
    def failed(self) -> int:
        """Those that it did not take, as far as anybody knows."""
        return self.refused + self.unknown


@dataclass(frozen=True, slots=True)
class Counted:
    """The hour before ``as_of``, by gateway."""

    as_of: datetime
    by_gateway: dict[str, Hour]


def kept(database: Database) -> Counted | None:
    """What was counted last."""
    row = database.row("SELECT as_of, body FROM figure_snapshot WHERE kind = %s", (_KIND,))
    return None if row is None else Counted(row[0], {name: _hour(values) for name, values in row[1].items()})


def make(database: Database, now: datetime) -> bool:
    """Count if that is due; returns whether it was. Raises ``DatabaseAway``."""
    row = database.row("SELECT as_of, took_ms FROM figure_snapshot WHERE kind = %s", (_KIND,))
    if row is not None and row[0] <= now < row[0] + max(EVERY / 2, timedelta(milliseconds=_SHARE * row[1])):
        return False
    began = time.monotonic()
    before = kept(database)
    found = {
        name: Hour(accepted, refused, unknown, last)
        for name, accepted, refused, unknown, last in database.rows(_COUNT, {"since": now - SPAN, "now": now})
    }
    body: dict[str, Any] = {}
    for name in sorted({*found, *(before.by_gateway if before else {})}):
        hour = found.get(name, Hour())
        last = hour.last_success or (before.by_gateway.get(name, Hour()).last_success if before else None)
        body[name] = [hour.accepted, hour.refused, hour.unknown, last and last.isoformat()]
    took = round((time.monotonic() - began) * 1000)
    database.rows(_KEEP, {"kind": _KIND, "now": now, "took": took, "body": Jsonb(body)})
    return True


def _hour(values: list[Any]) -> Hour:
    accepted, refused, unknown, last = values
    return Hour(accepted, refused, unknown, last and datetime.fromisoformat(last))
