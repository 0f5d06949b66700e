"""What a campaign would do if it were sent now: to whom, in which words, at what cost, until when."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from bot.campaigns import recipients
from bot.campaigns.audience import parse_audience
from bot.campaigns.composing import Composer
from bot.campaigns.materialise import DEADLINE
from bot.campaigns.record import Campaign
from bot.campaigns.texts import is_personal, placeholders_in
from bot.campaigns.timing import ZoneTime, expected
from bot.config import SendingWindow
from bot.db.database import Database
from bot.registration.closing import closes_at
from bot.text import mask_name, segments

#: Texts that are shown.
SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Price:
    """What an SMS part costs, None if nobody has said so."""

    amount: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A text as it would leave. ``segments``: with the whole name, which stands masked in ``text`` if it is not proven."""

    language: str
    text: str
    segments: int
    longest: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """``shared``: recipients whose number another one has too; ``messages``: what leaves, where a text that says the same
    to everybody is sent to a number once. ``segments``: SMS parts in all; ``estimated``: names were only measured.
    ``districts``: recipients by code and name. ``deadline_at``: nothing leaves after it."""

    name: str
    audience: str
    recipients: int
    shared: int
    messages: int
    districts: list[tuple[str, str, int]]
    states: dict[str, int]
    least_segments: int
    most_segments: int
    segments: int
    estimated: bool
    price: Price
    samples: list[Sample]
    rate: float | None
    zones: list[ZoneTime]
    deadline_at: datetime

    @property
    def cost(self) -> Decimal | None:
        """What it costs, as far as anybody can tell."""
        return None if self.price.amount is None else self.segments * self.price.amount

    @property
    def starts_at(self) -> datetime | None:
        """When the first message leaves; None if there is none."""
        return min((each.starts_at for each in self.zones), default=None)

    @property
    def ends_at(self) -> datetime | None:
        """When the last message leaves; None if nobody can tell."""
        ends = [each.ends_at for each in self.zones]
        return max((end for end in ends if end is not None), default=None) if None not in ends else None

    def as_json(self) -> dict[str, Any]:
        """The preview as JSON values."""
        return {
            "name": self.name,
            "audience": self.audience,
            "recipients": self.recipients,
            "shared_numbers": self.shared,
            "messages": self.messages,
            "districts": [{"code": code, "name": name, "recipients": many} for code, name, many in self.districts],
            "states": self.states,
            "segments": {
                "least": self.least_segments,
                "most": self.most_segments,
                "total": self.segments,
                "estimated": self.estimated,
            },
            "cost": None if self.cost is None else {"amount": str(self.cost), "currency": self.price.currency},
            "samples": [asdict(sample) for sample in self.samples],
            "rate": self.rate,
            "starts_at": _iso(self.starts_at),
            "ends_at": _iso(self.ends_at),
            "deadline_at": _iso(self.deadline_at),
            "zones": [
                asdict(each) | {"starts_at": _iso(each.starts_at), "ends_at": _iso(each.ends_at)} for each in self.zones
            ],
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


# Half a million recipients are hashed within memory; the planner, which may think of few, would look each up. Once they
# are in a table of their own, it knows how many there are.
_ROOM = ("SET LOCAL work_mem = '128MB'", "SET LOCAL jit = off", "SET LOCAL temp_buffers = '128MB'")
_TABLE = """CREATE TEMPORARY TABLE who (worker_id bigint, phone text, time_zone text, district text, booking_id bigint,
language text) ON COMMIT DROP"""
_CHOOSE = "INSERT INTO who SELECT worker_id, phone, time_zone, district, booking_id, language FROM ({who}) AS chosen"

_PLACE = """LEFT JOIN booking b ON b.id = who.booking_id LEFT JOIN vaccination_session s ON s.id = b.session_id
LEFT JOIN facility f ON f.id = s.facility_id"""
# Septets that a recipient's own name and place add to the text of their language.
_OWN = "coalesce((%(names)s::jsonb ->> who.language)::int * length(w.name), 0)"
_OWN_PLACE = " + coalesce((%(places)s::jsonb ->> who.language)::int * length(f.name), 0)"

_COUNT = """
WITH number AS MATERIALIZED (SELECT phone, min(worker_id) AS first FROM who GROUP BY phone HAVING count(*) > 1)
SELECT who.district, state.state, who.language, who.time_zone, {own} AS own, count(*),
       count(*) FILTER (WHERE number.phone IS NOT NULL),
       count(*) FILTER (WHERE number.phone IS NULL OR who.worker_id = number.first)
FROM who LEFT JOIN number ON number.phone = who.phone {worker}
JOIN worker_state state ON state.worker_id = who.worker_id {place}
GROUP BY 1, 2, 3, 4, 5
"""

_SAMPLES = """
WITH longest AS MATERIALIZED (
    SELECT who.worker_id FROM who JOIN worker w ON w.id = who.worker_id JOIN district d ON d.code = who.district {place}
    ORDER BY (%(lengths)s::jsonb ->> who.language)::int + {own}
             + coalesce((%(district_names)s::jsonb ->> who.language)::int * length(d.name), 0) DESC, who.worker_id LIMIT 1
), spread AS MATERIALIZED (
    SELECT worker_id FROM who WHERE worker_id NOT IN (SELECT worker_id FROM longest)
    ORDER BY md5(worker_id::text) LIMIT %(others)s
)
SELECT who.worker_id IN (SELECT worker_id FROM longest) AS is_longest, who.language, w.verified_at IS NOT NULL,
       d.time_zone, d.name, w.name, b.ticket, f.name, s.local_date, s.start_time, s.end_time, fd.time_zone
FROM who JOIN worker w ON w.id = who.worker_id JOIN district d ON d.code = who.district {whole_place}
LEFT JOIN district fd ON fd.code = f.district_code
WHERE who.worker_id IN (SELECT worker_id FROM longest UNION ALL SELECT worker_id FROM spread)
ORDER BY is_longest DESC, who.worker_id
"""


def preview(
    database: Database,
    campaign: Campaign,
    composer: Composer,
    now: datetime,
    *,
    window: SendingWindow,
    price: Price,
    mask_all: bool = False,
) -> Preview:
    """What ``campaign`` would do if it were sent now. Nothing is rendered half a million times: what names and places
    add is counted by their lengths. ``database``: one without a time limit. ``mask_all``: also names that are proven."""
    chosen = recipients.selection(campaign, now)
    personal = any(is_personal(body) for body in campaign.texts.values())
    has_place = any("place" in placeholders_in(body) for body in campaign.texts.values())
    own = _OWN + (_OWN_PLACE if has_place else "") if personal else "0"
    worker = "JOIN worker w ON w.id = who.worker_id" if personal else ""
    parts = {"own": own, "worker": worker, "place": _PLACE if has_place else "", "whole_place": _PLACE}
    parameters = {
        **chosen.parameters,
        "names": _json(_times(campaign, "name")),
        "places": _json(_times(campaign, "place")),
        "district_names": _json(_times(campaign, "district")),
        "lengths": _json({language: len(body) for language, body in campaign.texts.items()}),
        "others": SAMPLES - 1,
    }
    with database.transaction() as connection:
        for setting in _ROOM:
            connection.execute(setting.encode())
        connection.execute(_TABLE)
        connection.execute("SET LOCAL enable_nestloop = off")
        connection.execute(_CHOOSE.format(who=chosen.sql).encode(), parameters, prepare=False)
        connection.execute("SET LOCAL enable_nestloop = on")
        connection.execute("ANALYZE who")
        counted = connection.execute(_COUNT.format(**parts).encode(), parameters, prepare=False).fetchall()
        shown = connection.execute(_SAMPLES.format(**parts).encode(), parameters, prepare=False).fetchall()
    names: dict[str, str] = dict(database.rows("SELECT code, name FROM district"))
    end = closes_at(database)
    samples = [_sample(campaign, composer, row, end, mask_all=mask_all) for row in shown]
    examples = {row[1]: row[3:] for row in reversed(shown)}
    districts, states, zones, parts_of = Counter[str](), Counter[str](), Counter[str](), Counter[int]()

    @cache
    def rendered(language: str, district: str, time_zone: str) -> str:
        # Without name and place; ticket and time, which are as long for everybody, of somebody.
        example = examples.get(language) or next(iter(examples.values()))
        about = (time_zone, names[district], "", example[3], "", *example[5:])
        return composer.said(campaign.texts[language], language, end, about)

    @cache
    def size(text: str, own: int) -> int:
        return segments(text + "x" * own).count

    total = shared = 0
    for district, state, language, time_zone, extra, many, sharing, first in counted:
        leaving = many if personal else first
        total, shared = total + many, shared + sharing
        districts[district] += many
        states[state] += many
        zones[time_zone] += leaving
        if leaving:
            parts_of[size(rendered(language, district, time_zone), int(extra))] += leaving
    most = max([*parts_of, *(sample.segments for sample in samples)], default=0)
    start = max(now, campaign.start_at or now)
    return Preview(
        name=campaign.name,
        audience=parse_audience(campaign.audience).words(),
        recipients=total,
        shared=shared,
        messages=sum(parts_of.values()),
        districts=[(code, names[code], many) for code, many in sorted(districts.items())],
        states=dict(states.most_common()),
        least_segments=min(parts_of, default=0),
        most_segments=most,
        segments=sum(count * many for count, many in parts_of.items()),
        estimated=personal,
        price=price,
        samples=samples,
        rate=campaign.rate,
        zones=expected(zones, start, campaign.rate, None if campaign.ignore_quiet_hours else window),
        deadline_at=campaign.deadline_at or start + DEADLINE,
    )


def _times(campaign: Campaign, placeholder: str) -> dict[str, int]:
    """How often each language's text names something."""
    return {language: body.count(f"{{{placeholder}}}") for language, body in campaign.texts.items()}


def _json(counts: dict[str, int]) -> str:
    return "{" + ", ".join(f'"{language}": {count}' for language, count in counts.items()) + "}"


def _sample(
    campaign: Campaign, composer: Composer, row: tuple[Any, ...], end: datetime | None, *, mask_all: bool
) -> Sample:
    longest, language, proven, *about = row
    text = campaign.texts[language]
    whole = composer.said(text, language, end, about)
    masked = [*about[:2], about[2] if proven and not mask_all else mask_name(about[2]), *about[3:]]
    return Sample(language, composer.said(text, language, end, masked), segments(whole).count, longest)
