"""A campaign as it is on record."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from bot.db.database import Database, Row

#: Every campaign has a text in this language: whoever speaks none of its languages gets it.
DEFAULT_LANGUAGE = "id"


class CampaignError(ValueError):
    """What was asked of a campaign cannot be done; the text is one plain line for the admin."""


class NotNow(CampaignError):
    """The campaign is in a state in which that cannot be done."""


class State(enum.StrEnum):
    """draft -> approved -> running <-> paused -> finished; cancelled from anywhere before the end."""

    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A blast, or the reminders of one kind and day. ``texts``: by language, with their placeholders.

    ``rate``: messages a second, None for the gateway's own. ``deadline_at``: nothing leaves after it. ``recipients``:
    None until they are on record. ``paused_because``: what stopped it, if no admin did.
    """

    id: int
    name: str
    kind: str
    state: State
    audience: Mapping[str, Any]
    gateway: str
    rate: float | None
    ignore_quiet_hours: bool
    start_at: datetime | None
    deadline_at: datetime | None
    most_cost: Decimal | None
    recipients: int | None
    segments: int
    created_by: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    materialised_at: datetime | None
    paused_because: str | None
    ended_at: datetime | None
    texts: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The campaign as JSON values."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        shown |= {
            name: None if value is None else value.isoformat() for name, value in shown.items() if _is_moment(name)
        }
        return shown | {"most_cost": None if self.most_cost is None else str(self.most_cost)}


def _is_moment(name: str) -> bool:
    return name.endswith("_at")


_CAMPAIGN = """
SELECT c.id, c.name, c.kind, c.state, c.audience, c.gateway, c.rate, c.ignore_quiet_hours, c.start_at, c.deadline_at,
       c.most_cost, c.recipients, c.segments, c.created_by, c.created_at, c.approved_by, c.approved_at,
       c.materialised_at, c.paused_because, c.ended_at,
       (SELECT coalesce(jsonb_object_agg(t.language, t.body), '{}') FROM campaign_text t WHERE t.campaign_id = c.id)
FROM campaign c
"""


_WITHOUT_LISTS = _CAMPAIGN.replace("c.audience,", "c.audience - 'phones' - 'nik_hashes',")


def find(database: Database, name: str) -> Campaign:
    """The campaign of that name; raises ``CampaignError``."""
    row = database.row(f"{_CAMPAIGN} WHERE c.name = %s", (name,))
    if row is None:
        raise no_such(name)
    return _campaign(row)


def by_id(database: Database, number: int) -> Campaign | None:
    """The campaign of that id."""
    row = database.row(f"{_CAMPAIGN} WHERE c.id = %s", (number,))
    return None if row is None else _campaign(row)


def newest(database: Database, condition: str, parameters: Mapping[str, object], most: int) -> list[Campaign]:
    """The newest campaigns, ``c``, of which a condition holds; ``most`` at most, without their lists of people."""
    sql = f"{_WITHOUT_LISTS} WHERE {condition} ORDER BY c.id DESC LIMIT %(most)s"
    return [_campaign(row) for row in database.rows(sql, {**parameters, "most": most})]


def find_locked(connection: psycopg.Connection[Any], name: str) -> Campaign:
    """The campaign of that name, which nobody else changes before the transaction's end; raises ``CampaignError``."""
    row = connection.execute(f"{_CAMPAIGN} WHERE c.name = %s FOR NO KEY UPDATE OF c", (name,)).fetchone()
    if row is None:
        raise no_such(name)
    return _campaign(row)


def every(database: Database) -> list[Campaign]:
    """All campaigns, the newest first."""
    return [_campaign(row) for row in database.rows(f"{_CAMPAIGN} ORDER BY c.created_at DESC, c.id DESC")]


def no_such(name: str) -> CampaignError:
    """The error that says that there is none of that name."""
    return CampaignError(f"There is no campaign {name!r}; see: python -m bot campaign list")


def same_person(one: str | None, other: str | None) -> bool:
    """Whether two actors, such as "cli:budi" on a terminal and the user "budi", are one person as far as names tell."""
    if one is None or other is None:
        return False
    return one.rpartition(":")[2].lower() == other.rpartition(":")[2].lower()


def _campaign(row: Row) -> Campaign:
    number, name, kind, state, *others = row
    return Campaign(number, name, kind, State(state), *others)
