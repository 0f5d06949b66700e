"""What a campaign's claimed messages say, and which of them are not sent after all.

Between the making of a campaign's recipients and the moment a message leaves, hours may pass: people opt out, book, move
or get another number. So everything is asked once more, in one statement for the whole attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.campaigns.audience import Audience, parse_audience
from bot.campaigns.record import DEFAULT_LANGUAGE
from bot.campaigns.texts import is_personal, placeholders_in, render
from bot.daytime import clock_text, day_text, hours_text, zone, zone_name
from bot.db.database import Database
from bot.messaging.leases import Lease, Letter
from bot.registration.closing import closes_at

#: How long a campaign's text and audience are kept before they are read again: they do not change once it is approved.
_KEPT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Composed:
    """The letters of an attempt, and the messages that are left out, by reason."""

    letters: list[Letter]
    left_out: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of a campaign: its texts by language, and the statement that fetches an attempt's messages."""

    texts: dict[str, str]
    statement: bytes
    parameters: dict[str, object]
    closes_at: datetime | None
    read_at: datetime


_FETCH = """
SELECT m.id, m.phone, m.language,
       CASE WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.phone = m.phone) THEN 'opted out'
            WHEN EXISTS (SELECT 1 FROM wrong_number o WHERE o.phone = m.phone) THEN 'wrong number'
            WHEN w.phone IS DISTINCT FROM m.phone THEN 'the number has changed'
            WHEN %(invites)s AND EXISTS (SELECT 1 FROM booking o WHERE o.worker_id = w.id
                AND o.state IN ('booked', 'attended') AND o.booked_at > %(materialised_at)s) THEN 'booked meanwhile'
            WHEN m.booking_id IS NOT NULL AND b.state IS DISTINCT FROM 'booked' THEN 'the booking is over'
            WHEN NOT ({condition}) THEN 'out of the audience' END,
       d.time_zone, d.name, w.name, b.ticket, f.name, s.local_date, s.start_time, s.end_time, fd.time_zone
FROM message m
JOIN worker w ON w.id = m.worker_id
JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code)
LEFT JOIN booking b ON b.id = m.booking_id
LEFT JOIN vaccination_session s ON s.id = b.session_id
LEFT JOIN facility f ON f.id = s.facility_id
LEFT JOIN district fd ON fd.code = f.district_code
WHERE m.attempt_id = %(lease)s AND m.state = 'queued'
ORDER BY m.id
"""


class Composer:
    """Composes what campaigns say. ``ussd_code`` and ``short_code`` as they stand in messages."""

    def __init__(self, ussd_code: str, short_code: str, time_zone: ZoneInfo) -> None:
        self._codes = {"ussd_code": ussd_code, "short_code": short_code}
        self._time_zone = time_zone
        self._plans: dict[int, _Plan] = {}

    def compose(self, database: Database, lease: Lease, now: datetime) -> Composed:
        """The letters of a claimed attempt of a campaign; raises ``DatabaseAway``."""
        if lease.campaign_id is None:
            raise ValueError("this attempt belongs to no campaign")
        plan = self._plan(database, lease.campaign_id, now)
        rows = database.rows(plan.statement.decode(), {**plan.parameters, "lease": lease.id, "now": now})
        letters: list[Letter] = []
        left_out: dict[str, list[int]] = {}
        bodies: dict[object, str] = {}
        for row in rows:
            if row[3] is not None:
                left_out.setdefault(row[3], []).append(row[0])
                continue
            # Most texts say the same to everybody, or to everybody of a district.
            said = (row[2], row[4:] if is_personal(self._text(plan, row[2])) else row[4:6])
            body = bodies.get(said)
            if body is None:
                body = bodies[said] = self._body(plan, row)
            letters.append(Letter(row[0], row[1], body))
        return Composed(letters, left_out)

    def _plan(self, database: Database, campaign: int, now: datetime) -> _Plan:
        kept = self._plans.get(campaign)
        if kept is not None and abs(now - kept.read_at) < _KEPT:
            return kept
        row = database.row("SELECT kind, audience, materialised_at FROM campaign WHERE id = %s", (campaign,))
        if row is None:
            raise LookupError(f"there is no campaign {campaign}")
        texts: dict[str, str] = dict(
            database.rows("SELECT language, body FROM campaign_text WHERE campaign_id = %s", (campaign,))
        )
        audience = parse_audience(row[1])
        plan = _Plan(
            texts=texts,
            statement=_FETCH.format(condition=audience.condition).encode(),
            parameters={
                **audience.parameters,
                "invites": _invites(row[0], audience),
                "materialised_at": row[2] or now,
            },
            closes_at=closes_at(database),
            read_at=now,
        )
        self._plans[campaign] = plan
        return plan

    @staticmethod
    def _text(plan: _Plan, language: str) -> str:
        return plan.texts.get(language) or plan.texts[DEFAULT_LANGUAGE]

    def _body(self, plan: _Plan, row: Any) -> str:
        _, _, language, _, time_zone, district, name, ticket, place, day, start, end, place_zone = row
        text = self._text(plan, language)
        wanted = placeholders_in(text)
        values = {**self._codes, "district": district, "name": name, "ticket": ticket or "", "place": place or ""}
        if "closes" in wanted:
            values["closes"] = closing_text(plan.closes_at, language, zone(time_zone))
        if "time" in wanted:
            hours = hours_text(start, end, language)
            values["time"] = f"{day_text(day, language)} {hours} {zone_name(place_zone)}"
        return render(text, {key: value for key, value in values.items() if key in wanted})


def closing_text(end: datetime | None, language: str, local: ZoneInfo) -> str:
    """The end of registration as it is said: "Rab 13 Jan 24.00 WIB". Without an end, a dash."""
    if end is None:
        return "-"
    moment = end.astimezone(local)
    day, clock = moment.date(), clock_text(moment, language)
    if (moment.hour, moment.minute) == (0, 0):
        # Midnight is the end of the day before: "13 January, 24.00" is what people understand.
        day, clock = day - timedelta(days=1), clock_text(moment, language).replace("00", "24", 1)
    return f"{day_text(day, language)} {clock} {zone_name(local.key)}"


def _invites(kind: str, audience: Audience) -> bool:
    """Whether the campaign asks people to book, so that those who have done so meanwhile are left alone."""
    return kind == "blast" and not audience.names_booked
