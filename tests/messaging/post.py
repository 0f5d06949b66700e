"""Messages that are written, sent and receipted, on a clock that can be moved."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.clock import ManualClock
from bot.db.database import Database
from bot.messaging import leases, outbox, receipts
from bot.messaging.outbox import Draft, Lane
from bot.messaging.pacing import Pace
from bot.messaging.sending import Sender
from gateway_adapters.base import GatewayRegistry, Outgoing, Receipt, ReceiptStatus
from tests.world import MORNING

PHONE = "+6281200000001"


class Post:
    """Writes messages, sends what is due, and tells what became of them."""

    def __init__(self, database: Database, gateways: GatewayRegistry, pace: Pace) -> None:
        self.database = database
        self.pace = pace
        self.gateways = gateways
        self.clock = ManualClock(MORNING)
        self._number = 0

    def write(self, body: str = "halo", phone: str = PHONE, deadline: datetime | None = None) -> int:
        self._number += 1
        draft = Draft(
            natural_key=f"test:{self._number}",
            kind="reply",
            lane=Lane.REPLY,
            gateway="africastalking",
            phone=phone,
            language="id",
            body=body,
            deadline_at=deadline,
        )
        with self.database.transaction() as connection:
            written = outbox.write(connection, draft, self.clock.now())
        assert written is not None
        return written

    def claim(self, limit: int = 50) -> list[tuple[leases.Lease, Outgoing]]:
        claimed = leases.claim_replies(self.database, self.clock.now(), limit)
        return [(lease, letter) for lease, letter in claimed if letter is not None]

    def submit(self) -> list[tuple[leases.Lease, Outgoing]]:
        claimed = self.claim()
        leases.submit(self.database, [lease for lease, _ in claimed], self.clock.now())
        return claimed

    def send(self, gateways: GatewayRegistry | None = None) -> int:
        """Send until nothing is due."""
        chosen = self.gateways if gateways is None else gateways
        sender = Sender(self.database, chosen, self.clock, Lane.REPLY, pace=self.pace)
        try:
            return sender.run(lambda: True)
        finally:
            sender.close()

    def passes(self, **span: float) -> None:
        self.clock.moment += timedelta(**span)

    def state(self, message: int) -> str:
        found: str = self.database.value("SELECT state FROM message WHERE id = %s", (message,))
        return found

    def attempt(self, message: int) -> tuple[str, int]:
        """State and number of a message's attempt."""
        row = self.database.row(
            "SELECT a.state, a.number FROM message m JOIN attempt a ON a.id = m.attempt_id WHERE m.id = %s", (message,)
        )
        assert row is not None
        return row[0], row[1]

    def receipt(self, status: ReceiptStatus, provider_id: str, phone: str = PHONE, reason: str = "") -> bool:
        receipt = Receipt(provider_id, status, phone, reason)
        return receipts.apply(self.database, [receipts.Told("africastalking", receipt, self.clock.now())]) == 1
