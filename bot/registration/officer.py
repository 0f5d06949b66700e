"""An officer who looks people up and acts for them: who they are, and what lies within their reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from bot.conversation.driver import Caller
from bot.registration.people import OnBehalf
from gateway_adapters.base import Channel


class OutOfReach(LookupError):
    """There is no such person, place or booking, as far as this officer is concerned."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an officer sees: conditions on ``worker w`` and ``facility f``, and the parameters that they name."""

    workers: str = "true"
    facilities: str = "true"
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Officer:
    """``name``: as the audit log knows them."""

    name: str
    reach: Reach


def lock_in_reach(connection: psycopg.Connection[Any], officer: Officer, worker_id: int, columns: str) -> Sequence[Any]:
    """Lock a worker's row and give some of its columns (of ``w``); raises ``OutOfReach``, also for who has been erased."""
    row: Sequence[Any] | None = connection.execute(
        f"SELECT {columns} FROM worker w WHERE w.id = %(worker)s AND w.erased_at IS NULL AND {officer.reach.workers} "
        "FOR UPDATE".encode(),
        {**officer.reach.parameters, "worker": worker_id},
    ).fetchone()
    if row is None:
        raise OutOfReach(str(worker_id))
    return row


def for_worker(phone: str | None, now: datetime, once: str = "") -> Caller:
    """Who acts, as those functions want to know it that conversations use. ``once``: the same for a repeated request.

    The ticket leaves by the outbox, as it does after a USSD session.
    """
    return OnBehalf(phone or "", Channel.USSD, now, once, now)


def subject(worker_id: int) -> str:
    """A worker as the audit log names them."""
    return f"worker:{worker_id}"
