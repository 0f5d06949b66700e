"""The service at rest: when what it counts once, after people were put on the roster, is through.

The first count of a roster goes through everybody for some seconds or a minute. It comes once after an import, whatever is
measured then, and takes a good part of a core from it.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg

from bench.failure import BenchFailed
from bench.stage import Stage
from bot.evaluation import figures
from bot.followup import gathering

_POLL: Final = 0.1
#: Seconds that the first count may take.
_LIMIT: Final = 600.0
_RIGHT: Final = """
SELECT count(*) FROM figure_snapshot WHERE kind = ANY(%s) AND body -> 'people' ->> 'right_at' IS NOT NULL
"""


def await_counted(stage: Stage) -> None:
    """Wait until the figures and the people to follow up were counted once; raises ``BenchFailed``.

    Only where the lane of sweeps and the clock are running.
    """
    kinds = [figures.KIND, gathering.KIND]
    until = time.monotonic() + _LIMIT
    with psycopg.connect(stage.database_url, autocommit=True) as connection:
        while True:
            row = connection.execute(_RIGHT, (kinds,)).fetchone()
            if row is not None and row[0] == len(kinds):
                return
            stage.check_alive()
            if time.monotonic() > until:
                raise BenchFailed(f"the roster was not counted within {_LIMIT:.0f} s")
            time.sleep(_POLL)
