"""Keeping something of every worker right: whom something happened to at once, and everybody else in turn.

A look takes in those who were touched since the last one (``bot.registration.touched``) and some hundreds of the others,
so that what left no trace is found within hours. At first, and when more has happened than a look can take in, it
goes through everybody as fast as it may, and what is kept is ``behind`` until such a round has been made in peace.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from bot.registration.touched import Cursor, look_from_here, touched

#: Whom a look takes in at most: of those touched, of those in turn, and in one statement of a fast round.
MOST: Final = 40_000
IN_TURN: Final = 1_500
_AT_ONCE: Final = 10_000
#: Seconds that a look of a fast round goes on.
_FAST: Final = 2.0
#: How far behind is put up with while a blast leaves, which needs the database more, and while more happens than a look can
#: take in, which would disturb a fast round before it is through.
GIVES_WAY: Final = timedelta(seconds=60)

_LEAVING = """
SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign_id
WHERE a.lane = 'blast' AND a.state = 'queued' AND a.due_at <= %s AND c.state = 'running' LIMIT 1
"""
_STRETCH: Final = "{id} > %(after)s AND {id} <= %(upto)s"
_NEXT = "SELECT id FROM worker WHERE id > %s ORDER BY id OFFSET %s LIMIT 1"


@dataclass(frozen=True, slots=True)
class Which:
    """Some workers: a condition in which ``{id}`` is the column of their ids, and its parameters."""

    condition: str
    parameters: dict[str, Any]

    def of(self, column: str) -> str:
        """The condition on a column."""
        return self.condition.format(id=column)


@dataclass(frozen=True, slots=True)
class Round:
    """How far everybody is gone through. ``walked``: the last id. A fast round goes on to the last worker and, when it has
    ``turned``, from the first one to ``began_after``, where it was when more happened than a look can take in.

    ``right_at``: as of when all that is kept is right; None before the first round, of ``began_at``, is through.
    """

    cursor: Cursor
    walked: int = 0
    behind: bool = True
    began_after: int = 0
    turned: bool = False
    right_at: datetime | None = None
    began_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """To be kept."""
        return {
            "cursor": self.cursor.as_json(),
            "walked": self.walked,
            "behind": self.behind,
            "began_after": self.began_after,
            "turned": self.turned,
            # For the release before, which goes on to the end and then through everybody.
            "disturbed": self.began_after > 0 and not self.turned,
            "right_at": None if self.right_at is None else self.right_at.isoformat(),
            "began_at": None if self.began_at is None else self.began_at.isoformat(),
        }

    @staticmethod
    def from_json(kept: dict[str, Any]) -> Round:
        """As ``as_json`` made it."""
        right_at, began_at = kept["right_at"], kept.get("began_at")
        disturbed_before = kept["walked"] if kept["disturbed"] else 0
        return Round(
            Cursor.from_json(kept["cursor"]),
            kept["walked"],
            kept["behind"],
            kept.get("began_after", disturbed_before),
            kept.get("turned", False),
            None if right_at is None else datetime.fromisoformat(right_at),
            None if began_at is None else datetime.fromisoformat(began_at),
        )


def look(
    connection: psycopg.Connection[Any],
    kept: Round | None,
    now: datetime,
    put_right: Callable[[Which], None],
    pace: float = 1.0,
) -> Round:
    """One look, within a transaction; ``put_right`` writes what is now so of some workers. Returns where it ended.

    ``pace``: how fast the clock may run (``bot.clock.pace_of``): patience is by the machine, whose work is spared by it.
    """
    leaving = connection.execute(_LEAVING, (now,)).fetchone() is not None
    if kept is None or kept.cursor.at > now:  # the first, or the clock was set back
        kept = Round(look_from_here(connection, None, now), began_at=now)
        return _go_on(connection, kept, now, put_right, fast=True)
    cursor = look_from_here(connection, kept.cursor, now)
    found = touched(connection, kept.cursor, MOST)
    if found.workers:
        put_right(Which("{id} = ANY(%(ids)s)", {"ids": found.workers}))
    kept = replace(kept, cursor=cursor)
    if found.too_many:
        kept = replace(kept, behind=True, began_after=kept.walked, turned=False)
    since = kept.right_at or kept.began_at
    patient = (leaving or found.too_many) and since is not None and now - since < GIVES_WAY * pace
    return _go_on(connection, kept, now, put_right, fast=kept.behind and not patient)


def _go_on(
    connection: psycopg.Connection[Any], kept: Round, now: datetime, put_right: Callable[[Which], None], *, fast: bool
) -> Round:
    """Take in the next in turn: some, or as many as there is time for."""
    stop = time.monotonic() + (_FAST if fast else 0.0)
    while True:
        last = connection.execute(_NEXT, (kept.walked, (_AT_ONCE if fast else IN_TURN) - 1)).fetchone()
        if fast and kept.turned and (last is None or last[0] >= kept.began_after):
            put_right(Which(_STRETCH, {"after": kept.walked, "upto": kept.began_after}))
            kept = replace(kept, walked=kept.began_after, behind=False)
        elif last is None:
            put_right(Which("{id} > %(after)s", {"after": kept.walked}))
            kept = replace(kept, walked=0, turned=True, behind=kept.behind and kept.began_after > 0)
        else:
            put_right(Which(_STRETCH, {"after": kept.walked, "upto": last[0]}))
            kept = replace(kept, walked=int(last[0]))
        if not kept.behind or time.monotonic() >= stop:
            break
    return kept if kept.behind else replace(kept, right_at=now)
