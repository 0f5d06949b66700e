"""What became of everybody, by three records that know nothing of each other: PostgreSQL, the gateway's log, and what the
subscribers saw (DESIGN section 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.stub_gateway.message_log import Logged, digest_of, read_bodies, read_log
from bot import invariants
from bot.db.database import Database
from faults.journal import Journal
from faults.subscribers import TICKET


@dataclass(frozen=True, slots=True)
class Verdict:
    """Each is empty in a run in which nothing was lost and nothing doubled; examples name no numbers."""

    lost_tickets: tuple[str, ...]
    lost_texts: tuple[str, ...]
    doubled_messages: tuple[str, ...]
    doubled_bookings: tuple[str, ...]
    overbooked: tuple[str, ...]
    broken: tuple[str, ...]
    unserved: tuple[str, ...]
    unknown: int

    @property
    def right(self) -> bool:
        """Whether nothing is wrong. A message of unknown fate is no fault: an admin decides on it."""
        return not any(
            (
                *(self.lost_tickets, self.lost_texts, self.doubled_messages, self.doubled_bookings),
                *(self.overbooked, self.broken, self.unserved),
            )
        )


def judge(database: Database, log: Path, journal: Journal, subscribers: int, now: datetime) -> Verdict:
    """Compare the records, after everything has settled; ``log``: the gateway's, kept with its texts."""
    logged = list(read_log(log))
    bodies = read_bodies(log)
    return Verdict(
        lost_tickets=tuple(_lost_tickets(database, journal)),
        lost_texts=tuple(_lost_texts(database, journal)),
        doubled_messages=tuple(_doubled(database, logged, bodies)),
        doubled_bookings=tuple(_doubled_bookings(journal, logged, bodies)),
        overbooked=tuple(_overbooked(database)),
        broken=tuple(
            f"{found.invariant.name}: {found.count}" for found in invariants.check(database, now) if found.count
        ),
        unserved=tuple(f"{number[:6]}…: {how}" for number, how in journal.unserved.items())
        or _missing(journal, subscribers),
        unknown=int(database.value("SELECT count(*) FROM message WHERE state = 'unknown'")),
    )


def _missing(journal: Journal, subscribers: int) -> tuple[str, ...]:
    served = len({number for number, _ in journal.tickets})
    return () if served == subscribers else (f"{subscribers - served} subscribers have seen no ticket",)


def _lost_tickets(database: Database, journal: Journal) -> Iterable[str]:
    """Tickets that somebody was shown and that are not theirs in PostgreSQL."""
    kept = {
        (str(phone), str(ticket))
        for phone, ticket in database.rows(
            "SELECT w.phone, b.ticket FROM booking b JOIN worker w ON w.id = b.worker_id WHERE b.state = 'booked'"
        )
    }
    return (ticket for _, ticket in sorted(journal.tickets - kept))


def _lost_texts(database: Database, journal: Journal) -> Iterable[str]:
    """Texts that were acknowledged and were not handled."""
    ended = {
        str(number)
        for (number,) in database.rows("SELECT gateway_message_id FROM inbound WHERE state IN ('handled', 'ignored')")
    }
    return sorted(journal.acknowledged.keys() - ended)


def _doubled(database: Database, logged: list[Logged], bodies: dict[str, str]) -> Iterable[str]:
    """What the gateway took more often than PostgreSQL has messages of that text for that number."""
    campaign = {
        digest_of(body) for (body,) in database.rows("SELECT DISTINCT body FROM campaign_text WHERE body <> ''")
    }
    wanted: Counter[tuple[str, str]] = Counter()
    for number, body in database.rows("SELECT phone, body FROM message WHERE body IS NOT NULL"):
        wanted[str(number), digest_of(str(body))] += 1
    for (number,) in database.rows("SELECT phone FROM message WHERE campaign_id IS NOT NULL AND body IS NULL"):
        for digest in campaign:
            wanted[str(number), digest] += 1
    taken = Counter((line.number, line.digest) for line in logged)
    for (number, digest), many in sorted(taken.items()):
        if many > wanted[number, digest]:
            yield f"{bodies[digest][:30]!r}: taken {many} times, written {wanted[number, digest]} times"


def _doubled_bookings(journal: Journal, logged: list[Logged], bodies: dict[str, str]) -> Iterable[str]:
    """Who saw two different tickets, on screens or by SMS."""
    found: dict[str, set[str]] = {}
    for number, ticket in journal.tickets:
        found.setdefault(number, set()).add(ticket)
    for line in logged:
        found.setdefault(line.number, set()).update(TICKET.findall(bodies[line.digest]))
    return (f"{' and '.join(sorted(tickets))} of one person" for tickets in found.values() if len(tickets) > 1)


def _overbooked(database: Database) -> Iterable[str]:
    """Sessions in which more people hold tickets than there are places."""
    rows = database.rows(
        "SELECT s.id, s.capacity, count(*) FROM booking b JOIN vaccination_session s ON s.id = b.session_id "
        "WHERE b.state IN ('booked', 'attended', 'no_show') GROUP BY s.id HAVING count(*) > s.capacity"
    )
    return (f"session {number}: {many} of {capacity}" for number, capacity, many in rows)
