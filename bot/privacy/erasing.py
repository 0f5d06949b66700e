"""Erasing one person: nothing of who they were is left, the figures and what was booked stay as they are.

One transaction that locks the worker's row first, as every act for a worker does, so a hop that is under way comes before
or after. Every statement finds its rows by an index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog
from psycopg.types.json import Jsonb

from bot.away import Away
from bot.conversation.store import Store
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.privacy.columns import ABOUT, MESSAGES_OF
from bot.privacy.person import Person, Who, locked
from bot.privacy.rules import NOBODYS_HASH
from bot.registration.corrections import BadReason, checked_reason
from bot.registration.officer import Officer

_log = structlog.get_logger(__name__)

#: A birth date that says nothing: the column wants one.
NO_BIRTH_DATE: Final = "1900-01-01"


class MessageLeaving(RuntimeError):
    """A message to them is just being handed to a gateway: in a minute it will be settled."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of it. ``cancelled``: places that were given back; ``stopped``: messages that had not left yet.

    ``shared``: what came from and went to a number that is somebody else's too could not be told apart, and was left.
    ``opted_out``: their number stays on the register of those who want no invitations.
    """

    cancelled: int
    stopped: int
    shared: bool
    opted_out: bool


_IN_HAND = f"""
SELECT 1 FROM attempt a WHERE a.state IN ('claimed', 'submitted') AND a.id IN (
    SELECT m.attempt_id FROM message m WHERE m.state = 'queued' AND {MESSAGES_OF})
LIMIT 1
"""
# Locked first: whoever hands messages over claims them by this row.
_LOCK_QUEUED = f"""
SELECT a.id FROM attempt a WHERE a.state = 'queued' AND a.id IN (
    SELECT m.attempt_id FROM message m WHERE m.state = 'queued' AND {MESSAGES_OF})
ORDER BY a.id FOR UPDATE
"""
_STOP = f"""
UPDATE message m SET state = 'suppressed', reason = 'erased', settled_at = %(now)s
WHERE m.state = 'queued' AND {MESSAGES_OF} RETURNING 1
"""
_CANCEL_ATTEMPTS = """
UPDATE attempt a SET state = 'cancelled', settled_at = %(now)s, reason = 'erased'
WHERE a.id = ANY(%(attempts)s) AND a.state = 'queued' AND a.campaign_id IS NULL
AND NOT EXISTS (SELECT 1 FROM message m WHERE m.attempt_id = a.id AND m.state = 'queued')
"""

# Places that nobody could ask for any more are free for others; what has begun is kept, without who it was.
_GIVE_BACK = """
WITH over AS (
    UPDATE booking b SET state = CASE WHEN b.state = 'held' THEN 'expired' ELSE 'cancelled' END, held_until = NULL,
        ended_at = %(now)s
    FROM vaccination_session s
    WHERE b.worker_id = %(worker)s AND s.id = b.session_id
        AND (b.state = 'held' OR (b.state = 'booked' AND s.starts_at > %(now)s))
    RETURNING b.session_id, b.state
), places AS (
    UPDATE vaccination_session s SET taken = s.taken - o.n
    FROM (SELECT session_id, count(*) AS n FROM over GROUP BY 1) AS o WHERE s.id = o.session_id
)
SELECT count(*) FILTER (WHERE state = 'cancelled') FROM over
"""


def _delete(table: str) -> str:
    return f"DELETE FROM {table} t WHERE {ABOUT[table].whose}"


#: In their order: receipts are found by the messages' ids, everything by the worker's numbers and hashes.
_FORGET: Final = (
    *map(_delete, ("receipt", "further_acceptance", "identity_guard", "phone_claim", "not_me_report", "enquiry")),
    *map(_delete, ("wrong_number", "hop", "last_stop", "follow_up", "follow_up_case")),
    f"UPDATE attempt t SET phone = NULL WHERE {ABOUT['attempt'].whose}",
    f"UPDATE idempotent_request t SET body = '{{}}' WHERE {ABOUT['idempotent_request'].whose}",
    "UPDATE inbound t SET phone = '', link_id = NULL, text_sealed = '', gateway_message_id = 'erased:' || t.id, "
    "claimed_until = NULL, state = CASE WHEN t.state IN ('received', 'dead') THEN 'ignored' ELSE t.state END, "
    "reason = CASE WHEN t.state IN ('received', 'dead') THEN 'erased' ELSE t.reason END, "
    f"settled_at = coalesce(t.settled_at, %(now)s) WHERE {ABOUT['inbound'].whose}",
    "UPDATE message t SET phone = '', provider_id = NULL, link_id = NULL, body = CASE WHEN t.body IS NOT NULL THEN '' END "
    f"WHERE {ABOUT['message'].whose}",
    "UPDATE screening SET answer_sealed = NULL WHERE worker_id = %(worker)s",
    "UPDATE booking SET phone = NULL, ticket = CASE WHEN ticket IS NOT NULL THEN 'erased:' || id END "
    "WHERE worker_id = %(worker)s",
    "UPDATE audit SET subject = 'nik:gone' WHERE subject = ANY(%(locks)s)",
    f"UPDATE worker SET nik_hash = {NOBODYS_HASH}, nik_sealed = '', nik_tail = '', name = '', "
    f"birth_date = '{NO_BIRTH_DATE}', phone = NULL, profession = '', updated_at = %(now)s, erased_at = %(now)s "
    "WHERE id = %(worker)s",
)

#: The hash of nobody: a list must not become empty, which would be no list.
_NOBODY: Final = "00" * 32

_LISTED = f"SELECT t.id, t.audience FROM campaign t WHERE {ABOUT['campaign'].whose} ORDER BY t.id FOR UPDATE"


def erase(
    database: Database, vault: Vault, store: Store, who: Who, reason: str, officer: Officer, now: datetime
) -> Erased:
    """Erase a person (see ``bot.privacy.person.find``); that it was done, and why, goes to the audit log.

    Raises ``OutOfReach``, ``MessageLeaving``, ``bot.registration.corrections.BadReason`` (also for a reason that names
    them) and ``Away``: then nothing was erased.
    """
    reason = checked_reason(reason)
    with database.transaction() as connection:
        person = locked(connection, vault, officer, who)
        if names(person.name, reason):
            raise BadReason
        erased = _erase(connection, person, now)
        detail: dict[str, object] = {"reason": reason, "cancelled": erased.cancelled, "stopped": erased.stopped}
        audit.record(connection, now, officer.name, "privacy.erase", person.logged_as, detail)
        for phone in person.numbers:
            store.forget(phone)
    return _afterwards(database, store, person, erased, now)


def _afterwards(database: Database, store: Store, person: Person, erased: Erased, now: datetime) -> Erased:
    """Forget what a hop or an SMS that was under way has left: it began before, and waited for the row or was faster.

    Whatever begins now finds nobody, and may do nothing for them.
    """
    try:
        for phone in person.numbers:
            store.forget(phone)
        with database.transaction() as connection:
            connection.execute("SELECT 1 FROM worker WHERE id = %(worker)s FOR UPDATE", person.parameters)
            more = _erase(connection, person, now)
    except (Away, MessageLeaving) as error:
        _log.warning("erasing_not_looked_after", error=type(error).__name__)
        return erased
    return replace(erased, cancelled=erased.cancelled + more.cancelled, stopped=erased.stopped + more.stopped)


def names(name: str, text: str) -> bool:
    """Whether a text holds a word of somebody's name."""
    said = set(re.findall(r"[^\W_]+", text.lower()))
    return any(len(word) > 2 and word in said for word in re.findall(r"[^\W_]+", name.lower()))


def _erase(connection: psycopg.Connection[Any], person: Person, now: datetime) -> Erased:
    values = person.parameters | {"now": now}
    # First: a place that is taken at this moment writes its ticket's message, which is seen only after that.
    row = connection.execute(_GIVE_BACK, values).fetchone()
    cancelled = 0 if row is None else int(row[0])
    values["attempts"] = [each[0] for each in connection.execute(_LOCK_QUEUED.encode(), values)]
    if connection.execute(_IN_HAND.encode(), values).fetchone() is not None:
        raise MessageLeaving
    stopped = len(connection.execute(_STOP.encode(), values).fetchall())
    connection.execute(_CANCEL_ATTEMPTS, values)
    _take_out_of_log(connection, person)
    _take_off_lists(connection, person)
    for statement in _FORGET:
        connection.execute(statement.encode(), values)
    out = connection.execute("SELECT 1 FROM opt_out WHERE phone = ANY(%(phones)s)", values).fetchone() is not None
    return Erased(cancelled, stopped, person.shared, out)


def _take_out_of_log(connection: psycopg.Connection[Any], person: Person) -> None:
    """Reasons that officers typed may hold the name."""
    rows = connection.execute(
        "SELECT id, detail ->> 'reason' FROM audit WHERE subject = %(subject)s AND detail ? 'reason'", person.parameters
    ).fetchall()
    named = [number for number, reason in rows if names(person.name, reason or "")]
    if named:
        connection.execute(
            """UPDATE audit SET detail = detail || '{"reason": "erased"}' WHERE id = ANY(%s)""", (named,)
        )


def _take_off_lists(connection: psycopg.Connection[Any], person: Person) -> None:
    """Campaigns for a list of numbers or NIKs are for the others on it, or for nobody."""
    gone = {*person.phones, *person.parameters["hexes"]}
    for number, audience in connection.execute(_LISTED.encode(), person.parameters).fetchall():
        lists = {name: audience[name] for name in ("phones", "nik_hashes") if name in audience}
        left = {name: [each for each in listed if each not in gone] for name, listed in lists.items()}
        kept = {name: value for name, value in audience.items() if name not in left}
        kept |= left if all(left.values()) else {"nik_hashes": [_NOBODY]}
        connection.execute("UPDATE campaign SET audience = %s WHERE id = %s", (Jsonb(kept), number))
