"""The campaigns that an admin sees, and those that are theirs to change: of their area, and the ministry's to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.campaigns import audience_words
from bot.campaigns.audience import parse_audience
from bot.campaigns.record import Campaign, by_id, newest
from bot.db.database import Database
from bot.officers.areas import Area

#: The member of an audience that says whose campaign it is.
_DISTRICT, _PROVINCE = "c.audience -> 'area' ->> 'district'", "c.audience -> 'area' ->> 'province'"
_OF_NOBODY = "c.audience -> 'area' IS NULL"


def limit_of(area: Area) -> dict[str, str] | None:
    """The member ``area`` of the audiences that an admin of an area makes; None for the whole country."""
    if area.district_code is not None:
        return {"district": area.district_code}
    return None if area.province_code is None else {"province": area.province_code}


def limited(mapping: Mapping[str, object], limit: Mapping[str, str] | None) -> dict[str, object]:
    """An audience with that limit, and with no other, whatever it said itself."""
    free = {name: value for name, value in mapping.items() if name != "area"}
    return free if limit is None else {**free, "area": dict(limit)}


def _own(area: Area) -> str:
    if area.district_code is not None:
        return f"{_DISTRICT} = %(area_district)s"
    if area.province_code is not None:
        return (
            f"({_PROVINCE} = %(area_province)s OR {_DISTRICT} IN "
            "(SELECT code FROM district WHERE province_code = %(area_province)s))"
        )
    return "true"


def listed(
    database: Database, area: Area, *, kind: str = "blast", before: int | None = None, most: int = 50
) -> list[Campaign]:
    """The campaigns of a kind that may be seen, the newest first; ``before``: older ones than that id."""
    condition = (
        f"c.kind = %(kind)s AND (%(before)s::bigint IS NULL OR c.id < %(before)s) AND ({_OF_NOBODY} OR {_own(area)})"
    )
    return newest(database, condition, {**area.parameters, "kind": kind, "before": before}, most)


#: What was taken back stands in two attempts: so what has not left is counted, each of which stands in one.
_HERE = """
SELECT campaign_id, coalesce(sum(size) FILTER (WHERE state NOT IN ('settled', 'unknown')), 0)::bigint
FROM attempt WHERE campaign_id = ANY(%s) GROUP BY 1
"""


def done(database: Database, campaigns: Sequence[Campaign]) -> dict[int, int]:
    """Of each campaign that is on its way or over, how many recipients' messages have left, by the campaign's id."""
    begun = {each.id: each.recipients for each in campaigns if each.recipients is not None}
    return {number: begun[number] - int(here) for number, here in database.rows(_HERE, (list(begun),))} if begun else {}


def seen(database: Database, number: int, area: Area) -> Campaign | None:
    """The campaign of that id, if it may be seen."""
    campaign = by_id(database, number)
    if campaign is None or "area" not in campaign.audience or is_own(database, campaign, area):
        return campaign
    return None


def is_seen(database: Database, name: str, area: Area) -> bool:
    """Whether the campaign of that name is there, and may be seen."""
    condition = f"SELECT 1 FROM campaign c WHERE c.name = %(name)s AND ({_OF_NOBODY} OR {_own(area)})"
    return database.row(condition, {**area.parameters, "name": name}) is not None


def is_own(database: Database, campaign: Campaign, area: Area) -> bool:
    """Whether who has that area may change, send and stop it: the ministry's are the ministry's."""
    if area.is_country:
        return True
    condition = f"SELECT 1 FROM campaign c WHERE c.id = %(number)s AND {_own(area)}"
    return database.row(condition, {**area.parameters, "number": campaign.id}) is not None


_NAMES = {
    "districts": "SELECT code, name FROM district WHERE code = ANY(%s)",
    "provinces": "SELECT DISTINCT province_code, province FROM district WHERE province_code = ANY(%s)",
    "facilities": "SELECT code, name FROM facility WHERE code = ANY(%s)",
}


def spoken(database: Database, mapping: Mapping[str, Any], language: str) -> str:
    """An audience in words, its places by their names; raises ``AudienceError``."""
    shown = dict(parse_audience(mapping).mapping)
    for member, statement in _NAMES.items():
        if member in shown:
            names: dict[str, str] = dict(database.rows(statement, (list(shown[member]),)))
            shown[member] = [names.get(code, code) for code in shown[member]]
    for kind, code in shown.get("area", {}).items():
        [name] = [name for _, name in database.rows(_NAMES[f"{kind}s"], ([code],))] or [code]
        shown["area"] = {kind: name}
    return audience_words.spoken(shown, language)


def resting_until(database: Database, campaign: Campaign, now: datetime) -> datetime | None:
    """When the first of what waits may leave, if none of it may leave now."""
    due: datetime | None = database.value(
        "SELECT min(due_at) FROM attempt WHERE campaign_id = %s AND state = 'queued'", (campaign.id,)
    )
    return due if due is not None and due > now else None


def places(database: Database, area: Area) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The provinces of an area by name, each with its districts."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    rows = database.rows(
        f"SELECT d.province_code, d.province, d.code, d.name FROM district d WHERE {area.of_districts()} "
        "ORDER BY d.province, d.name",
        area.parameters,
    )
    for province_code, province, code, name in rows:
        found.setdefault((province_code, province), []).append((code, name))
    return [(code, name, districts) for (code, name), districts in found.items()]


def facilities(database: Database, area: Area) -> list[tuple[str, str]]:
    """The facilities of a district's area, to choose from; none for larger areas, which have thousands."""
    if area.district_code is None:
        return []
    rows = database.rows(
        f"SELECT f.code, f.name FROM facility f WHERE {area.of_facilities()} ORDER BY f.name", area.parameters
    )
    return [(code, name) for code, name in rows]


def professions(database: Database) -> list[str]:
    """The most frequent professions of the roster, as PostgreSQL knows them from its own samples."""
    rows = database.rows(
        "SELECT unnest(most_common_vals::text::text[]) FROM pg_stats "
        "WHERE schemaname = current_schema() AND tablename = 'worker' AND attname = 'profession' LIMIT 12"
    )
    return sorted(each for (each,) in rows if each)
