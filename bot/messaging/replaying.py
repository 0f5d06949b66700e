"""Spooled letters go into PostgreSQL: each phone's in the order in which they came, each once however often it is replayed.

An SMS becomes a row of ``inbound`` that the sweep handles, as if Redis had been away when it came. A letter leaves the spool
after its commit; whoever dies in between has it replayed, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog

from bot.away import Away
from bot.crypto import Vault
from bot.db import audit
from bot.db.database import Database
from bot.messaging import inbound, optouts, receipts
from bot.messaging.letters import Letter, Unreadable
from bot.messaging.spool import Entry, Spool
from bot.metrics import FAILURES
from gateway_adapters.base import InboundSms, OptOut, Receipt

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Replayed:
    """How many letters went into PostgreSQL, SMS among them, were put aside, or stay for the next time."""

    taken: int = 0
    sms: int = 0
    quarantined: int = 0
    stuck: int = 0


def replay(
    spool: Spool, database: Database, vault: Vault, goes_on: Callable[[], bool] = lambda: True, *, first: int = 0
) -> tuple[Replayed, bool]:
    """Replay what waits, while ``goes_on``; for the one who holds ``spool.replaying``. Returns also whether it came through:
    not where PostgreSQL is away. What PostgreSQL refuses for what it says is put aside, as is what cannot be read; anything
    else that goes wrong holds up the letters about the same phone, and no others. ``first``: the folder to begin with, another
    each time, so that those behind many that are stuck have their turn.
    """
    done, held_up, in_vain = Replayed(), set[str](), 0
    for entry in spool.entries(first):
        if not goes_on():
            return done, False
        if entry.about in held_up:
            done.stuck += 1
            continue
        try:
            letter = spool.read(entry)
            _take(database, vault, letter)
            spool.remove(entry)
            done.taken += 1
            done.sms += isinstance(letter.event, InboundSms)
            in_vain = 0
        except FileNotFoundError:
            continue
        except Away:
            # One may have waited for a locked row; two in a row are PostgreSQL's.
            in_vain += 1
            if in_vain > 1:
                return done, False
            held_up.add(entry.about)
            done.stuck += 1
        except (Unreadable, UnicodeError, psycopg.DataError) as error:
            done.quarantined += _put_aside(spool, entry, error)
        except Exception:  # noqa: BLE001 - whatever one letter does, the others are replayed
            FAILURES.labels("spool").inc()
            if not done.stuck:  # the others most likely for the same reason
                _log.exception("letter_stuck")
            held_up.add(entry.about)
            done.stuck += 1
    return done, not in_vain


def release(spool: Spool, database: Database, actor: str, now: datetime) -> int:
    """Let all of the quarantine wait again; returns how many. Audited. Raises ``DatabaseAway`` and ``OSError``."""
    entries = spool.quarantined()
    if entries:
        with database.transaction() as connection:
            audit.record(connection, now, actor, "spool.release", "spool", {"letters": len(entries)})
    for entry in entries:
        spool.release(entry)
    return len(entries)


def _take(database: Database, vault: Vault, letter: Letter) -> None:
    match letter.event:
        case InboundSms():
            inbound.keep(database, vault, letter.gateway, letter.event, letter.at, at_once=False)
        case OptOut(phone=phone, stopped=True):
            optouts.opt_out(database, phone, letter.gateway, letter.at)
        case OptOut(phone=phone):
            optouts.opt_in(database, phone)
        case Receipt():
            receipts.apply(database, [receipts.Told(letter.gateway, letter.event, letter.at)])


def _put_aside(spool: Spool, entry: Entry, error: Exception) -> bool:
    _log.error("letter_quarantined", error=type(error).__name__)
    try:
        spool.quarantine(entry)
    except OSError as why:
        _log.error("quarantine_failed", error=type(why).__name__)
        return False
    return True
