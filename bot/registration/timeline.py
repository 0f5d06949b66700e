"""What happened with a worker, newest first: messages both ways, their conversations, and what officers did."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bot.crypto import Undecipherable, Vault
from bot.db.database import Database
from bot.messaging.inbound import open_text
from bot.registration.officer import Officer, subject

#: Events on a page.
PAGE: Final = 30
#: Digits that may be a NIK, however they are set apart.
_NIK: Final = re.compile(r"(?<![0-9])((?:[0-9][ .-]?){12})([0-9][ .-]?[0-9][ .-]?[0-9][ .-]?[0-9])(?![0-9])")


class Source(enum.StrEnum):
    """Where an event comes from."""

    SENT = "sent"
    CAME = "came"
    DONE = "done"
    TALKED = "talked"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a gateway reported of a message, and when."""

    message_id: int
    status: str
    reason: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of a conversation that was shown, by its state in the flow; ``times`` in a row, first at ``at``."""

    at: datetime
    state: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """A message that was sent or came, a conversation, or what somebody did.

    ``what``: a message's kind, a campaign's name if ``is_campaign``, the channel of what came or of a conversation, an
    action. ``text`` only for those who may read it; a NIK in it is masked. ``settled_at``: since when ``state`` holds.
    ``screens``: of a conversation, in their order, as far as they were noted.
    """

    at: datetime
    source: Source
    id: int
    what: str
    is_campaign: bool
    state: str | None
    reason: str | None
    settled_at: datetime | None
    by: str | None
    text: str | None
    receipts: tuple[Receipt, ...]
    screens: tuple[Screen, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page. ``further``: where the next one begins, None at the end."""

    events: tuple[Event, ...]
    further: str | None


_COLUMNS = "at, source, id, what, is_campaign, state, reason, settled_at, actor, body, sealed"

_SENT = """SELECT m.created_at AS at, 'sent' AS source, m.id, coalesce(c.name, m.kind) AS what, c.id IS NOT NULL AS is_campaign,
    m.state, m.reason, m.settled_at, NULL::text AS actor, m.body, NULL::bytea AS sealed
  FROM me JOIN message m ON {whose} LEFT JOIN campaign c ON c.id = m.campaign_id"""

#: Each finds its rows by an index; a person has some hundred at most.
_BRANCHES: Final = (
    _SENT.format(whose="m.worker_id = me.id AND m.campaign_id IS NOT NULL"),
    _SENT.format(whose="m.worker_id = me.id AND m.campaign_id IS NULL"),
    _SENT.format(whose="m.phone = me.phone AND m.worker_id IS NULL"),
    """SELECT i.received_at, 'came', i.id, 'SMS', false, i.state, i.reason, i.settled_at, NULL, NULL, i.text_sealed
  FROM me JOIN inbound i ON i.phone = me.phone""",
    """SELECT a.at, 'done', a.id, a.action, false, NULL, NULL, NULL, a.actor, NULL, NULL
  FROM me JOIN audit a ON a.subject = %(subject)s""",
    """SELECT min(h.at), 'talked', h.visit::bigint, h.channel, false, NULL, NULL, NULL, NULL, NULL, NULL
  FROM me JOIN hop h ON h.worker_id = me.id GROUP BY h.visit, h.channel""",
)

_EVENTS = f"""
WITH me AS (SELECT w.id, w.phone FROM worker w WHERE w.id = %(worker)s AND {{reach}})
SELECT {_COLUMNS} FROM (
  {" UNION ALL ".join(_BRANCHES)}
) AS event
WHERE %(at)s::timestamptz IS NULL OR (at, source, id) < (%(at)s::timestamptz, %(source)s::text, %(id)s::bigint)
ORDER BY at DESC, source DESC, id DESC LIMIT {PAGE + 1}
"""

# Those that were kept before receipts named their messages are found by the provider's id.
_RECEIPTS = """
SELECT m.id, r.status, r.reason, r.received_at FROM unnest(%s::bigint[]) AS t (id) JOIN message m ON m.id = t.id
CROSS JOIN LATERAL (
    SELECT id, status, reason, received_at FROM receipt WHERE message_id = m.id
    UNION ALL
    SELECT id, status, reason, received_at FROM receipt
    WHERE message_id IS NULL AND gateway = m.gateway AND provider_id = m.provider_id
) r
ORDER BY r.received_at, r.id
"""
_SCREENS = """
SELECT visit, channel, at, state FROM hop WHERE worker_id = %(worker)s AND visit = ANY(%(visits)s) ORDER BY at, ctid
"""
#: Screens of a conversation that are told: a session of three minutes has some ten.
_MOST_SCREENS: Final = 60


def timeline(
    database: Database, vault: Vault, worker_id: int, officer: Officer, before: str, *, texts: bool, bodies: bool
) -> Timeline:
    """A page of events, those before ``before`` ("" for the newest; what cannot be read counts as that).

    ``texts``: with what people wrote. ``bodies``: with our answers, which hold tickets.
    """
    sql = _EVENTS.format(reach=officer.reach.workers)
    parameters = {**officer.reach.parameters, "worker": worker_id, "subject": subject(worker_id), **_read(before)}
    rows = database.rows(sql, parameters)
    sent = [row[2] for row in rows[:PAGE] if row[1] == Source.SENT]
    receipts = [Receipt(*row) for row in database.rows(_RECEIPTS, (sent,))] if sent else []
    visits = _visits(database, worker_id, [row[2] for row in rows[:PAGE] if row[1] == Source.TALKED])
    events = tuple(
        _event(row, _text(row, vault, texts=texts, bodies=bodies), receipts if row[1] == Source.SENT else [], visits)
        for row in rows[:PAGE]
    )
    return Timeline(events, _written(events[-1]) if len(rows) > PAGE else None)


_Visits = dict[tuple[int, str], list[Screen]]


def _visits(database: Database, worker_id: int, numbers: list[int]) -> _Visits:
    """The screens of some visits by their number and channel; what was shown several times in a row is one."""
    visits: _Visits = {}
    parameters = {"worker": worker_id, "visits": numbers}
    for number, channel, at, state in database.rows(_SCREENS, parameters) if numbers else ():
        screens = visits.setdefault((number, channel), [])
        if screens and screens[-1].state == state:
            screens[-1] = replace(screens[-1], times=screens[-1].times + 1)
        elif len(screens) < _MOST_SCREENS:
            screens.append(Screen(at, state))
    return visits


def _event(row: Any, text: str | None, receipts: list[Receipt], visits: _Visits) -> Event:
    at, source, number, what, is_campaign, state, reason, settled_at, by = row[:9]
    own = tuple(receipt for receipt in receipts if receipt.message_id == number)
    shown = None if text is None else mask_niks(text)
    screens = tuple(visits.get((number, what), ())) if source == Source.TALKED else ()
    return Event(at, Source(source), number, what, is_campaign, state, reason, settled_at, by, shown, own, screens)


def _text(row: Any, vault: Vault, *, texts: bool, bodies: bool) -> str | None:
    if row[10] is None:
        body: str | None = row[9] if bodies else None
        return body
    try:
        return open_text(vault, bytes(row[10])) if texts else None
    except Undecipherable:
        return None


def mask_niks(text: str) -> str:
    """A text in which of every 16 digits in a row the last four show."""
    return _NIK.sub(lambda found: "*" * 12 + found[2], text)


def _written(event: Event) -> str:
    return f"{event.at.isoformat()}~{event.source}~{event.id}"


def _read(before: str) -> dict[str, object]:
    try:
        at, source, number = before.split("~")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return {"at": moment, "source": Source(source).value, "id": int(number) % 2**63}
    except ValueError:
        return {"at": None, "source": None, "id": None}
