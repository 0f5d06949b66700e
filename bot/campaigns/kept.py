"""Figures of campaigns that take too long for a page: counted by a worker, kept, and read from there.

``count`` keeps how far a campaign has come, ``look`` what it would do. A preview belongs to the campaign as it was, by its
``fingerprint``: one of another text or audience is none.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.campaigns.composing import Composer
from bot.campaigns.measuring import Longest
from bot.campaigns.preview import Price, preview
from bot.campaigns.record import Campaign, State, by_id
from bot.campaigns.status import status
from bot.config import SendingWindow
from bot.db.database import Database

#: Recipients that may be counted while a page waits: some milliseconds.
COUNTED_AT_ONCE: Final = 5_000
#: How old counts may be, at least and in times of what counting takes; receipts of what is over still come.
_FRESH, _SHARE, _FRESH_WHEN_OVER = timedelta(seconds=2), 10, timedelta(seconds=30)

#: The longest names change with the roster alone.
_NAMES, _NAMES_LAST = "longest-names", timedelta(hours=1)

_LONGEST = """
SELECT (SELECT coalesce(max(length(name)), 0) FROM worker), (SELECT coalesce(max(length(name)), 0) FROM district),
       (SELECT coalesce(max(length(name)), 0) FROM facility)
"""
_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%s, %s, %s, %s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
WHERE figure_snapshot.as_of <= EXCLUDED.as_of
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """Figures as they were at a moment. ``took``: seconds of counting."""

    as_of: datetime
    took: float
    body: Mapping[str, Any]


def fingerprint(campaign: Campaign) -> str:
    """What an admin looks at before they approve or send: it changes with everything that would change what leaves."""
    shown = campaign.as_json()
    named = (
        *("name", "audience", "texts", "gateway", "rate"),
        *("ignore_quiet_hours", "start_at", "deadline_at", "most_cost"),
    )
    text = json.dumps({name: shown[name] for name in named}, sort_keys=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _counts(number: int) -> str:
    return f"campaign:{number}"


def _preview(number: int) -> str:
    return f"campaign-preview:{number}"


def count(database: Database, number: int, now: datetime) -> None:
    """Keep how far a campaign has come. Idempotent; nothing happens where there is none."""
    campaign = by_id(database, number)
    if campaign is not None:
        began = time.monotonic()
        keep(database, _counts(number), now, began, status(database, campaign.name, now).as_json())


def counted(database: Database, campaign: Campaign, now: datetime) -> tuple[Kept | None, bool]:
    """How far a campaign has come, and whether it should be counted anew. A small one is counted here and now."""
    if (campaign.recipients or 0) <= COUNTED_AT_ONCE:
        return Kept(now, 0.0, status(database, campaign.name, now).as_json()), False
    found = find(database, _counts(campaign.id))
    if found is None:
        return None, True
    over = campaign.state in (State.FINISHED, State.CANCELLED) and found.body["state"] == campaign.state
    patience = max(_FRESH_WHEN_OVER if over else _FRESH, timedelta(seconds=_SHARE * found.took))
    return found, not found.as_of <= now < found.as_of + patience


def look(
    database: Database, number: int, composer: Composer, now: datetime, *, window: SendingWindow, price: Price
) -> None:
    """Keep what a campaign would do. ``database``: one without a time limit. Idempotent."""
    campaign = by_id(database, number)
    if campaign is None or campaign.recipients is not None:
        return
    began = time.monotonic()
    found = preview(database, campaign, composer, now, window=window, price=price, mask_all=True)
    keep(database, _preview(number), now, began, found.as_json() | {"of": fingerprint(campaign)})


def looked_at(database: Database, campaign: Campaign) -> Kept | None:
    """What a campaign would do, if that is known of it as it is."""
    found = find(database, _preview(campaign.id))
    return found if found is not None and found.body["of"] == fingerprint(campaign) else None


def measure_names(database: Database, now: datetime) -> None:
    """Keep how long the longest names are."""
    began = time.monotonic()
    row = database.row(_LONGEST)
    name, district, place = (0, 0, 0) if row is None else row
    keep(database, _NAMES, now, began, {"name": name, "district": district, "place": place})


def longest_names(database: Database, now: datetime) -> tuple[Longest, bool]:
    """The longest names that are known, or as long as lists may have, and whether they should be measured anew."""
    found = find(database, _NAMES)
    if found is None:
        return Longest(), True
    return Longest(**found.body), not found.as_of <= now < found.as_of + _NAMES_LAST


def forget(database: Database, number: int) -> None:
    """Forget what a campaign would do, so that it is looked at anew."""
    database.rows("DELETE FROM figure_snapshot WHERE kind = %s", (_preview(number),))


def keep(database: Database, kind: str, as_of: datetime, began: float, body: Mapping[str, Any]) -> None:
    """Keep figures of a kind, unless newer ones are kept. ``began``: by the monotonic clock."""
    took = round((time.monotonic() - began) * 1000)
    database.rows(_KEEP, (kind, as_of, took, Jsonb(dict(body))))


def find(database: Database, kind: str) -> Kept | None:
    """The figures of a kind that are kept."""
    row = database.row("SELECT as_of, took_ms / 1000.0::float8, body FROM figure_snapshot WHERE kind = %s", (kind,))
    return None if row is None else Kept(*row)
