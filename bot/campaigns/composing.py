"""What a campaign's claimed messages say, and which of them are not sent after all.

Between the making of a campaign's recipients and the moment a message leaves, hours may pass: people opt out, book, move
or get another number. So everything is asked once more, in one statement for the whole attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from bot.campaigns.audience import Audience, parse_audience
from bot.campaigns.record import DEFAULT_LANGUAGE
from bot.campaigns.texts import is_personal, needs_booking, placeholders_in, render
from bot.daytime import clock_text, day_text, hours_text, zone, zone_name
from bot.db.database import Database
from bot.messaging.leases import Lease
from bot.registration.closing import closes_at
from gateway_adapters.base import Outgoing

#: How long the end of registration is kept before it is asked for again.
_KEPT = timedelta(seconds=5)
#: Campaigns whose texts and audience are kept: neither changes once there are messages.
_MOST_PLANS = 32


@dataclass(frozen=True, slots=True)
class Composed:
    """The letters of an attempt, and the messages that are left out, by reason."""

    letters: list[Outgoing]
    left_out: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a campaign. ``told_by``: how many of ``_ABOUT_ALL`` tell all that it may say."""

    language: str
    body: str
    told_by: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of a campaign: its texts by language, and the statement that fetches an attempt's messages."""

    texts: dict[str, _Text]
    statement: str
    parameters: dict[str, object]


# Those who get the same come together, their ids and numbers as one text each: a thousand rows would take a client longer
# to read than the rest of its work.
#
# The workers are fetched by all their ids at once, which goes along the index instead of looking into it for each. The
# planner does not know how many those are: OFFSET 0 keeps its guess from the joins around, and LEFT keeps all messages.
_FETCH = """
WITH mine AS MATERIALIZED (
    SELECT id, phone, language, worker_id, booking_id FROM message WHERE attempt_id = %(lease)s AND state = %(state)s
)
SELECT reason, language, string_agg(id::text, ','), string_agg(phone, ','){names}
FROM (
SELECT m.id, m.phone, m.language,
       CASE WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.phone = m.phone) THEN 'opted out'
            WHEN EXISTS (SELECT 1 FROM wrong_number o WHERE o.phone = m.phone) AND NOT EXISTS (SELECT 1 FROM booking k
                JOIN wrong_number o ON o.phone = k.phone AND k.booked_at > o.since
                WHERE k.id = m.booking_id AND k.phone = m.phone) THEN 'wrong number'
            WHEN w.phone IS DISTINCT FROM m.phone AND NOT EXISTS (SELECT 1 FROM booking o
                WHERE o.id = m.booking_id AND o.phone = m.phone) THEN 'the number has changed'
            WHEN %(invites)s AND EXISTS (SELECT 1 FROM booking o WHERE o.worker_id = m.worker_id
                AND o.state IN ('booked', 'attended') AND o.booked_at > %(materialised_at)s) THEN 'booked meanwhile'
            WHEN (%(needs_booking)s OR m.booking_id IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM booking o
                WHERE o.id = m.booking_id AND o.state = 'booked') THEN 'the booking is over'
            WHEN NOT ({condition}) THEN 'out of the audience' END AS reason{columns}
FROM mine m
LEFT JOIN (SELECT * FROM worker WHERE id = ANY ((SELECT array_agg(worker_id) FROM mine)::bigint[]) OFFSET 0) w
    ON w.id = m.worker_id
{joins}
) AS told GROUP BY reason, language{names}
"""
#: What texts are about, in the order of ``Composer.said``, and how far a text reaches that is not about the booking.
_ABOUT_ALL = (
    *("d.time_zone", "d.name", "w.name"),
    *("b.ticket", "f.name", "s.local_date", "s.start_time", "s.end_time", "fd.time_zone"),
)
_OF_THE_DISTRICT, _OF_THE_WORKER = 2, 3
_DISTRICT = "JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code)"
_BOOKING = """
LEFT JOIN booking b ON b.id = m.booking_id
LEFT JOIN vaccination_session s ON s.id = b.session_id
LEFT JOIN facility f ON f.id = s.facility_id
LEFT JOIN district fd ON fd.code = f.district_code"""


class Composer:
    """Composes what campaigns say. ``ussd_code`` and ``short_code`` as they stand in messages."""

    def __init__(self, ussd_code: str, short_code: str) -> None:
        self._codes = {"ussd_code": ussd_code, "short_code": short_code}
        self._plans: dict[int, _Plan] = {}
        self._end: tuple[datetime, datetime | None] | None = None

    def compose(self, database: Database, lease: Lease, now: datetime) -> Composed:
        """The letters of a claimed attempt of a campaign; raises ``DatabaseAway``."""
        if lease.campaign_id is None:
            raise ValueError("this attempt belongs to no campaign")
        letters: list[Outgoing] = []
        left_out: dict[str, list[int]] = {}
        for reason, ids, phones, body in self._letters(database, lease.campaign_id, lease.id, "queued", now):
            if reason is None:
                letters += [Outgoing(number, phone, body) for number, phone in zip(ids, phones, strict=True)]
            else:
                left_out.setdefault(reason, []).extend(ids)
        letters.sort(key=attrgetter("id"))
        return Composed(letters, left_out)

    def recall(self, database: Database, attempt: int, now: datetime) -> dict[int, str]:
        """What those messages of an attempt said whose fate is unknown, as far as it can be told now, by their ids."""
        campaign: int | None = database.value("SELECT campaign_id FROM attempt WHERE id = %s", (attempt,))
        if campaign is None:
            return {}
        told = self._letters(database, campaign, attempt, "unknown", now)
        return {number: body for _, ids, _, body in told for number in ids}

    def _letters(
        self, database: Database, campaign: int, attempt: int, state: str, now: datetime
    ) -> Iterator[tuple[str | None, list[int], list[str], str]]:
        """An attempt's messages in ``state``: why they would be left out, if there is a reason; their ids and numbers; what
        they say."""
        plan = self._plan(database, campaign, now)
        end = self._closes_at(database, now)
        parameters = {**plan.parameters, "lease": attempt, "state": state, "now": now}
        for reason, language, ids, phones, *about in database.rows(plan.statement, parameters):
            body = ""
            if reason is None or state != "queued":
                text = plan.texts.get(language) or plan.texts[DEFAULT_LANGUAGE]
                known = about[: text.told_by]
                body = self.said(text.body, text.language, end, (*known, *(None,) * (len(_ABOUT_ALL) - len(known))))
            yield reason, [int(number) for number in ids.split(",")], phones.split(","), body

    def _plan(self, database: Database, campaign: int, now: datetime) -> _Plan:
        plan = self._plans.get(campaign)
        if plan is None:
            plan = _read_plan(database, campaign, now)
            while len(self._plans) >= _MOST_PLANS:
                self._plans.pop(next(iter(self._plans)), None)
            self._plans[campaign] = plan
        return plan

    def _closes_at(self, database: Database, now: datetime) -> datetime | None:
        if self._end is None or abs(now - self._end[0]) >= _KEPT:
            self._end = now, closes_at(database)
        return self._end[1]

    def said(self, text: str, language: str, end: datetime | None, about: Sequence[Any]) -> str:
        """A campaign's text for one person. ``about``: time zone and name of their district, their name; of their booking
        ticket, place, day, start, end and time zone, or None for each."""
        time_zone, district, name, ticket, place, day, start, over, place_zone = about
        wanted = placeholders_in(text)
        values = {**self._codes, "district": district, "name": name, "ticket": ticket or "", "place": place or ""}
        if "closes" in wanted:
            values["closes"] = closing_text(end, language, zone(time_zone))
        if "time" in wanted:
            hours = hours_text(start, over, language)
            values["time"] = f"{day_text(day, language)} {hours} {zone_name(place_zone)}"
        return render(text, {key: value for key, value in values.items() if key in wanted})


def _read_plan(database: Database, campaign: int, now: datetime) -> _Plan:
    row = database.row("SELECT kind, audience, materialised_at FROM campaign WHERE id = %s", (campaign,))
    if row is None:
        raise LookupError(f"there is no campaign {campaign}")
    kind, mapping, materialised_at = row
    written = database.rows("SELECT language, body FROM campaign_text WHERE campaign_id = %s", (campaign,))
    texts = {language: _Text(language, body, _told_by(body)) for language, body in written}
    columns = _ABOUT_ALL[: max(text.told_by for text in texts.values())]
    names = [f"about_{place}" for place in range(len(columns))]
    audience = parse_audience(mapping)
    statement = _FETCH.format(
        condition=audience.still_condition,
        columns="".join(f", {column} AS {name}" for column, name in zip(columns, names, strict=True)),
        names="".join(f", {name}" for name in names),
        joins="\n".join(_joins(audience.still_condition, len(columns))),
    )
    parameters = {
        **audience.still_parameters,
        "invites": _invites(kind, audience),
        "needs_booking": len(columns) > _OF_THE_WORKER,
        "materialised_at": materialised_at or now,
    }
    return _Plan(texts, statement, parameters)


def _joins(condition: str, columns: int) -> Iterator[str]:
    """What the statement must look at besides the workers."""
    if columns or "d." in condition:
        yield _DISTRICT
    if columns > _OF_THE_WORKER:
        yield _BOOKING


def _told_by(body: str) -> int:
    if needs_booking(body):
        return len(_ABOUT_ALL)
    if is_personal(body):
        return _OF_THE_WORKER
    return 0 if placeholders_in(body).isdisjoint({"district", "closes"}) else _OF_THE_DISTRICT


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
