"""Claims that got no answer: PostgreSQL went away, and nobody knows whether it had carried them out.

What they claimed would wait until its lease is over, with everything that is said to the same people behind it. So whoever
claimed gives it back as soon as PostgreSQL answers again, and once more a little later: a server that was only held up may
carry out what it was told after it has answered somebody else.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from bot.db.database import Database
from bot.messaging.leases import give_back_claims
from bot.messaging.outbox import Lane

#: Seconds after the first giving back in which a claim may still be carried out.
_LATE: Final = 2.0


class DoubtfulClaims:
    """Those of one lane and one process."""

    def __init__(self, database: Database, lane: Lane) -> None:
        self._database = database
        self._lane = lane
        self._moments: dict[datetime, float | None] = {}  # when each was first given back, by the machine's clock

    def note(self, claimed_at: datetime) -> None:
        """A claim of this moment got no answer."""
        self._moments[claimed_at] = None

    def give_back(self) -> None:
        """Queue again what they claimed, if there are any; raises ``bot.away.Away``."""
        if not self._moments:
            return
        give_back_claims(self._database, self._lane, list(self._moments))
        now = time.monotonic()
        given_back = {moment: first or now for moment, first in self._moments.items()}
        self._moments = {moment: first for moment, first in given_back.items() if now - first < _LATE}
