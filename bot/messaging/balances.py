"""What is left on our accounts with gateways: asked by a worker once in a while, kept for the page, which asks nobody.

A gateway that does not answer keeps what it told last, with the time of that: who reads it sees how old it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from psycopg.types.json import Jsonb

from bot.db.database import Database
from gateway_adapters.base import Balance, GatewayRegistry, TellsBalance

_KIND: Final = "balances"
#: How often gateways are asked at most.
EVERY: Final = timedelta(minutes=5)

_KEEP = """
INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES (%(kind)s, %(now)s, %(took)s, %(body)s)
ON CONFLICT (kind) DO UPDATE SET as_of = EXCLUDED.as_of, took_ms = EXCLUDED.took_ms, body = EXCLUDED.body
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway has told last, and when."""

    balance: Balance
    as_of: datetime


def kept(database: Database) -> dict[str, Told]:
    """What is known, by gateway; those that have never told are not in it."""
    row = database.row("SELECT body FROM figure_snapshot WHERE kind = %s", (_KIND,))
    return {} if row is None else {name: _told(values) for name, values in row[0].items()}


def ask(database: Database, gateways: GatewayRegistry, now: datetime) -> int | None:
    """Ask the gateways that can be asked and can send; returns how many told, None where it is not due yet.

    No transaction is open meanwhile. Two workers that ask at once do no harm. Raises ``DatabaseAway``.
    """
    asked_at = database.value("SELECT max(as_of) FROM figure_snapshot WHERE kind = %s", (_KIND,))
    if asked_at is not None and asked_at <= now < asked_at + EVERY - EVERY / 10:
        return None
    began = time.monotonic()
    answers = {
        name: gateway.balance()
        for name, gateway in gateways.by_name.items()
        if isinstance(gateway, TellsBalance) and not gateway.missing_to_send()
    }
    told = {name: Told(balance, now) for name, balance in answers.items() if balance is not None}
    # A gateway that is not ours any more is forgotten.
    known = {name: last for name, last in kept(database).items() if name in answers} | told
    took = round((time.monotonic() - began) * 1000)
    database.rows(_KEEP, {"kind": _KIND, "now": now, "took": took, "body": Jsonb(_body(known))})
    return len(told)


def _body(known: Mapping[str, Told]) -> dict[str, list[str]]:
    return {
        name: [str(told.balance.amount), told.balance.currency, told.as_of.isoformat()] for name, told in known.items()
    }


def _told(values: list[Any]) -> Told:
    amount, currency, as_of = values
    return Told(Balance(Decimal(amount), currency), datetime.fromisoformat(as_of))
