"""A session's places: one is taken, holds that have expired are let go."""

from __future__ import annotations

from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.db.database import Database
from bot.registration.terms import DOSE


def take_place(connection: psycopg.Connection[Any], session_id: int, now: object) -> bool:
    """Take one place of a session, waiting for its row; reclaims its expired holds first. False: it is full."""
    locked = connection.execute(
        "SELECT taken < capacity FROM vaccination_session WHERE id = %s FOR UPDATE", (session_id,)
    ).fetchone()
    if locked is None:
        return False
    if not locked[0]:
        reclaim_expired(connection, session_id, now)
    taken = connection.execute(
        "UPDATE vaccination_session SET taken = taken + 1 WHERE id = %s AND taken < capacity", (session_id,)
    )
    return taken.rowcount == 1


def lock_sessions(connection: psycopg.Connection[Any], worker_id: int, more: int | None = None) -> None:
    """Lock the sessions in which a worker holds a place or has one, and ``more``, in the order that all keep to.

    Who changes two sessions' places and locks them as it happens waits for whoever changes them the other way round.
    """
    connection.execute(
        "SELECT 1 FROM vaccination_session WHERE id = ANY(ARRAY(SELECT session_id FROM booking WHERE worker_id = %s "
        "AND dose = %s AND state IN ('held', 'booked')) || %s::bigint[]) ORDER BY starts_at, id FOR UPDATE",
        (worker_id, DOSE, [] if more is None else [more]),
    )


def release_hold(connection: psycopg.Connection[Any], worker_id: int, caller: Caller) -> None:
    """Let the worker's hold go, if there is one."""
    row = connection.execute(
        "UPDATE booking SET state = 'expired', held_until = NULL, ended_at = %s "
        "WHERE worker_id = %s AND dose = %s AND state = 'held' RETURNING session_id",
        (caller.now, worker_id, DOSE),
    ).fetchone()
    if row is not None:
        connection.execute("UPDATE vaccination_session SET taken = taken - 1 WHERE id = %s", (row[0],))


def reclaim_expired(connection: psycopg.Connection[Any], session_id: int, now: object) -> int:
    """Let go of a session's expired holds (those that nobody is just confirming); its row must be locked."""
    row = connection.execute(
        "WITH over AS (SELECT id FROM booking WHERE session_id = %(session)s AND state = 'held' "
        "AND held_until <= %(now)s FOR UPDATE SKIP LOCKED), "
        "ended AS (UPDATE booking SET state = 'expired', held_until = NULL, ended_at = %(now)s "
        "WHERE id IN (SELECT id FROM over) RETURNING 1) "
        "UPDATE vaccination_session SET taken = taken - (SELECT count(*) FROM ended) WHERE id = %(session)s "
        "RETURNING (SELECT count(*) FROM ended)",
        {"session": session_id, "now": now},
    ).fetchone()
    return int(row[0]) if row else 0


def reclaim(database: Database, session_id: int, now: object) -> int:
    """Let go of a session's expired holds, in a transaction that waits for its row; returns how many."""
    with database.transaction() as connection:
        connection.execute("SELECT 1 FROM vaccination_session WHERE id = %s FOR UPDATE", (session_id,))
        return reclaim_expired(connection, session_id, now)


def reclaim_of(database: Database, worker_id: int, now: object) -> None:
    """Let go of a worker's own hold if it has expired, before a transaction that takes a place elsewhere.

    Within it, the session of the old place would stay locked while others are waited for.
    """
    session_id = database.value(
        "SELECT session_id FROM booking WHERE worker_id = %s AND dose = %s AND state = 'held' AND held_until <= %s",
        (worker_id, DOSE, now),
    )
    if session_id is not None:
        reclaim(database, session_id, now)


def sweep_expired(database: Database, now: object) -> int:
    """Let go of every hold that has expired; returns how many. Safe to run anywhere, any number of times."""
    sessions = database.rows(
        "SELECT DISTINCT session_id FROM booking WHERE state = 'held' AND held_until <= %s ORDER BY session_id", (now,)
    )
    released = 0
    for (session_id,) in sessions:
        released += reclaim(database, session_id, now)
    return released
