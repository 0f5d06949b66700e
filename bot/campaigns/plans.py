"""What an admin wants to send, and what must be right about it before it becomes a campaign."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.campaigns.audience import Audience, AudienceError, parse_audience
from bot.campaigns.record import DEFAULT_LANGUAGE, CampaignError
from bot.campaigns.texts import TextError, check_text
from bot.db.database import Database
from gateway_adapters.base import GatewayRegistry

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What an admin wants to send. ``texts``: by language; ``rate``: messages a second; ``most_cost``: in the price's
    currency, nothing is sent beyond it."""

    name: str
    texts: Mapping[str, str]
    audience: str | Mapping[str, object] = field(default_factory=dict)
    gateway: str = ""
    rate: float | None = None
    start_at: datetime | None = None
    deadline_at: datetime | None = None
    most_cost: Decimal | None = None
    ignore_quiet_hours: bool = False
    kind: str = "blast"


def checked(
    database: Database, plan: Plan, gateways: GatewayRegistry, now: datetime
) -> tuple[dict[str, str], Audience]:
    """The texts of ``plan`` as they will leave, and its audience; raises ``CampaignError`` for whatever is wrong."""
    _check_name(plan.name)
    _check_gateway(plan.gateway, gateways)
    check_rate(plan.rate)
    _check_times(plan, now)
    check_cap(plan.most_cost)
    return _checked_texts(plan.texts), _checked_audience(database, plan.audience)


#: How the names of the clock's own campaigns begin.
_OF_THE_CLOCK = ("reminder ", "second notice ")


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise CampaignError(f"A campaign's name has 1 to {LONGEST_NAME} printable characters, no space at its ends.")
    if name.lower().startswith(_OF_THE_CLOCK):
        raise CampaignError(
            f"Names that begin with {' or '.join(map(str.strip, _OF_THE_CLOCK))} belong to what the clock sends by itself."
        )


def _check_gateway(name: str, gateways: GatewayRegistry) -> None:
    gateway = gateways.by_name.get(name)
    if gateway is None:
        there = ", ".join(sorted(gateways.by_name))
        raise CampaignError(f"The gateway must be one of {there}, not {name!r}.")
    if missing := gateway.missing_to_send():
        raise CampaignError(f"The gateway {name} cannot send: {' and '.join(missing)} must be set.")


def check_rate(rate: float | None) -> None:
    """Raise ``CampaignError`` unless messages can leave at that rate; None is the gateway's own."""
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise CampaignError("The rate is a number of messages a second, above 0.")


def check_cap(most_cost: Decimal | None) -> None:
    """Raise ``CampaignError`` unless a campaign's cost can be held below that; None is no cap."""
    if most_cost is not None and not (most_cost.is_finite() and most_cost > 0):
        raise CampaignError("The most that a campaign may cost must be above 0.")


def _check_times(plan: Plan, now: datetime) -> None:
    if plan.start_at is not None and plan.start_at < now:
        raise CampaignError("The start is over already.")
    if plan.deadline_at is not None and plan.deadline_at <= (plan.start_at or now):
        raise CampaignError("The deadline must be after the start.")


def _checked_texts(texts: Mapping[str, str]) -> dict[str, str]:
    if DEFAULT_LANGUAGE not in texts:
        raise CampaignError(f"A campaign needs a text in the language {DEFAULT_LANGUAGE}.")
    checked = {}
    for language, body in texts.items():
        if not re.fullmatch(r"[a-z]{2,3}", language):
            raise CampaignError(f"{language!r} is no language's code.")
        try:
            checked[language] = check_text(body)
        except TextError as error:
            raise CampaignError(f"Text in {language}: {error}") from error
    return checked


#: Members of an audience that name something, and where it must be found.
_NAMED = {
    "districts": ("district", "SELECT code FROM district WHERE code = ANY(%s)"),
    "provinces": ("province", "SELECT province_code FROM district WHERE province_code = ANY(%s)"),
    "facilities": ("facility", "SELECT code FROM facility WHERE code = ANY(%s)"),
    "campaign": ("campaign", "SELECT name FROM campaign WHERE name = ANY(%s)"),
}


def _checked_audience(database: Database, value: str | Mapping[str, object]) -> Audience:
    try:
        audience = parse_audience(value)
    except AudienceError as error:
        raise CampaignError(f"Audience: {error}") from error
    mapping: Mapping[str, Any] = audience.mapping
    for member, (what, there) in _NAMED.items():
        if member not in mapping:
            continue
        named = [mapping[member]["name"]] if member == "campaign" else list(mapping[member])
        missing = set(named) - {code for (code,) in database.rows(there, (named,))}
        if missing:
            raise CampaignError(f"Audience: there is no {what} {', '.join(sorted(missing))}.")
    return audience
