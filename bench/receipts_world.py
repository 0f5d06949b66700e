"""The messages that the bench ``receipts`` has delivery reports about, and the reports, in the order in which they come."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench.stub_gateway import africastalking
from bot.db.database import Database
from bot.messaging import settling
from bot.messaging.leases import Lease
from bot.messaging.settling import Settled
from gateway_adapters.base import Accepted, Outgoing

GATEWAY = africastalking.GATEWAY
_BATCH = 1000
#: Shares of the messages: reports that come twice, in the wrong order, before our own answer is on record, and that tell
#: that a message did not arrive.
TWICE, SWAPPED, EARLY, UNDELIVERED = 0.2, 0.2, 0.05, 0.1
#: Messages over which the reports of one are spread.
_SPREAD = 400.0
#: Reports of one message on average: that it was sent, what became of it, and what comes twice.
PER_MESSAGE = 2 * (1 + TWICE)
#: The early ones' attempts are under way: seconds for which nobody takes their worker for dead.
_UNDER_WAY = timedelta(hours=2)

#: So long before their reports messages are sent: being sent is nothing that has just happened to anybody, and is not counted
#: by the service while reports are measured.
_BEFORE = timedelta(hours=2)

_CAMPAIGN = """
INSERT INTO campaign (name, kind, state, audience, gateway, recipients, segments, created_by, created_at, approved_by,
                      approved_at, materialised_at, deadline_at)
VALUES (%(name)s, 'blast', 'running', '{}', %(gateway)s, %(many)s, %(many)s, 'bench', %(now)s, 'bench', %(now)s, %(now)s,
        %(now)s + interval '48 hours') RETURNING id
"""
_TEXT = "INSERT INTO campaign_text (campaign_id, language, body) VALUES (%(campaign)s, 'id', 'Daftar vaksinasi')"
_ATTEMPTS = """
INSERT INTO attempt (lane, gateway, campaign_id, language, time_zone, part, size, state, created_at, due_at, deadline_at,
                     claimed_at, submitted_at, settled_at)
SELECT 'blast', %(gateway)s, %(campaign)s, 'id', 'Asia/Jakarta', part, %(batch)s,
       CASE WHEN part < 0 THEN 'submitted' ELSE 'settled' END, %(now)s, %(now)s, %(now)s + interval '48 hours',
       CASE WHEN part < 0 THEN %(until)s ELSE %(now)s END, %(now)s, CASE WHEN part < 0 THEN NULL ELSE %(now)s END
FROM generate_series(-1, (%(many)s - 1) / %(batch)s) AS part
"""
# One in so many has not had our own answer written: it is of the attempt that is under way.
_MESSAGES = """
INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, provider_id, settled_at, created_at, lane, kind, gateway,
                     language)
SELECT %(campaign)s, w.id, a.id, w.phone, CASE WHEN w.early THEN 'queued' ELSE %(state)s END,
       CASE WHEN NOT w.early THEN 'ATXid_' || md5(w.id || ':' || %(campaign)s) END, CASE WHEN NOT w.early THEN %(now)s END,
       %(now)s, 'blast', 'blast', %(gateway)s, 'id'
FROM (SELECT id, phone, place, %(one_in)s > 0 AND mod(place, greatest(%(one_in)s, 1)) = 0 AS early
      FROM (SELECT id, phone, row_number() OVER (ORDER BY id) - 1 AS place FROM worker WHERE phone IS NOT NULL
            ORDER BY id LIMIT %(many)s) AS w) AS w
JOIN attempt a ON a.campaign_id = %(campaign)s AND a.part = CASE WHEN w.early THEN -1 ELSE w.place / %(batch)s END
"""
_OLD_RECEIPTS = """
INSERT INTO receipt (gateway, provider_id, phone, status, reason, matched, received_at, message_id)
SELECT gateway, provider_id, phone, 'delivered', '', true, settled_at, id FROM message WHERE campaign_id = %(campaign)s
"""
_READ = """
SELECT id, phone, 'ATXid_' || md5(worker_id || ':' || campaign_id), provider_id IS NULL, attempt_id
FROM message WHERE campaign_id = %s ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was handed over. ``early``: our own answer is not on record yet."""

    id: int
    phone: str
    provider_id: str
    early: bool
    attempt: int


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report: whether the last word about a message, and whether it arrived."""

    message: Sent
    final: bool
    delivered: bool

    @property
    def form(self) -> dict[str, str]:
        """As the gateway posts it."""
        told, one = africastalking.receipt, self.message
        return told(one.phone, one.provider_id, final=self.final, delivered=self.delivered)

    @property
    def status(self) -> str:
        """As our table of receipts has it."""
        return "sent" if not self.final else "delivered" if self.delivered else "failed"

    @property
    def state(self) -> str:
        """What it makes of a message of which nothing more final is known."""
        return "accepted" if not self.final else "delivered" if self.delivered else "rejected"


def add_messages(database_url: str, name: str, count: int, *, old: bool = False) -> list[Sent]:
    """A campaign of ``count`` messages, accepted by the gateway but for the early ones; raises ``psycopg.Error``.

    ``old``: all have arrived, with their receipts; nothing is returned then.
    """
    now = datetime.now(UTC)
    sent_at = now if old else now - _BEFORE
    values: dict[str, Any] = {
        "name": name, "gateway": GATEWAY, "many": count, "now": sent_at, "until": now + _UNDER_WAY, "batch": _BATCH,
        "state": "delivered" if old else "accepted", "one_in": 0 if old else round(1 / EARLY),
    }  # fmt: skip
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_CAMPAIGN, values).fetchone()
        assert row is not None
        values["campaign"] = row[0]
        for statement in (_TEXT, _ATTEMPTS, _MESSAGES, *((_OLD_RECEIPTS,) if old else ())):
            connection.execute(statement.encode(), values)
        if old:
            connection.execute("DELETE FROM attempt WHERE campaign_id = %s AND part < 0", (row[0],))
            return []
        return [Sent(*found) for found in connection.execute(_READ, (row[0],))]


def reports_on(messages: Sequence[Sent], seed: int) -> list[Report]:
    """The reports on messages as they come in: interleaved, some twice, some in the wrong order."""
    chance = random.Random(seed)
    due: list[tuple[float, int, Report]] = []
    for place, message in enumerate(messages):
        sent = place + chance.random() * _SPREAD
        ended = sent + chance.random() * _SPREAD
        if chance.random() < SWAPPED:
            sent, ended = ended, sent
        delivered = chance.random() >= UNDELIVERED
        for at, final in ((sent, False), (ended, True)):
            report = Report(message, final, delivered)
            due.append((at, len(due), report))
            if chance.random() < TWICE:
                due.append((at + chance.random() * _SPREAD, len(due), report))
    return [report for _, _, report in sorted(due, key=lambda each: each[:2])]


def answer(database: Database, messages: Sequence[Sent]) -> None:
    """Write our own answer to the early ones, as the worker that sent them does; raises ``bot.away.Away``."""
    by_attempt: dict[int, list[Sent]] = {}
    for message in messages:
        if message.early:
            by_attempt.setdefault(message.attempt, []).append(message)
    for attempt, early in by_attempt.items():
        lease = Lease(attempt, "blast", GATEWAY, None, "id", "Asia/Jakarta", 1, len(early), None)
        letters = [Outgoing(each.id, each.phone, "Daftar vaksinasi") for each in early]
        outcomes = [Accepted(each.id, each.provider_id) for each in early]
        settling.settle(database, [Settled(lease, letters, outcomes)], [attempt], datetime.now(UTC))


def last_words(reports: Sequence[Report]) -> Mapping[int, str]:
    """The state that each message must end in, by its id."""
    return {report.message.id: report.state for report in reports if report.final}
