"""The service at rest: when what it counts once, after people were put on the roster or many got a message, is through.

The first count of a roster goes through everybody for some seconds or a minute, and so do those after it, as long as the import
or the blast is something that has just happened to everybody. That comes once, whatever is measured then, and takes a good part
of a core from it. A roster no longer than what every look takes in anyway costs no more at first than ever after.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

import psycopg

from bench.failure import BenchFailed
from bench.stage import Stage
from bot.clock import RealClock
from bot.evaluation import figures
from bot.followup import gathering
from bot.registration.rounds import IN_TURN
from bot.registration.touched import OPEN

_POLL: Final = 0.2
#: Seconds that the first count may take.
_LIMIT: Final = 600.0
_AT_REST: Final = """
SELECT count(*) FROM figure_snapshot
WHERE kind = ANY(%s) AND NOT (body -> 'people' -> 'behind')::boolean
    AND (body -> 'people' -> 'cursor' ->> 'at')::timestamptz - %s > %s
"""


def await_counted(stage: Stage) -> None:
    """Wait until a look counts those alone whom something happens to from now on; raises ``BenchFailed``.

    Only where the lane of sweeps and the clock are running.
    """
    kinds = [figures.KIND, gathering.KIND]
    until = time.monotonic() + _LIMIT
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        people, imported = connection.execute("SELECT count(*), max(updated_at) FROM worker").fetchone() or (0, None)
        many = people > IN_TURN
        margin, since = (OPEN, RealClock().now()) if many else (timedelta(), imported)
        while True:
            row = connection.execute(_AT_REST, (kinds, margin, since)).fetchone()
            if row is not None and row[0] == len(kinds):
                return
            stage.check_alive()
            if time.monotonic() > until:
                raise BenchFailed(f"the roster was not counted within {_LIMIT:.0f} s")
            time.sleep(_POLL)
