"""An office that runs campaigns: workers to send to, and an admin's decisions as one line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.campaigns import campaigns, materialise
from bot.campaigns.campaigns import Campaign
from bot.campaigns.plans import Plan
from bot.db.database import Database
from bot.officers import accounts
from bot.officers.accounts import Role
from gateway_adapters.base import GatewayRegistry
from gateway_adapters.registry import load_gateways
from tests.world import MORNING, World

MAKER = "cli:budi"
HELLO = "Balas SMS ini untuk mendaftar vaksinasi."


def gateways() -> GatewayRegistry:
    """Africa's Talking able to send, and Twilio that is not."""
    environ = {"AT_USERNAME": "sandbox", "AT_API_KEY": "key-of-tests", "WEBHOOK_SECRET": "s"}
    return load_gateways(environ, public_url="https://balas.example")


@dataclass
class Office:
    """What admins do, at a moment that tests move."""

    database: Database
    now: datetime = MORNING
    approval_above: int = 10_000
    gateways: GatewayRegistry = field(default_factory=gateways)

    def __post_init__(self) -> None:
        self.world = World(self.database)
        self.world.district()

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)

    def workers(self, count: int, **features: Any) -> list[int]:
        return [self.world.worker(None, **features).id for _ in range(count)]

    def user(self, name: str, role: Role = Role.NATIONAL, area: str | None = None) -> None:
        accounts.add(self.database, name, role, area, "correct horse battery", now=self.now, actor="cli:root")

    def create(self, name: str = "blast", texts: Mapping[str, str] | None = None, **features: Any) -> Campaign:
        wanted: dict[str, Any] = {"gateway": "africastalking"} | features
        plan = Plan(name=name, texts=texts or {"id": HELLO}, **wanted)
        return campaigns.create(self.database, plan, self.gateways, now=self.now, actor=MAKER)

    def approve(self, name: str = "blast", as_user: str = "sri") -> Campaign:
        return campaigns.approve(
            self.database, name, as_user, now=self.now, actor="cli:root", approval_above=self.approval_above
        )

    def approve_own(self, name: str = "blast") -> Campaign:
        return campaigns.approve_own(self.database, name, now=self.now, actor=MAKER, approval_above=self.approval_above)

    def start(self, name: str = "blast", *, batch_size: int = 1000) -> Campaign:
        return materialise.start(
            self.database, name, self.now, batch_size=batch_size, approval_above=self.approval_above, actor=MAKER
        )

    def running(self, name: str = "blast", *, batch_size: int = 1000, **features: Any) -> Campaign:
        self.create(name, **features)
        self.approve_own(name)
        return self.start(name, batch_size=batch_size)

    def state(self, name: str = "blast") -> str:
        return str(campaigns.find(self.database, name).state)

    def audited(self) -> list[str]:
        return [action for (action,) in self.database.rows("SELECT action FROM audit ORDER BY id")]

    def attempts(self, columns: str = "size, state") -> list[tuple[Any, ...]]:
        return self.database.rows(f"SELECT {columns} FROM attempt ORDER BY id")

    def messages(self, columns: str = "state, reason") -> list[tuple[Any, ...]]:
        return self.database.rows(f"SELECT {columns} FROM message ORDER BY worker_id, id")

    def attempt_goes(self, state: str, number: int = 0) -> int:
        """Let the attempt at a place in their order get to a state, as messaging would; returns its id."""
        found: int = self.attempts("id")[number][0]
        self.database.rows(
            "UPDATE attempt SET state = %(state)s, submitted_at = %(now)s, "
            "settled_at = CASE WHEN %(state)s IN ('settled', 'unknown') THEN %(now)s::timestamptz END WHERE id = %(id)s",
            {"state": state, "now": self.now, "id": found},
        )
        return found

    def messages_go(self, state: str, reason: str | None = None, *, attempt: int, most: int = 1000) -> None:
        """Let messages of an attempt get to a state."""
        self.database.rows(
            "UPDATE message SET state = %s, reason = %s, settled_at = %s WHERE id IN "
            "(SELECT id FROM message WHERE attempt_id = %s AND state = 'queued' ORDER BY id LIMIT %s)",
            (state, reason, self.now, attempt, most),
        )
