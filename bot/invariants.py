"""What must always hold (DESIGN section 8), each as a statement that finds what breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from bot.db.database import Database


@dataclass(frozen=True, slots=True)
class Invariant:
    """``broken``: an SQL statement that gives the ids of whatever breaks it. Parameters: ``late``."""

    name: str
    broken: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How many rows break an invariant, and the ids of some of them."""

    invariant: Invariant
    count: int
    examples: tuple[str, ...]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "taken places = held + booked + attended + no show, in every session",
        "SELECT s.id FROM vaccination_session s LEFT JOIN booking b ON b.session_id = s.id "
        "AND b.state IN ('held', 'booked', 'attended', 'no_show') GROUP BY s.id HAVING s.taken <> count(b.id)",
    ),
    Invariant(
        "no session has more places taken than its capacity",
        "SELECT id FROM vaccination_session WHERE taken > capacity OR taken < 0",
    ),
    Invariant(
        "at most one confirmed booking per worker and dose",
        "SELECT worker_id FROM booking WHERE state IN ('booked', 'attended') "
        "GROUP BY worker_id, dose HAVING count(*) > 1",
    ),
    Invariant(
        "at most one hold per worker and dose",
        "SELECT worker_id FROM booking WHERE state = 'held' GROUP BY worker_id, dose HAVING count(*) > 1",
    ),
    Invariant(
        "every confirmed booking has a ticket",
        "SELECT id FROM booking WHERE state IN ('booked', 'attended', 'no_show') AND ticket IS NULL",
    ),
    Invariant(
        "every ticket message speaks of a ticket that exists",
        "SELECT m.id FROM message m LEFT JOIN booking b ON b.id = m.booking_id "
        "WHERE m.kind = 'ticket' AND m.body <> '' AND (b.id IS NULL OR b.ticket IS NULL OR strpos(m.body, b.ticket) = 0)",
    ),
    Invariant(
        "no message was accepted twice by a gateway without an admin's decision",
        "SELECT message_id FROM further_acceptance GROUP BY message_id HAVING count(*) > (SELECT count(*) FROM audit u "
        "JOIN message m ON m.id = message_id WHERE u.action IN ('campaign.resend', 'replies.resend') "
        "AND u.subject = coalesce('campaign:' || m.campaign_id, 'replies'))",
    ),
    Invariant(
        "no message was sent again while its fate was unknown",
        "SELECT m.id FROM message m JOIN attempt a ON a.id = m.attempt_id WHERE m.state = 'unknown' "
        "AND a.state IN ('queued', 'claimed')",
    ),
    Invariant(
        "at most one message per campaign, recipient and booking",
        "SELECT min(id) FROM message WHERE campaign_id IS NOT NULL GROUP BY campaign_id, worker_id, booking_id "
        "HAVING count(*) > 1",
    ),
    Invariant(
        "every message that waits belongs to an attempt that is still to be made or under way",
        "SELECT m.id FROM message m LEFT JOIN attempt a ON a.id = m.attempt_id WHERE m.state = 'queued' "
        "AND (a.id IS NULL OR a.state NOT IN ('queued', 'claimed', 'submitted'))",
    ),
    Invariant(
        "nobody who opted out gets more than answers and notices about their own booking or number",
        "SELECT m.id FROM message m JOIN opt_out o ON o.phone = m.phone "
        "WHERE m.lane <> 'reply' AND m.state IN ('accepted', 'delivered') AND m.created_at > o.since",
    ),
    Invariant(
        "every inbound SMS ends as handled, ignored or dead (none waits longer than 10 minutes)",
        "SELECT id FROM inbound WHERE state = 'received' AND received_at < %(late)s",
    ),
    Invariant(
        "every handled inbound SMS has its reply in the outbox",
        "SELECT i.id FROM inbound i WHERE i.state = 'handled' "
        "AND NOT EXISTS (SELECT 1 FROM message m WHERE m.inbound_id = i.id)",
    ),
    Invariant(
        "no message is in hand for longer than 10 minutes",
        "SELECT id FROM attempt WHERE state IN ('claimed', 'submitted') AND claimed_at < %(late)s",
    ),
)

#: What is still being worked on is not late before this.
PATIENCE = timedelta(minutes=10)


def check(database: Database, now: datetime) -> list[Finding]:
    """Check every invariant."""
    found: list[Finding] = []
    for invariant in INVARIANTS:
        rows = database.rows(
            f"SELECT count(*) OVER (), broken.* FROM ({invariant.broken}) AS broken LIMIT 5",
            {"late": now - PATIENCE},
        )
        count = int(rows[0][0]) if rows else 0
        found.append(Finding(invariant, count, tuple(str(row[1]) for row in rows)))
    return found


@dataclass(frozen=True, slots=True)
class Kept:
    """Findings as they were kept: the name of each invariant, how many rows break it, and some of their ids."""

    as_of: datetime
    took: float
    findings: tuple[tuple[str, int, tuple[str, ...]], ...]

    @property
    def broken(self) -> int:
        """How many invariants are broken."""
        return sum(1 for _, count, _ in self.findings if count)


def keep(database: Database, findings: list[Finding], as_of: datetime, *, took: float) -> None:
    """Keep findings to be shown. ``took``: seconds."""
    body = [[each.invariant.name, each.count, list(each.examples)] for each in findings]
    database.rows(
        "INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES ('doctor', %s, %s, %s) ON CONFLICT (kind) "
        "DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body",
        (as_of, round(took * 1000), Jsonb(body)),
    )


def kept(database: Database) -> Kept | None:
    """What was found last, None if nobody has looked yet."""
    row = database.row("SELECT as_of, took_ms / 1000.0::float8, body FROM figure_snapshot WHERE kind = 'doctor'")
    if row is None:
        return None
    return Kept(row[0], row[1], tuple((name, count, tuple(examples)) for name, count, examples in row[2]))
