"""The report of a blast: made by a worker, kept for the pages, and read within an admin's area."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from bot.campaigns.record import Campaign, find
from bot.clock import Clock
from bot.db.database import Database, Row
from bot.evaluation.blast_count import count_blast
from bot.evaluation.blast_figures import BlastCounts, BlastFigures, figures_of, total
from bot.evaluation.falling_behind import Behind, Compared, fallen_behind
from bot.officers.areas import Area
from bot.registration.closing import CLOSES_AT

#: A report that may still change is made again when somebody asks for one older than this, and than this often what it took.
KEPT: Final = timedelta(seconds=5)
SHARE: Final = 5
#: After registration has closed, receipts still come for so long.
_SETTLED: Final = timedelta(hours=24)
#: Changes when what is kept gets another form.
_FORM: Final = 2
_COUNTRY: Final = Area()


@dataclass(frozen=True, slots=True)
class DistrictReport:
    """A district's part. ``behind``: None if it kept up with its peers, or could not be compared."""

    code: str
    name: str
    province: str
    figures: BlastFigures
    behind: Behind | None


@dataclass(frozen=True, slots=True)
class BlastReport:
    """A blast in an area as of a moment. ``began``, ``ended``: its first and last message so far; ``parts``: SMS parts handed
    over, of an area its share by messages."""

    id: int
    name: str
    as_of: datetime
    took: float
    began: datetime | None
    ended: datetime | None
    parts: float
    districts: tuple[DistrictReport, ...]
    whole: BlastFigures

    @property
    def behind(self) -> list[DistrictReport]:
        """The districts that fell behind, the furthest first."""
        found = [(each.behind.own / each.behind.peers, each) for each in self.districts if each.behind is not None]
        return [each for _, each in sorted(found, key=lambda pair: pair[0])]

    def is_over(self, hours: int) -> bool:
        """Whether so many hours have passed since the last message."""
        return self.ended is not None and self.as_of - self.ended >= timedelta(hours=hours)


@dataclass(frozen=True, slots=True)
class Blast:
    """A blast that has begun, and of when its report is. ``is_due``: it should be made (again)."""

    id: int
    name: str
    started_at: datetime
    as_of: datetime | None
    is_due: bool


_BLASTS = f"""
SELECT c.id, c.name, c.materialised_at, s.as_of, s.body ->> 'form' = %(form)s::text,
       c.state IN ('finished', 'cancelled'), {CLOSES_AT}, s.took_ms
FROM campaign c LEFT JOIN figure_snapshot s ON s.kind = 'report:' || c.id
WHERE c.kind = 'blast' AND c.materialised_at IS NOT NULL AND (%(id)s::bigint IS NULL OR c.id = %(id)s)
ORDER BY c.materialised_at DESC, c.id DESC LIMIT %(most)s
"""
#: Blasts that are listed, the newest.
MOST_BLASTS: Final = 20

_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(as_of)s, %(took_ms)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""
_READ = """
SELECT s.as_of, s.took_ms, s.body - 'districts', e.key, d.name, d.province, e.value
FROM figure_snapshot s, jsonb_each(s.body -> 'districts') e JOIN district d ON d.code = e.key
WHERE s.kind = %(kind)s AND {area} ORDER BY e.key
"""
_COUNTS = """
SELECT substr(s.kind, 8)::bigint, e.value -> 'counts'
FROM figure_snapshot s, jsonb_each(s.body -> 'districts') e JOIN district d ON d.code = e.key
WHERE s.kind = ANY(%(kinds)s) AND s.body ->> 'form' = %(form)s::text AND {area}
"""
# The tables are gone through once, whatever the plan for a few rows would be.
_ROOM = (
    "SET LOCAL plan_cache_mode = force_custom_plan",
    "SET LOCAL work_mem = '96MB'",
    "SET LOCAL jit = off",
)


def blasts(database: Database, now: datetime, number: int | None = None) -> list[Blast]:
    """The newest blasts that have begun, or the one of an id."""
    rows = database.rows(
        _BLASTS,
        {"form": _FORM, "id": number, "most": MOST_BLASTS},
    )
    return [Blast(row[0], row[1], row[2], row[3] if row[4] else None, _is_due(row, now)) for row in rows]


def _is_due(row: Row, now: datetime) -> bool:
    as_of, same_form, is_over, closes_at, took_ms = row[3:]
    if as_of is None or not same_form or as_of > now:
        return True
    if is_over and closes_at is not None and as_of >= closes_at + _SETTLED:
        return False
    return bool(now - as_of > max(KEPT, timedelta(milliseconds=SHARE * took_ms)))


def counts_of(database: Database, numbers: Iterable[int], area: Area) -> dict[int, BlastCounts]:
    """The counts of reports by the ids of their blasts, limited to an area; without those that have nobody there."""
    kinds = [f"report:{number}" for number in numbers]
    rows = database.rows(_COUNTS.format(area=area.of_districts()), {"kinds": kinds, "form": _FORM, **area.parameters})
    parts: dict[int, list[BlastFigures]] = {}
    for number, counts in rows:
        parts.setdefault(number, []).append(BlastFigures(BlastCounts(*counts)))
    return {number: total(each).counts for number, each in parts.items()}


def make(database: Database, number: int, clock: Clock) -> bool:
    """Make the report of a blast if it is due, and keep it; False if it is not, or another worker is at it."""
    now = clock.now()
    found = blasts(database, now, number)
    if not found or not found[0].is_due:
        return False
    began = time.monotonic()
    with database.transaction() as connection:
        locked = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtext('blast_report'), %s::int)", (number % 2**31,)
        ).fetchone()
        if locked is None or not locked[0]:
            return False
        body = _body(connection, number, now)
        took = round((time.monotonic() - began) * 1000)
        connection.execute(_KEEP, {"kind": f"report:{number}", "as_of": now, "took_ms": took, "body": Jsonb(body)})
    return True


def report_now(database: Database, name: str, now: datetime) -> BlastReport:
    """The report of a blast counted at this moment, of the whole country; raises ``CampaignError``."""
    campaign: Campaign = find(database, name)
    began = time.monotonic()
    with database.transaction() as connection:
        body = _body(connection, campaign.id, now)
        names = connection.execute("SELECT code, name, province FROM district").fetchall()
    known = {code: (district, province) for code, district, province in names}
    parts = [(code, *known[code], part) for code, part in sorted(body["districts"].items())]
    return _report(campaign.id, now, time.monotonic() - began, body, parts, _COUNTRY)


def report(database: Database, number: int, area: Area) -> BlastReport | None:
    """The report of a blast as it is kept, limited to an area; None if it has nobody there, or has not been made."""
    sql = _READ.format(area=area.of_districts())
    rows = database.rows(sql, {"kind": f"report:{number}", **area.parameters})
    if not rows or rows[0][2].get("form") != _FORM:
        return None
    as_of, took, body = rows[0][:3]
    return _report(number, as_of, took / 1000, body, [row[3:] for row in rows], area)


def _body(connection: psycopg.Connection[Any], number: int, now: datetime) -> dict[str, Any]:
    for setting in _ROOM:
        connection.execute(setting.encode())
    row = connection.execute("SELECT name, segments FROM campaign WHERE id = %s", (number,)).fetchone()
    if row is None:
        raise LookupError(f"there is no campaign {number}")
    counted = count_blast(connection, number, now)
    provinces = dict(connection.execute("SELECT code, province_code FROM district").fetchall())
    compared = [
        Compared(code, provinces[code], figures_of(part), part["places_left"])
        for code, part in counted["districts"].items()
    ]
    for code, behind in fallen_behind(compared).items():
        counted["districts"][code]["behind"] = behind.as_json()
    sent = sum(each.sent for each in compared)
    return {"form": _FORM, "name": row[0], "parts": row[1], "sent": sent, **counted}


def _report(
    number: int, as_of: datetime, took: float, body: Mapping[str, Any], parts: list[Any], area: Area
) -> BlastReport:
    districts = tuple(
        DistrictReport(code, name, province, figures_of(part), Behind.of(part["behind"]) if "behind" in part else None)
        for code, name, province, part in parts
    )
    whole = total([district.figures for district in districts])
    share = 1.0 if area.is_country else whole.counts.sent / body["sent"] if body["sent"] else 0.0
    return BlastReport(
        number,
        body["name"],
        as_of,
        took,
        _moment(body["began"]),
        _moment(body["ended"]),
        body["parts"] * share,
        districts,
        whole,
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
